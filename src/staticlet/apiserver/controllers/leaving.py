"""Why a namespace that is deleted is still there: the conditions that say so. Pure.

They are those of kube-controller-manager, of which three never fail here: there is nothing to
discover, and what is refused is tried again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.kube import rfc3339
from staticlet.kube.plain import objects

_FINALIZERS = "NamespaceFinalizersRemaining"
_NEVER = (
    (
        "NamespaceDeletionDiscoveryFailure",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
)


def conditions(
    namespace: Mapping[str, Any], left: Iterable[tuple[Kind, Object]], now: datetime
) -> Sequence[Object] | None:
    """The conditions to set; None where they say so already.

    Args:
        namespace: The namespace.
        left: What is still in it; something is.
        now: When a condition that is new came about.
    """
    before = {one.get("type"): one for one in objects(namespace.get("status") or {}, "conditions")}
    fresh = [_said(*each, before, now) for each in (*_plain(), *_held(left))]
    return None if all(one == before.get(one["type"]) for one in fresh) else fresh


def _plain() -> Iterable[tuple[str, str, str, str]]:
    return ((name, "False", reason, message) for name, reason, message in _NEVER)


def _held(left: Iterable[tuple[Kind, Object]]) -> Iterable[tuple[str, str, str, str]]:
    kinds: Counter[str] = Counter()
    finalizers: Counter[str] = Counter()
    for kind, obj in left:
        kinds[f"{kind.plural}.{kind.group}"] += 1
        finalizers.update(obj["metadata"].get("finalizers") or ())
    yield "NamespaceContentRemaining", "True", "SomeResourcesRemain", _remaining(kinds)
    if finalizers:
        yield _FINALIZERS, "True", "SomeFinalizersRemain", _holding(finalizers)
    else:
        freed = "All content-preserving finalizers finished"
        yield _FINALIZERS, "False", "ContentHasNoFinalizers", freed


def _remaining(kinds: Mapping[str, int]) -> str:
    told = (f"{name} has {count} resource instances" for name, count in sorted(kinds.items()))
    return f"Some resources are remaining: {', '.join(told)}"


def _holding(finalizers: Mapping[str, int]) -> str:
    told = (f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
    return f"Some content in the namespace has finalizers remaining: {', '.join(told)}"


def _said(
    name: str,
    status: str,
    reason: str,
    message: str,
    before: Mapping[Any, Object],
    now: datetime,
) -> Object:
    """A condition, with the time when its status became what it is."""
    there = before.get(name, {})
    same = there.get("status") == status and "lastTransitionTime" in there
    since = there["lastTransitionTime"] if same else rfc3339.text(now)
    return {
        "type": name,
        "status": status,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
