"""What a deletion asks of the garbage collector: finalizers that hold the object for it. Pure.

With `propagationPolicy: Foreground` an object stays until what it owns has gone, with `Orphan`
until it is no owner any more; the collector sees to both, and then takes the finalizer away. The
rules are those of kube-apiserver's generic registry (`deletionFinalizersForGarbageCollection`).
"""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.apiserver.resources.kind import Object

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"

_BY_POLICY = {"Foreground": (FOREGROUND,), "Orphan": (ORPHAN,), "Background": ()}


def hold(meta: Object, propagation: str) -> bool:
    """Give an object the finalizers of a deletion, and take away those of another.

    Args:
        meta: The object's metadata, which is changed.
        propagation: What the deletion asks for; where that is nothing, what is there stays.

    Returns:
        Whether anything has changed.
    """
    if not propagation:
        return False
    before: Sequence[str] = meta.get("finalizers") or ()
    others = [one for one in before if one not in (FOREGROUND, ORPHAN)]
    after = [*others, *_BY_POLICY[propagation]]
    if sorted(after) == sorted(before):
        return False
    if after:
        meta["finalizers"] = after
    else:
        meta.pop("finalizers", None)
    return True
