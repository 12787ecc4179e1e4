"""How an object of a type is divided among field managers: what is one value, what has parts.

A layout is compiled from a type's shape and the table of merge keys, once, part by part as it is
needed. It also makes the path elements of Kubernetes' FieldsV1: `f:name` for a field or the key of
a map, `k:{"name":"c"}` for an item of a list by its keys, `v:"x"` for an item by its value.
"""

from __future__ import annotations

import enum
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from staticlet.kube import shape
from staticlet.kube.patch import mergekeys

if TYPE_CHECKING:
    import msgspec


class Form(enum.Enum):
    """What a value is to field managers."""

    LEAF = 1
    """One value, owned and replaced whole."""
    STRUCT = 2
    """Fields, each owned for itself; the struct is owned by who owns a field."""
    MAP = 3
    """Keys, each owned for itself."""
    ITEMS = 4
    """Items told apart by keys, each with parts of its own."""
    SET = 5
    """Plain items, each there or not."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """How a value of one type is divided.

    Attributes:
        form: What it is.
        struct: The API struct of a STRUCT.
        item: The layout of the items of ITEMS.
        keys: Of ITEMS: the fields that tell the items apart, each with what it counts as when it
            is missing.
    """

    form: Form
    struct: type[msgspec.Struct] | None = None
    item: Layout | None = None
    keys: tuple[tuple[str, str | None], ...] = ()
    _known: dict[str, Layout] = field(default_factory=dict)

    def child(self, name: str) -> Layout:
        """The layout of a field, or of the value of a key; a LEAF where none is known."""
        if self.struct is None:
            return LEAF
        found = self._known.get(name)
        if found is None:
            fields = shape.of(self.struct).fields
            if name not in fields:
                return LEAF
            found = self._known[name] = _field(self.struct, name, fields[name])
        return found

    def identified(self, values: Sequence[Any]) -> dict[str, Any] | None:
        """The items of ITEMS or a SET by their path elements, in order.

        None where the items cannot be told apart: a key is missing or comes twice, or an item is
        of a wrong type. Such a list counts as one value.
        """
        found: dict[str, Any] = {}
        for value in values:
            element = self._element(value)
            if element is None or element in found:
                return None
            found[element] = value
        return found

    def missing_key(self, value: Any) -> str:
        """The key that an item of ITEMS lacks; empty when it has all."""
        if not isinstance(value, dict):
            return self.keys[0][0] if self.keys else ""
        for name, default in self.keys:
            if default is None and not _is_plain(value.get(name)):
                return name
        return ""

    def _element(self, value: Any) -> str | None:
        if self.form is Form.SET:
            return f"v:{_json(value)}" if _is_plain(value) else None
        if len(self.keys) == 1 and isinstance(value, dict):  # most lists: no dict needed
            name = self.keys[0][0]
            if type(key := value.get(name)) is str:
                return f'k:{{"{name}":{_json(key)}}}'
        if self.missing_key(value):
            return None
        keys = {
            name: default if value.get(name) is None else value[name]
            for name, default in self.keys
        }
        return f"k:{_json(keys)}"


LEAF = Layout(form=Form.LEAF)
_MAP = Layout(form=Form.MAP)
_SET = Layout(form=Form.SET)


@functools.cache
def of(struct: type[msgspec.Struct]) -> Layout:
    """The layout of an object or part of the given type."""
    if mergekeys.atomic_struct(struct):
        return LEAF
    return Layout(form=Form.STRUCT, struct=struct)


@functools.cache
def blank(struct: type[msgspec.Struct]) -> Mapping[str, Any]:
    """What is there of an object before it is made: nobody owns that it is there.

    These are the parts that an object always has: its metadata, spec and status, and the required
    lists in them.
    """
    parts = {
        name: _REQUIRED.get(part.struct.__name__, {})
        for name, part in shape.of(struct).fields.items()
        if isinstance(part, shape.Record)
    }
    return {"metadata": {}} | parts


_REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "PodSpec": {"containers": []},
    "CSINodeSpec": {"drivers": []},
}


def _field(struct: type[msgspec.Struct], name: str, part: shape.Shape) -> Layout:
    match part:
        case shape.Record(inner):
            return of(inner)
        case shape.MapOf():
            return LEAF if mergekeys.atomic_map(struct, name) else _MAP
        case shape.ListOf(item):
            return _list(mergekeys.of(struct, name), item)
        case _:
            return LEAF


def _list(rule: mergekeys.ListRule, item: shape.Shape) -> Layout:
    if rule.type is mergekeys.ListType.SET:
        return _SET
    if rule.type is mergekeys.ListType.ATOMIC or not isinstance(item, shape.Record):
        return LEAF
    keys = tuple((key, mergekeys.key_default(item.struct, key)) for key in rule.keys)
    return Layout(form=Form.ITEMS, item=of(item.struct), keys=keys)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
