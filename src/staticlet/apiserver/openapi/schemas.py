"""The types of the API as schemas, in the dialect of OpenAPI v3.

They are read off the models: names and nesting from `kube.shape`, by which bodies are checked too,
so that what a client is told is what the server takes; prose from the docstrings.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from staticlet.apiserver.openapi import merging, naming, prose
from staticlet.kube import core, shape

if TYPE_CHECKING:
    import msgspec

Schema: TypeAlias = dict[str, Any]
REF = "#/components/schemas/"
GVK = "x-kubernetes-group-version-kind"

_SCALARS: Mapping[str, Schema] = {
    naming.QUANTITY: {
        "description": (
            "An amount of something, with a unit where it needs one: 500m, 2, 128Mi, 1.5G."
        ),
        "oneOf": [{"type": "string"}, {"type": "number"}],
    },
    naming.INT_OR_STRING: {
        "description": "A number, or a name or percentage as text.",
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    f"{naming.META}.Time": {
        "description": "A time as RFC 3339 writes it, to the second.",
        "type": "string",
        "format": "date-time",
    },
    f"{naming.META}.MicroTime": {
        "description": "A time as RFC 3339 writes it, to the microsecond.",
        "type": "string",
        "format": "date-time",
    },
}


def meta(name: str) -> type[msgspec.Struct]:
    """A type of `meta/v1`: `Status`, `DeleteOptions`."""
    found: type[msgspec.Struct] = getattr(sys.modules[core.ObjectMeta.__module__], name)
    return found


def beside(struct: type[msgspec.Struct], name: str) -> type[msgspec.Struct] | None:
    """A type of the same group and version: a kind's list; None when there is none."""
    return getattr(sys.modules[struct.__module__], name, None)


class Schemas:
    """Collects types, each with all that it contains.

    Attributes:
        found: The schemas by the names of their types.
    """

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def add(self, struct: type[msgspec.Struct], kinds: Iterable[Mapping[str, str]] = ()) -> Schema:
        """Add a type, and refer to it.

        Args:
            struct: The type.
            kinds: The kinds whose objects it is.
        """
        name = naming.of(struct)
        if name not in self.found:
            schema = self.found[name] = _head(struct) | merging.of_type(struct)
            self._fill(schema, struct)
        for gvk in kinds:
            told = self.found[name].setdefault(GVK, [])
            if gvk not in told:
                told.append(gvk)
        return _reference(name)

    def _fill(self, schema: Schema, struct: type[msgspec.Struct]) -> None:
        shapes = shape.of(struct).fields
        words = prose.of_fields(struct)
        names = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
        properties: Schema = {}
        for name, attribute in sorted(names):
            if name not in shapes:
                continue
            annotation = struct.__annotations__[attribute]
            made = self._field(shapes[name], annotation)
            properties[name] = _described(made, words.get(attribute, ""))
            properties[name] |= merging.of_field(struct, name, shapes[name])
        if properties:
            schema["properties"] = properties
        required = _required(struct)
        if required:
            schema["required"] = required

    def _field(self, of: shape.Shape, annotation: str) -> Schema:
        match of:
            case shape.Text():
                return {"type": "string"}
            case shape.Bytes():
                return {"type": "string", "format": "byte"}
            case shape.Flag():
                return {"type": "boolean"}
            case shape.Whole(bits):
                return {"type": "integer", "format": f"int{bits}"}
            case shape.Anything():
                return {"type": "object"}
            case shape.IntOrText():
                return self._scalar(naming.INT_OR_STRING)
            case shape.Amount():
                return self._scalar(naming.QUANTITY)
            case shape.Moment():
                kind = "MicroTime" if "MicroTime" in annotation else "Time"
                return self._scalar(f"{naming.META}.{kind}")
            case shape.ListOf(item):
                return {"type": "array", "items": self._field(item, annotation)}
            case shape.MapOf(value):
                inner = self._field(value, annotation)
                return {"type": "object", "additionalProperties": inner}
            case shape.Record():
                return self.add(of.struct)
            case _:
                assert_never(of)

    def _scalar(self, name: str) -> Schema:
        self.found.setdefault(name, dict(_SCALARS[name]))
        return _reference(name)


def _head(struct: type[msgspec.Struct]) -> Schema:
    words = prose.of_type(struct)
    return {"description": words, "type": "object"} if words else {"type": "object"}


def _reference(name: str) -> Schema:
    return {"$ref": REF + name}


def _described(schema: Schema, words: str) -> Schema:
    """A schema with a description; a reference can have none beside it, so it is wrapped."""
    if not words:
        return schema
    if "$ref" in schema:
        return {"description": words, "allOf": [schema]}
    return {"description": words} | schema


def _required(struct: type[msgspec.Struct]) -> list[str]:
    """The fields that an object must have: those without a default, which stand first."""
    names = struct.__struct_encode_fields__
    return sorted(names[: len(names) - len(struct.__struct_defaults__)])
