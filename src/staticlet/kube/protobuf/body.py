"""A body in Kubernetes' protobuf form to the object in it, as JSON would have it. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, assert_never

from staticlet.kube.protobuf import messages, wire
from staticlet.kube.protobuf.types import (
    Bare,
    Blob,
    Flag,
    ListOf,
    MapOf,
    Message,
    Moment,
    Text,
    Type,
    Whole,
)

Object: TypeAlias = dict[str, Any]

MEDIA = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_TYPE, _RAW, _ENCODING = 1, 2, 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BodyError(ValueError):
    """A body that is broken; the message says how."""


class UnknownKindError(BodyError):
    """A body of a kind that is not read in this form; the message names the kind."""


def decode(body: bytes) -> Object:
    """The object in a body, with `apiVersion` and `kind`.

    Raises:
        UnknownKindError: Objects of the kind are read as JSON only.
        BodyError: The body is no object in this form.
    """
    if not body.startswith(_MAGIC):
        raise BodyError("cannot read the body: it does not begin as Kubernetes' protobuf does")
    try:
        return _decode(body[len(_MAGIC) :])
    except (wire.WireError, UnicodeDecodeError, OverflowError) as error:
        raise BodyError(f"cannot read the body: {error}") from error


def _decode(envelope: bytes) -> Object:
    """The object in an envelope (`runtime.Unknown`), which tells its kind."""
    outer = dict(wire.fields(envelope))
    told = dict(wire.fields(_bytes(outer.get(_TYPE, b""))))
    api_version, kind = (_bytes(told.get(number, b"")).decode() for number in (1, 2))
    if outer.get(_ENCODING):
        raise BodyError("cannot read the body: its content is encoded once more")
    message = messages.of(api_version, kind)
    if message is None:
        raise UnknownKindError(f"{kind} in {api_version} is not read as protobuf; send JSON")
    content = _message(message, _bytes(outer.get(_RAW, b"")))
    return {"apiVersion": api_version, "kind": kind} | content


def _message(message: Message, encoded: bytes) -> Object:
    found: Object = {}
    for number, value in wire.fields(encoded):
        if number not in message.fields:
            continue
        name, of_type = message.fields[number]
        match of_type:
            case ListOf(item):
                found.setdefault(name, []).append(_value(item, value))
            case MapOf(inner):
                key, one = _entry(inner, _bytes(value))
                found.setdefault(name, {})[key] = one
            case _:
                made = _value(of_type, value)
                if made is not None and not _left_out(of_type, made):
                    found[name] = made
    return found


def _left_out(of_type: Type, value: object) -> bool:
    """Whether a value is as good as none: what is empty, and no pointer."""
    match of_type:
        case Text():
            return value == ""
        case Flag(pointer) | Whole(pointer):
            return not pointer and not value
    return False


def _entry(inner: Type, encoded: bytes) -> tuple[str, Any]:
    pair = dict(wire.fields(encoded))
    empty: wire.Value = 0 if isinstance(inner, (Flag, Whole)) else b""
    return _bytes(pair.get(1, b"")).decode(), _value(inner, pair.get(2, empty))


def _value(of_type: Type, value: wire.Value) -> Any:
    match of_type:
        case Text():
            return _bytes(value).decode()
        case Flag():
            return bool(_number(value))
        case Whole():
            return wire.signed(_number(value))
        case Blob():
            return base64.b64encode(_bytes(value)).decode()
        case Moment():
            return _moment(dict(wire.fields(_bytes(value))))
        case Message():
            return _message(of_type, _bytes(value))
        case Bare(ListOf(item)):
            return [_value(item, one) for number, one in wire.fields(_bytes(value)) if number == 1]
        case ListOf() | MapOf():
            raise BodyError("cannot read the body: a list in a list")
        case _:
            assert_never(of_type)


def _moment(parts: Mapping[int, wire.Value]) -> str | None:
    """A time as JSON has it, to the second; None for Go's zero time, which has no parts."""
    if not parts:
        return None
    seconds = wire.signed(_number(parts.get(1, 0)))
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bytes(value: wire.Value) -> bytes:
    if isinstance(value, int):
        raise wire.WireError("cannot read protobuf: a number stands where bytes should be")
    return value


def _number(value: wire.Value) -> int:
    if isinstance(value, bytes):
        raise wire.WireError("cannot read protobuf: bytes stand where a number should be")
    return value
