"""Single values of Kubernetes' protobuf messages as JSON has them. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from staticlet.kube import rfc3339
from staticlet.kube.protobuf import wire

Reader: TypeAlias = Callable[[wire.Value, wire.Account], Any]
"""Reads a value; None is one that JSON would have as null.

Raises `wire.WireError` for bytes where a number should be, and the other way round, and ValueError
for what the value may not be.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZERO_TIME = datetime.min.replace(tzinfo=UTC)
_INT32 = 32


def raw(value: wire.Value) -> bytes:
    """Bytes."""
    if type(value) is bytes:
        return value
    raise wire.WireError("cannot read protobuf: a number stands where bytes should be")


def number(value: wire.Value) -> int:
    """A number without its sign."""
    if type(value) is int:
        return value
    raise wire.WireError("cannot read protobuf: another value stands where a number should be")


def text(value: wire.Value, _: wire.Account) -> str:
    """A string."""
    return raw(value).decode()


def flag(value: wire.Value, _: wire.Account) -> bool:
    """A boolean."""
    return number(value) != 0


def int32(value: wire.Value, _: wire.Account) -> int:
    """A number of 32 bits."""
    return wire.signed(number(value), _INT32)


def int64(value: wire.Value, _: wire.Account) -> int:
    """A number of 64 bits."""
    return wire.signed(number(value))


def blob(value: wire.Value, _: wire.Account) -> str:
    """Bytes, in JSON as base64."""
    return base64.b64encode(raw(value)).decode()


def texts(value: wire.Value, account: wire.Account) -> list[str]:
    """A list of strings in a message of its own, as maps to lists have them."""
    return [text(one, account) for field, one in wire.fields(raw(value), account) if field == 1]


def amount(value: wire.Value, account: wire.Account) -> str:
    """A quantity: a message of one string."""
    return text(dict(wire.fields(raw(value), account)).get(1, b"0"), account)


def int_or_text(value: wire.Value, account: wire.Account) -> int | str:
    """A number or a string: a message that tells which, and has both."""
    parts = dict(wire.fields(raw(value), account))
    which = int32(parts.get(1, 0), account)
    if which == 0:
        return int32(parts.get(2, 0), account)
    if which == 1:
        return text(parts.get(3, b""), account)
    raise ValueError(f"a number or a string is told to be of type {which}; only 0 and 1 are known")


def moment(value: wire.Value, account: wire.Account) -> str | None:
    """A time, to the second."""
    found = _moment(value, account)
    return None if found is None else rfc3339.text(found)


def exact_moment(value: wire.Value, account: wire.Account) -> str | None:
    """A time, to the microsecond."""
    found = _moment(value, account)
    return None if found is None else rfc3339.micro(found)


def _moment(value: wire.Value, account: wire.Account) -> datetime | None:
    """A time; None for Go's zero time, which has no parts.

    Raises:
        OverflowError: It is outside the years 1 to 9999.
    """
    parts = dict(wire.fields(raw(value), account))
    if not parts:
        return None
    nanoseconds = int32(parts.get(2, 0), account)
    since = timedelta(seconds=int64(parts.get(1, 0), account), microseconds=nanoseconds // 1000)
    found = _EPOCH + since
    return None if found == _ZERO_TIME else found


def embedded(value: wire.Value, account: wire.Account) -> Any:
    """What is JSON already: a message of one field, its text."""
    written = raw(dict(wire.fields(raw(value), account)).get(1, b""))
    return msgspec.json.decode(written) if written else None
