"""The tables of protobuf fields against the API structs: nothing missing, nothing made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from staticlet.apiserver.resources import registry
from staticlet.kube import shape
from staticlet.kube.protobuf import body, messages, wire
from staticlet.kube.protobuf.tables import (
    containers,
    meta,
    nodes,
    objects,
    pods,
    reviews,
    volumes,
)

MODULES = (containers, meta, nodes, objects, pods, reviews, volumes)
ROOTS = [shape.of(one) for one in {*body.KINDS.values(), body.kinds("v1", "DeleteOptions")}]
TYPE_META = {"apiVersion", "kind"}
"""Objects have them in the envelope."""


def records(start: list[shape.Record]) -> Iterator[shape.Record]:
    """All structs that are in these, and these."""
    seen: set[shape.Record] = set()
    while start:
        one = start.pop()
        if one in seen:
            continue
        seen.add(one)
        yield one
        for inner in one.fields.values():
            while isinstance(inner, shape.ListOf | shape.MapOf):
                inner = inner.item if isinstance(inner, shape.ListOf) else inner.value
            if isinstance(inner, shape.Record):
                start.append(inner)


RECORDS = sorted(records(list(ROOTS)), key=lambda one: messages.of(one).name)


def name_of(record: shape.Record) -> str:
    return messages.of(record).name


def fields() -> Iterator[tuple[shape.Record, int, str, bool]]:
    return ((record, *row) for record in RECORDS for row in messages.rows(name_of(record)))


def names(message: str) -> Iterator[str]:
    """The JSON names of a message, with those of the messages that are inlined."""
    for _, name, _ in messages.rows(message):
        if name.startswith("+"):
            yield from names(name[1:])
        else:
            yield name


@pytest.mark.parametrize("record", RECORDS, ids=name_of)
def test_a_table_has_the_fields_of_its_struct_and_no_others(record: shape.Record) -> None:
    found = Counter(names(name_of(record)))
    assert set(found.values()) <= {1}
    assert set(found) == set(record.fields) - (TYPE_META if record in ROOTS else set())


def test_a_number_is_given_once_and_in_order() -> None:
    for record in RECORDS:
        numbers = [number for number, _, _ in messages.rows(name_of(record))]
        assert numbers == sorted(set(numbers)), name_of(record)
        assert numbers[0] > 0


def test_only_single_values_are_told_although_they_are_empty() -> None:
    single = shape.Text | shape.Flag | shape.Whole | shape.IntOrText | shape.Anything
    for record, _, name, kept in fields():
        assert not kept or isinstance(record.fields[name], single), (record, name)


def test_no_field_takes_a_value_of_another_wire_type() -> None:
    for record, number, name, _ in fields():
        wanted = shape.TEXT if name.startswith("+") else record.fields[name]
        packs = isinstance(wanted, shape.ListOf) and isinstance(wanted.item, shape.Whole)
        numeric = packs or isinstance(wanted, shape.Whole | shape.Flag)
        wrong = [bytes((_FIXED64, *range(8))), bytes((_FIXED32, *range(4)))]
        wrong += [] if packs else [bytes((_BYTES, 0) if numeric else (_VARINT, 1))]
        for one in wrong:
            key = varint(number << 3 | one[0])
            with pytest.raises(wire.WireError, match="where"):
                messages.of(record).read(key + one[1:], {}, wire.Account())


_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def varint(value: int) -> bytes:
    return bytes((value,)) if value < 0x80 else bytes((value & 0x7F | 0x80, value >> 7))


def test_every_line_of_the_tables_is_of_use() -> None:
    lines = Counter(name for module in MODULES for name in module.TABLE)
    assert set(lines.values()) == {1}
    used = {name_of(record) for record in RECORDS}
    for name in list(used):
        used |= {row[1][1:] for row in messages.rows(name) if row[1].startswith("+")}
    assert set(lines) == used


def test_every_kind_that_is_kept_or_answered_is_read() -> None:
    served = {(one.api_version, one.kind): one for one in registry.kinds()}
    for key, kind in served.items():
        assert (body.kinds(*key) is None) == bool(kind.not_run), key
        if not kind.not_run:
            assert body.kinds(*key) is kind.struct


def test_a_message_with_a_field_numbered_0_is_none() -> None:
    with pytest.raises(wire.WireError, match="number 0"):
        list(wire.fields(b"\x02\x00", wire.Account()))
