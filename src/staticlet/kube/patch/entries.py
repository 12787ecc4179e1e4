"""The entries of metadata.managedFields as values: read, written, and not too many.

An entry belongs to a manager, an operation (Apply or Update), an API version and a subresource.
kube-apiserver keeps at most ten entries of updates: the oldest become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from staticlet.kube.patch import fault, fieldset

Object: TypeAlias = dict[str, Any]

APPLY = "Apply"
UPDATE = "Update"
LIMIT_UPDATERS = 10
_ANCIENT = "ancient-changes"


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


def held(live: Mapping[str, Any] | None) -> list[Entry]:
    """The entries of a stored object, which were checked before they were stored."""
    return [] if live is None else [_entry(raw) for raw in listed(live)]


def sent(new: Mapping[str, Any]) -> list[Entry]:
    """The proper entries among those that a client sent."""
    found: list[Entry] = []
    for raw in listed(new):
        if not _is_entry(raw):
            continue
        try:
            fields = fieldset.decode(raw["fieldsV1"])
        except fault.Fault:
            continue
        if fields:
            found.append(_entry(raw))
    return found


def listed(obj: Mapping[str, Any]) -> list[Any]:
    """The managedFields of an object, whatever they are made of."""
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
