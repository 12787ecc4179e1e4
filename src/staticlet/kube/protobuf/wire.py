"""The wire format of protobuf: fields with a number and a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = int | bytes | None
"""What a field holds before its type is known: a number, or bytes of so many.

None for a number of fixed width: Kubernetes has none, so there is nothing to read.
"""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}
_MOST_BITS = 64


LIMIT_FIELDS = 250_000
"""How many fields a body may have, those of all messages in it together.

Each takes its time, and a body could have a field in every second byte. Large objects have long
values: a ConfigMap of 80,000 entries is within it.
"""


class WireError(ValueError):
    """Bytes that are no protobuf message; the message says where they stop to be."""


class TooManyFieldsError(ValueError):
    """More fields than a body may have."""


@dataclass(slots=True)
class Account:
    """What the reading of one body has come to.

    Attributes:
        left: How many more fields may be read.
        passed: The first fields that were passed over, by message and number, in the order they
            came in.
    """

    left: int = LIMIT_FIELDS
    passed: dict[tuple[str, int], None] = field(default_factory=dict)

    def exhausted(self) -> TooManyFieldsError:
        """What to raise when nothing is left."""
        return TooManyFieldsError(f"the body has more than {LIMIT_FIELDS:,} fields")


def fields(message: bytes, account: Account) -> Iterator[tuple[int, Value]]:
    """The fields of a message in their order, each counted.

    Raises:
        WireError: The message is cut off, or is none.
        TooManyFieldsError: The body has more than it may.
    """
    at, end = 0, len(message)
    while at < end:
        account.left -= 1
        if account.left < 0:
            raise account.exhausted()
        key = message[at]
        at += 1
        if key > 0x7F:
            key, at = _varint(message, at - 1)
        number, kind = key >> 3, key & 7
        if not number:
            raise WireError(f"cannot read protobuf: a field has the number 0 before byte {at}")
        value: Value = None
        size = _WIDTHS.get(kind, 0)
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind == _VARINT:
            value, at = _varint(message, at)
        elif not size:
            raise WireError(f"cannot read protobuf: unknown wire type {kind} before byte {at}")
        if size > end - at:
            raise WireError(
                f"cannot read protobuf: {size} bytes are announced at byte {at}, of"
                f" which {end - at} are there"
            )
        yield number, message[at : at + size] if kind == _BYTES else value
        at += size


def numbers(packed: bytes, account: Account) -> Iterator[int]:
    """The numbers of a repeated field that are packed into one; each counts as a field.

    Raises:
        WireError: They are cut off.
        TooManyFieldsError: The body has more than it may.
    """
    at = 0
    while at < len(packed):
        account.left -= 1
        if account.left < 0:
            raise account.exhausted()
        value, at = _varint(packed, at)
        yield value


def signed(value: int, bits: int = _MOST_BITS) -> int:
    """A number as protobuf's int32 and int64 mean it: what is above so many bits is cut off."""
    kept = value & ((1 << bits) - 1)
    return kept - (1 << bits) if kept >> (bits - 1) else kept


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of up to 64 bits, and where it ends."""
    if at < len(message) and message[at] < 0x80:
        return message[at], at + 1  # most are so short
    value = shift = 0
    while at < len(message) and shift < _MOST_BITS:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << _MOST_BITS) - 1), at
        shift += 7
    raise WireError(f"cannot read protobuf: a number does not end at byte {at}")
