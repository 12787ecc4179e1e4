"""The wire format of protobuf: fields with a number and a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Value: TypeAlias = int | bytes
"""What a field holds before its type is known: a number, or bytes of so many."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}
_MOST_BITS = 64


class WireError(ValueError):
    """Bytes that are no protobuf message; the message says where they stop to be."""


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """The fields of a message in their order.

    Raises:
        WireError: The message is cut off, or is none.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in _WIDTHS:
            size = _WIDTHS[kind]
        else:
            raise WireError(f"cannot read protobuf: unknown wire type {kind} before byte {at}")
        if size > len(message) - at:
            raise WireError(
                f"cannot read protobuf: {size} bytes are announced at byte {at}, of"
                f" which {len(message) - at} are there"
            )
        yield key >> 3, message[at : at + size]
        at += size


def signed(value: int) -> int:
    """A number as protobuf's int32 and int64 mean it."""
    return value - (1 << _MOST_BITS) if value >> (_MOST_BITS - 1) else value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of up to 64 bits, and where it ends."""
    value = shift = 0
    while at < len(message) and shift < _MOST_BITS:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << _MOST_BITS) - 1), at
        shift += 7
    raise WireError(f"cannot read protobuf: a number does not end at byte {at}")
