"""What Google's own protobuf runtime writes is read as what was written: all kinds, all fields.

The runtime gets its messages from the tables that are tested, so the numbers prove nothing here;
bodies that Go programs sent do (`tests/unit/test_protobuf_bodies.py`).
"""

from __future__ import annotations

import base64
import functools
import json
from datetime import UTC, datetime
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from staticlet.kube import shape
from staticlet.kube.protobuf import body, messages

Proto = descriptor_pb2.FieldDescriptorProto
FILE = "all.proto"
LEAST, MOST = datetime(1, 1, 2), datetime(9999, 12, 31)
SPECIAL = {
    "Amount": [("string", Proto.TYPE_STRING, 1)],
    "IntOrString": [
        ("type", Proto.TYPE_INT64, 1),
        ("intVal", Proto.TYPE_INT32, 2),
        ("strVal", Proto.TYPE_STRING, 3),
    ],
    "Time": [("seconds", Proto.TYPE_INT64, 1), ("nanos", Proto.TYPE_INT32, 2)],
    "Json": [("raw", Proto.TYPE_BYTES, 1)],
    "Items": [("items", Proto.TYPE_STRING, 1)],
    "TypeMeta": [("apiVersion", Proto.TYPE_STRING, 1), ("kind", Proto.TYPE_STRING, 2)],
    "Unknown": [("typeMeta", "TypeMeta", 1), ("raw", Proto.TYPE_BYTES, 2)],
}
TYPES = {
    shape.Text: Proto.TYPE_STRING,
    shape.Flag: Proto.TYPE_BOOL,
    shape.Bytes: Proto.TYPE_BYTES,
    shape.Amount: "Amount",
    shape.IntOrText: "IntOrString",
    shape.Moment: "Time",
    shape.Anything: "Json",
    shape.ListOf: "Items",
}


class Schema:
    """The messages of the tables, for Google's runtime."""

    def __init__(self) -> None:
        self._file = descriptor_pb2.FileDescriptorProto(name=FILE, syntax="proto2")
        self._known: set[str] = set()
        for name, fields in SPECIAL.items():
            made = self._file.message_type.add(name=name)
            for field, of_type, number in fields:
                self._add(made, field, number, of_type, repeated=name == "Items")
        for struct in {*body.KINDS.values(), body.kinds("", "DeleteOptions")}:
            record = shape.of(struct)
            self._message(messages.of(record).name, record)
        self._pool = descriptor_pool.DescriptorPool()
        self._pool.Add(self._file)

    def new(self, name: str) -> Any:
        found = self._pool.FindMessageTypeByName(_plain(name))
        return message_factory.GetMessageClass(found)()

    def _message(self, name: str, record: shape.Record) -> str:
        if name not in self._known:
            self._known.add(name)
            made = self._file.message_type.add(name=_plain(name))
            for number, field, _ in messages.rows(name):
                if field.startswith("+"):
                    self._add(made, f"in{number}", number, self._message(field[1:], record))
                else:
                    self._field(made, field, number, record.fields[field])
        return _plain(name)

    def _field(self, made: Any, name: str, number: int, of: shape.Shape) -> None:
        match of:
            case shape.MapOf(inner):
                entry = made.nested_type.add(name=f"{name[0].upper()}{name[1:]}Entry")
                entry.options.map_entry = True
                self._add(entry, "key", 1, Proto.TYPE_STRING)
                self._add(entry, "value", 2, self._type(inner))
                self._add(made, name, number, f"{made.name}.{entry.name}", repeated=True)
            case shape.ListOf(item):
                self._add(made, name, number, self._type(item), repeated=True)
            case single:
                self._add(made, name, number, self._type(single))

    def _type(self, of: shape.Shape) -> Any:
        match of:
            case shape.Record():
                return self._message(messages.of(of).name, of)
            case shape.Whole(bits):
                return Proto.TYPE_INT32 if bits == 32 else Proto.TYPE_INT64
            case other:
                return TYPES[type(other)]

    def _add(self, made: Any, name: str, number: int, of: Any, *, repeated: bool = False) -> None:
        label = Proto.LABEL_REPEATED if repeated else Proto.LABEL_OPTIONAL
        field = made.field.add(name=name, number=number, label=label)
        if isinstance(of, str):
            field.type, field.type_name = Proto.TYPE_MESSAGE, f".{of}"
        else:
            field.type = of


def _plain(name: str) -> str:
    return name.replace(".", "_")


@functools.cache
def schema() -> Schema:
    return Schema()


def fill(message: Any, name: str, record: shape.Record, obj: dict[str, Any]) -> None:
    """Put an object into a message, and as Go does what is empty and no pointer."""
    for number, field, kept in messages.rows(name):
        if field.startswith("+"):
            fill(getattr(message, f"in{number}"), field[1:], record, obj)
            getattr(message, f"in{number}").SetInParent()
            continue
        of = record.fields[field]
        if field in obj:
            put(message, field, of, obj[field])
        elif not kept and isinstance(of, shape.Text | shape.Flag | shape.Whole):
            setattr(message, field, "" if isinstance(of, shape.Text) else 0)


def put(message: Any, field: str, of: shape.Shape, value: Any) -> None:
    match of:
        case shape.ListOf(shape.Record() as item):
            for one in value:
                within(getattr(message, field).add(), item, one)
        case shape.ListOf():
            getattr(message, field).extend(value)
        case shape.MapOf(inner):
            into = getattr(message, field)
            for key, one in value.items():
                if isinstance(inner, shape.Text | shape.Bytes):
                    into[key] = single(inner, one)
                else:
                    within(into[key], inner, one)
        case shape.Text() | shape.Flag() | shape.Whole() | shape.Bytes():
            setattr(message, field, single(of, value))
        case _:
            within(getattr(message, field), of, value)
            getattr(message, field).SetInParent()


def single(of: shape.Shape, value: Any) -> Any:
    return base64.b64decode(value) if isinstance(of, shape.Bytes) else value


def within(message: Any, of: shape.Shape, value: Any) -> None:
    """Put a value into a message of its own."""
    match of:
        case shape.Record():
            fill(message, messages.of(of).name, of, value)
        case shape.Amount():
            message.string = value
        case shape.IntOrText():
            message.type = int(isinstance(value, str))
            setattr(message, "strVal" if isinstance(value, str) else "intVal", value)
        case shape.Moment():
            since = datetime.fromisoformat(value) - datetime(1970, 1, 1, tzinfo=UTC)
            message.seconds = since.days * 86400 + since.seconds
            message.nanos = since.microseconds * 1000
        case shape.ListOf():
            message.items.extend(value)
        case _:
            message.raw = json.dumps(value).encode()


def values(of: shape.Shape) -> st.SearchStrategy[Any]:
    match of:
        case shape.Text():
            return st.text(max_size=9)
        case shape.Flag():
            return st.booleans()
        case shape.Whole(bits):
            return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)
        case shape.IntOrText():
            return st.integers(-(1 << 31), (1 << 31) - 1) | st.text(max_size=9)
        case shape.Amount():
            return st.sampled_from(["0", "500m", "1Gi", "-1"])
        case shape.Moment(micro):
            told = "microseconds" if micro else "seconds"
            at = st.datetimes(LEAST, MOST)
            return at.map(lambda one: f"{one.isoformat(timespec=told)}Z")
        case shape.Bytes():
            return st.binary(max_size=200).map(lambda one: base64.b64encode(one).decode())
        case shape.Anything():
            return st.dictionaries(st.text(max_size=3), st.dictionaries(st.text(), st.none()))
        case shape.ListOf(item):
            return st.lists(values(item), min_size=1, max_size=3)
        case shape.MapOf(inner):
            return st.dictionaries(st.text(max_size=9), values(inner), min_size=1, max_size=3)
        case shape.Record():
            return objects(of)


@st.composite
def objects(draw: st.DrawFn, record: shape.Record) -> dict[str, Any]:
    """An object with a few of its fields, as Go would tell it in JSON."""
    kept = dict(told(messages.of(record).name))
    names = draw(st.lists(st.sampled_from(sorted(kept)), max_size=3, unique=True))
    found = {name: draw(values(record.fields[name])) for name in names}
    return {
        name: value
        for name, value in found.items()
        if value or kept[name] or isinstance(record.fields[name], shape.Record)
    }


def told(message: str) -> Any:
    """The JSON names of a message, and whether each is told though it is empty."""
    for _, name, kept in messages.rows(message):
        if name.startswith("+"):
            yield from told(name[1:])
        else:
            yield name, kept


@given(st.data(), st.sampled_from([*body.KINDS, ("apps/v1", "DeleteOptions")]))
def test_what_is_written_is_read(data: st.DataObject, key: tuple[str, str]) -> None:
    record = shape.of(body.kinds(*key))
    name = messages.of(record).name
    obj = data.draw(objects(record))
    message, unknown = schema().new(name), schema().new("Unknown")
    fill(message, name, record, obj)
    unknown.typeMeta.apiVersion, unknown.typeMeta.kind = key
    unknown.raw = message.SerializeToString()
    read = body.decode(b"k8s\x00" + unknown.SerializeToString())
    assert read == body.Read({"apiVersion": key[0], "kind": key[1], **obj})
