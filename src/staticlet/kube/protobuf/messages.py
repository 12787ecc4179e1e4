"""Messages and how each of their fields is read, put together from the tables and the structs.

A message is put together when a body first holds it, and kept.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, assert_never

from staticlet.kube import shape
from staticlet.kube.protobuf import values, wire
from staticlet.kube.protobuf.tables import (
    containers,
    meta,
    nodes,
    objects,
    pods,
    reviews,
    volumes,
)

Object: TypeAlias = dict[str, Any]
LIMIT_PASSED = 11
"""How many fields that were passed over are remembered; a body may have a million."""

_TABLES = (containers, meta, nodes, objects, pods, reviews, volumes)
_INLINE, _KEPT = "+", "!"


class Field(Protocol):
    """A field of a message."""

    def put(self, found: Object, value: wire.Value, account: wire.Account) -> None:
        """Put a value into the object.

        Raises:
            wire.WireError: It is of another type.
            ValueError: It is nothing that the field may hold.
        """


@dataclass(slots=True)
class Message:
    """A message.

    Attributes:
        name: What Kubernetes calls it.
        record: The struct that has its fields.
    """

    name: str
    record: shape.Record
    _fields: Mapping[int, Field] | None = field(default=None, repr=False)

    @property
    def fields(self) -> Mapping[int, Field]:
        """Its fields by number; made when first asked for."""
        if self._fields is None:
            self._fields = {
                number: _field(self, name, kept=kept) for number, name, kept in rows(self.name)
            }
        return self._fields

    def read(self, encoded: bytes, found: Object, account: wire.Account) -> Object:
        """Put what is encoded into an object: what was there stays, as protobuf merges.

        Args:
            encoded: The message.
            found: The object.
            account: Takes the first fields that are not known and not empty.

        Raises:
            wire.WireError: The message is broken, or has another type.
            ValueError: A value is nothing that its field may hold.
        """
        if not encoded:
            return found
        fields = self.fields
        for number, value in wire.fields(encoded, account):
            known = fields.get(number)
            if known is not None:
                known.put(found, value, account)
            elif (value or value is None) and len(account.passed) < LIMIT_PASSED:
                account.passed[self.name, number] = None
        return found


def rows(name: str) -> Iterator[tuple[int, str, bool]]:
    """The fields of a message by its name: number, name, whether it is told though it is empty."""
    words = iter(_LINES[name].split())
    for number, told in zip(words, words, strict=True):
        yield int(number), told.removesuffix(_KEPT), told.endswith(_KEPT)


_LINES = {name: line for module in _TABLES for name, line in module.TABLE.items()}


@functools.cache
def of(record: shape.Record) -> Message:
    """The message of a struct."""
    struct = record.struct
    exact = f"{struct.__module__.rpartition('.')[2]}.{struct.__name__}"
    return Message(exact if exact in _LINES else struct.__name__, record)


def _field(message: Message, name: str, *, kept: bool) -> Field:
    if name.startswith(_INLINE):
        return _Inline(Message(name.removeprefix(_INLINE), message.record))
    match message.record.fields[name]:
        case shape.Record() as record:
            return _Inner(name, of(record))
        case shape.ListOf(shape.Record() as record):
            return _Messages(name, of(record))
        case shape.ListOf(item):
            return _List(name, _reader(item), packed=isinstance(item, shape.Whole))
        case shape.MapOf(item):
            return _Map(name, _reader(item), 0 if _is_number(item) else b"")
        case single:
            return _Single(name, _reader(single), kept)


def _is_number(of_shape: shape.Shape) -> bool:
    return isinstance(of_shape, shape.Whole | shape.Flag)


def _reader(of_shape: shape.Shape) -> values.Reader:
    match of_shape:
        case shape.Text():
            return values.text
        case shape.Flag():
            return values.flag
        case shape.Whole(bits):
            return values.int32 if bits == shape.INT32.bits else values.int64
        case shape.IntOrText():
            return values.int_or_text
        case shape.Amount():
            return values.amount
        case shape.Moment(micro):
            return values.exact_moment if micro else values.moment
        case shape.Bytes():
            return values.blob
        case shape.Anything():
            return values.embedded
        case shape.ListOf(shape.Text()):
            return values.texts
        case shape.ListOf() | shape.MapOf() | shape.Record():
            raise TypeError(f"Kubernetes has no message with {of_shape} at this place")
        case _:
            assert_never(of_shape)


@dataclass(frozen=True, slots=True)
class _Single:
    name: str
    reader: values.Reader
    kept: bool

    def put(self, found: Object, value: wire.Value, account: wire.Account) -> None:
        made = self.reader(value, account)
        if made or (self.kept and made is not None):
            found[self.name] = made
        else:
            found.pop(self.name, None)


@dataclass(frozen=True, slots=True)
class _Inner:
    name: str
    message: Message

    def put(self, found: Object, value: wire.Value, account: wire.Account) -> None:
        self.message.read(values.raw(value), found.setdefault(self.name, {}), account)


@dataclass(frozen=True, slots=True)
class _Inline:
    message: Message

    def put(self, found: Object, value: wire.Value, account: wire.Account) -> None:
        self.message.read(values.raw(value), found, account)


@dataclass(frozen=True, slots=True)
class _List:
    name: str
    reader: values.Reader
    packed: bool

    def put(self, found: Object, value: wire.Value, account: wire.Account) -> None:
        into = found.setdefault(self.name, [])
        if self.packed and isinstance(value, bytes):
            into.extend(self.reader(one, account) for one in wire.numbers(value, account))
        else:
            into.append(self.reader(value, account))


@dataclass(frozen=True, slots=True)
class _Messages:
    name: str
    message: Message

    def put(self, found: Object, value: wire.Value, account: wire.Account) -> None:
        made = self.message.read(values.raw(value), {}, account)
        found.setdefault(self.name, []).append(made)


@dataclass(frozen=True, slots=True)
class _Map:
    name: str
    reader: values.Reader
    empty: wire.Value

    def put(self, found: Object, value: wire.Value, account: wire.Account) -> None:
        pair = dict(wire.fields(values.raw(value), account))
        key = values.text(pair.get(1, b""), account)
        found.setdefault(self.name, {})[key] = self.reader(pair.get(2, self.empty), account)
