"""metadata.managedFields: which manager set which fields, entry by entry.

An entry belongs to a manager, an operation (Apply or Update), an API version and a subresource. A
write that changes a field's value takes it from all others; a field that is gone is nobody's. An
object whose entries were cleared is not tracked again until somebody applies to it, as in
kube-apiserver, which also keeps at most ten entries of updates: the oldest become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from staticlet.kube import rfc3339
from staticlet.kube.patch import fault, fieldset, layout

if TYPE_CHECKING:
    import msgspec

Object: TypeAlias = dict[str, Any]

APPLY = "Apply"
UPDATE = "Update"
LIMIT_UPDATERS = 10
_ANCIENT = "ancient-changes"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """To whom an entry belongs.

    Attributes:
        manager: The field manager's name.
        operation: `Apply` or `Update`.
        api_version: The version that the fields are written in.
        subresource: Through which they were written; empty for the object itself.
    """

    manager: str
    operation: str
    api_version: str
    subresource: str = ""

    def same(self, other: Owner) -> bool:
        """Whether both write one entry: those who apply keep theirs over all versions."""
        return (
            self.manager == other.manager
            and self.operation == other.operation
            and self.subresource == other.subresource
            and (self.operation == APPLY or self.api_version == other.api_version)
        )

    def __str__(self) -> str:
        text = f'"{self.manager}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    Attributes:
        owner: Whose it is.
        fields: What is theirs.
        time: When they last changed it, as RFC 3339; empty when unknown.
    """

    owner: Owner
    fields: fieldset.Tree
    time: str = ""


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
    entries = _known(live, new, subresource)
    if live is not None and not entries:
        return []
    before = layout.blank(struct) if live is None else live
    found = fieldset.compare(layout.of(struct), before, new)
    changes = fieldset.Changes(
        tracked(found.changed, subresource), tracked(found.removed, subresource)
    )
    if not changes:
        return encode(entries)
    owner = Owner(
        manager=manager, operation=UPDATE, api_version=api_version, subresource=subresource
    )
    return encode(capped(_taken(entries, owner, changes, rfc3339.text(now))))


def first(
    struct: type[msgspec.Struct], live: Mapping[str, Any], *, now: datetime, api_version: str
) -> Entry | None:
    """Who owns the fields of an object that was not tracked, when it is applied to."""
    changed = fieldset.compare(layout.of(struct), layout.blank(struct), live).changed
    fields = tracked(changed, "*")
    if not fields:
        return None
    owner = Owner(manager="before-first-apply", operation=UPDATE, api_version=api_version)
    return Entry(owner, fields, rfc3339.text(now))


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


def held(live: Mapping[str, Any] | None) -> list[Entry]:
    """The entries of a stored object, which were checked before they were stored."""
    return [] if live is None else [_entry(raw) for raw in _listed(live)]


def _sent(new: Mapping[str, Any]) -> list[Entry]:
    """The proper entries among those that a client sent."""
    found: list[Entry] = []
    for raw in _listed(new):
        if not _is_entry(raw):
            continue
        try:
            fields = fieldset.decode(raw["fieldsV1"])
        except fault.Fault:
            continue
        if fields:
            found.append(_entry(raw))
    return found


def _listed(obj: Mapping[str, Any]) -> list[Any]:
    raw = (obj.get("metadata") or {}).get("managedFields")
    return raw if isinstance(raw, list) else []


def _is_entry(raw: object) -> bool:
    names = ("manager", "operation", "apiVersion", "subresource", "time")
    return (
        isinstance(raw, dict)
        and raw.get("fieldsType") == "FieldsV1"
        and "fieldsV1" in raw
        and raw.get("operation") in (APPLY, UPDATE)
        and all(isinstance(raw.get(name, ""), str) for name in names)
    )


def _entry(raw: Object) -> Entry:
    owner = Owner(
        manager=raw.get("manager", ""),
        operation=raw["operation"],
        api_version=raw.get("apiVersion", ""),
        subresource=raw.get("subresource", ""),
    )
    return Entry(owner, raw["fieldsV1"], raw.get("time", ""))


def encode(entries: Iterable[Entry]) -> list[Object]:
    """The entries as managedFields keeps them: appliers first, then by time."""
    return [
        _encoded(entry)
        for entry in sorted(
            entries,
            key=lambda entry: (
                entry.owner.operation,
                entry.time,
                entry.owner.manager,
                entry.owner.api_version,
                entry.owner.subresource,
            ),
        )
    ]


def capped(entries: Sequence[Entry]) -> list[Entry]:
    """Join the oldest entries of updates into one a version, when they are too many."""
    updates = sorted(
        (entry for entry in entries if entry.owner.operation == UPDATE),
        key=lambda entry: (entry.owner.manager != _ANCIENT, entry.time),
    )
    if len(updates) <= LIMIT_UPDATERS:
        return list(entries)
    result = [entry for entry in entries if entry.owner.operation != UPDATE]
    ancient: dict[str, Entry] = {}
    rest = list(updates)
    while rest and len(ancient) + len(rest) > LIMIT_UPDATERS:
        entry = rest.pop(0)
        version = entry.owner.api_version
        joined = ancient.get(version)
        fields = fieldset.union(joined.fields, entry.fields) if joined else entry.fields
        time = max(joined.time, entry.time) if joined else entry.time
        owner = Owner(manager=_ANCIENT, operation=UPDATE, api_version=version)
        ancient[version] = Entry(owner, fields, time)
    return [*result, *ancient.values(), *rest]


def _known(
    live: Mapping[str, Any] | None, new: Mapping[str, Any], subresource: str
) -> list[Entry]:
    """The entries to start from: the client's where it has proper ones, else the object's."""
    if subresource:
        return held(live)
    sent = (new.get("metadata") or {}).get("managedFields")
    if sent in ([], [{}]):
        return []
    if live is not None and sent == _listed(live):
        return held(live)
    return _sent(new) or held(live)


def _taken(
    entries: Sequence[Entry], owner: Owner, changes: fieldset.Changes, time: str
) -> list[Entry]:
    """The entries after a write: the owner has what changed, and nobody what is gone."""
    result: list[Entry] = []
    fields = changes.changed
    mine: Entry | None = None
    for entry in entries:
        left = fieldset.difference(entry.fields, changes.removed)
        if entry.owner.same(owner):
            mine = Entry(owner, fieldset.union(left, fields), time if fields else entry.time)
            continue
        left = fieldset.difference(left, fields)
        if left:
            result.append(Entry(entry.owner, left, entry.time))
    if mine is None and fields:
        mine = Entry(owner, fields, time)
    if mine is not None and mine.fields:
        result.append(mine)
    return result


def _encoded(entry: Entry) -> Object:
    owner = entry.owner
    result: Object = {
        "manager": owner.manager,
        "operation": owner.operation,
        "apiVersion": owner.api_version,
    }
    if entry.time:
        result["time"] = entry.time
    result |= {"fieldsType": "FieldsV1", "fieldsV1": entry.fields}
    if owner.subresource:
        result["subresource"] = owner.subresource
    return result
