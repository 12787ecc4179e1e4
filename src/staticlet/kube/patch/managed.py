"""metadata.managedFields: which manager set which fields, entry by entry.

A write that changes a field's value takes it from all others; a field that is gone is nobody's. An
object whose entries were cleared is not tracked again until somebody applies to it, as in
kube-apiserver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from staticlet.kube import rfc3339
from staticlet.kube.patch import entries, fieldset, layout

if TYPE_CHECKING:
    import msgspec

Object: TypeAlias = dict[str, Any]

_UNTRACKED = frozenset(("f:apiVersion", "f:kind"))
_UNTRACKED_METADATA = frozenset(
    f"f:{name}"
    for name in (
        "creationTimestamp",
        "generation",
        "managedFields",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    )
)


def updated(
    struct: type[msgspec.Struct],
    live: Mapping[str, Any] | None,
    new: Mapping[str, Any],
    *,
    manager: str,
    now: datetime,
    api_version: str,
    subresource: str = "",
) -> list[Object]:
    """The managedFields after a create, an update or a patch that is not an apply.

    Args:
        struct: The object's type.
        live: The object as it is stored; None when it is created.
        new: The object as it is going to be stored. Its own managedFields count when they are
            proper ones and no subresource is written; `[]` and `[{}]` clear them.
        manager: Who writes.
        now: When.
        api_version: The version that both objects are in.
        subresource: Through which it is written; empty for the object itself.

    Returns:
        What to put into `metadata.managedFields`; nothing should be put there when it is empty.
    """
    known = _known(live, new, subresource)
    if live is not None and not known:
        return []
    before = layout.blank(struct) if live is None else live
    found = fieldset.compare(layout.of(struct), before, new)
    changes = fieldset.Changes(
        tracked(found.changed, subresource), tracked(found.removed, subresource)
    )
    if not changes:
        return entries.encode(known)
    owner = entries.Owner(
        manager=manager, operation=entries.UPDATE, api_version=api_version, subresource=subresource
    )
    return entries.encode(entries.capped(_taken(known, owner, changes, rfc3339.text(now))))


def first(
    struct: type[msgspec.Struct], live: Mapping[str, Any], *, now: datetime, api_version: str
) -> entries.Entry | None:
    """Who owns the fields of an object that was not tracked, when it is applied to."""
    changed = fieldset.compare(layout.of(struct), layout.blank(struct), live).changed
    fields = tracked(changed, "*")
    if not fields:
        return None
    owner = entries.Owner(
        manager="before-first-apply", operation=entries.UPDATE, api_version=api_version
    )
    return entries.Entry(owner, fields, rfc3339.text(now))


def tracked(tree: fieldset.Tree, subresource: str) -> fieldset.Tree:
    """The part of a set that can be owned, by one who writes through a subresource.

    Names, versions and times are nobody's; the status belongs to who writes `/status`.
    """
    if not tree:
        return tree
    kept = {key: node for key, node in tree.items() if key not in _UNTRACKED}
    if subresource == "status":
        kept = {key: node for key, node in kept.items() if key in ("f:metadata", "f:status")}
    elif not subresource:
        kept.pop("f:status", None)
    if "f:metadata" in kept:
        metadata = {
            key: node
            for key, node in fieldset.beneath(kept["f:metadata"]).items()
            if key not in _UNTRACKED_METADATA
        }
        if metadata:
            kept["f:metadata"] = metadata
        else:
            del kept["f:metadata"]
    return kept


def _known(
    live: Mapping[str, Any] | None, new: Mapping[str, Any], subresource: str
) -> list[entries.Entry]:
    """The entries to start from: the client's where it has proper ones, else the object's."""
    if subresource:
        return entries.held(live)
    sent = (new.get("metadata") or {}).get("managedFields")
    if sent in ([], [{}]):
        return []
    if live is not None and sent == entries.listed(live):
        return entries.held(live)
    return entries.sent(new) or entries.held(live)


def _taken(
    known: Sequence[entries.Entry], owner: entries.Owner, changes: fieldset.Changes, time: str
) -> list[entries.Entry]:
    """The entries after a write: the owner has what changed, and nobody what is gone."""
    result: list[entries.Entry] = []
    fields = changes.changed
    mine: entries.Entry | None = None
    for entry in known:
        left = fieldset.difference(entry.fields, changes.removed)
        if entry.owner.same(owner):
            mine = entries.Entry(
                owner, fieldset.union(left, fields), time if fields else entry.time
            )
            continue
        left = fieldset.difference(left, fields)
        if left:
            result.append(entries.Entry(entry.owner, left, entry.time))
    if mine is None and fields:
        mine = entries.Entry(owner, fields, time)
    if mine is not None and mine.fields:
        result.append(mine)
    return result
