"""OpenAPI v2 in the protobuf form of gnostic, the only one that kubectl takes of `/openapi/v2`.

Only the messages and fields that our document has are written, by the numbers of gnostic's
`OpenAPIv2.proto`. The protobuf library is kept out: this is a few hundred lines of wire format
less, and the server never reads any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

Object: TypeAlias = dict[str, Any]

MEDIA = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
ASKED = (MEDIA, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")
"""What clients ask for it by."""

_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def encode(document: Object) -> bytes:
    """A whole document."""
    paths = b"".join(
        _bytes(2, _named(path, _path_item(item))) for path, item in document["paths"].items()
    )
    types = b"".join(
        _bytes(1, _named(name, _schema(one))) for name, one in document["definitions"].items()
    )
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    return b"".join(
        (_text(1, document["swagger"]), _bytes(2, info), _bytes(8, paths), _bytes(9, types))
    )


def _path_item(item: Object) -> bytes:
    done = b"".join(
        _bytes(number, _operation(item[name])) for name, number in _METHODS.items() if name in item
    )
    return done + b"".join(_bytes(9, _parameter(one)) for one in item["parameters"])


def _operation(operation: Object) -> bytes:
    answers = b"".join(
        _bytes(1, _named(code, _bytes(1, _response(one))))
        for code, one in operation["responses"].items()
    )
    return b"".join(
        (
            _texts(1, operation["tags"]),
            _text(5, operation["operationId"]),
            _texts(6, operation["produces"]),
            _texts(7, operation["consumes"]),
            b"".join(_bytes(8, _parameter(one)) for one in operation["parameters"]),
            _bytes(9, answers),
            _texts(10, operation["schemes"]),
            _extensions(13, operation),
        )
    )


def _response(response: Object) -> bytes:
    told = _text(1, response["description"])
    schema = response.get("schema")
    return told + (_bytes(2, _bytes(1, _schema(schema))) if schema else b"")


def _parameter(one: Object) -> bytes:
    """A ParametersItem: of the body, the query or the path."""
    if one["in"] == "body":
        body = _text(2, one["name"]) + _text(3, one["in"]) + _flag(4, one.get("required"))
        return _bytes(1, _bytes(1, body + _bytes(5, _schema(one["schema"]))))
    query = one["in"] == "query"
    number = 3 if query else 4
    shift = 1 if query else 0  # the message for queries has one field more before its type
    told = b"".join(
        (
            _flag(1, one.get("required")),
            _text(2, one["in"]),
            _text(3, one["description"]),
            _text(4, one["name"]),
            _text(5 + shift, one["type"]),
            _flag(19 + shift, one.get("uniqueItems")),
        )
    )
    return _bytes(1, _bytes(2, _bytes(number, told)))


def _schema(schema: Object) -> bytes:
    return b"".join(_schema_fields(schema))


def _schema_fields(schema: Object) -> Iterator[bytes]:
    yield _text(1, schema.get("$ref", ""))
    yield _text(2, schema.get("format", ""))
    yield _text(4, schema.get("description", ""))
    yield _texts(19, schema.get("required", ()))
    if "additionalProperties" in schema:
        yield _bytes(21, _bytes(1, _schema(schema["additionalProperties"])))
    if "type" in schema:
        yield _bytes(22, _text(1, schema["type"]))
    if "items" in schema:
        yield _bytes(23, _bytes(1, _schema(schema["items"])))
    if "properties" in schema:
        fields = (_named(name, _schema(one)) for name, one in schema["properties"].items())
        yield _bytes(25, b"".join(_bytes(1, one) for one in fields))
    yield _extensions(31, schema)


def _extensions(number: int, holder: Object) -> bytes:
    """What begins with `x-`; its values are YAML, and JSON is YAML."""
    return b"".join(
        _bytes(number, _named(name, _text(2, msgspec.json.encode(value).decode())))
        for name, value in holder.items()
        if name.startswith("x-")
    )


def _named(name: str, value: bytes) -> bytes:
    """An entry of a map: its key and its value."""
    return _text(1, name) + _bytes(2, value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode()) if value else b""


def _texts(number: int, values: Iterable[str]) -> bytes:
    return b"".join(_bytes(number, value.encode()) for value in values)


def _flag(number: int, value: object) -> bytes:
    return _varint(number << 3) + b"\x01" if value else b""


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
