"""OpenAPI v2 (Swagger), made of the documents of v3. Pure.

Older clients read it, and kubectl where v3 does not help it: to validate a `List`, and to explain
with `--output=plaintext-openapiv2`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from staticlet.apiserver.openapi import naming, paths, schemas, v3

Object: TypeAlias = dict[str, Any]

_REF = "#/definitions/"
_EITHER: Mapping[str, Object] = {
    naming.QUANTITY: {"type": "string"},
    naming.INT_OR_STRING: {"type": "string", "format": "int-or-string"},
}
"""Types that are text or a number, of which v2 cannot tell."""

METHODS = ("get", "put", "post", "delete", "patch")


def of(documents: Iterable[Object]) -> Object:
    """One document of all those of v3."""
    found: Object = {}
    definitions: Object = {}
    for one in documents:
        found |= {path: _item(item) for path, item in one["paths"].items()}
        for name, schema in one["components"]["schemas"].items():
            definitions[name] = _merged(definitions.get(name), _definition(name, schema))
    return {
        "swagger": "2.0",
        "info": v3.INFO,
        "paths": dict(sorted(found.items())),
        "definitions": dict(sorted(definitions.items())),
    }


def _merged(there: Object | None, made: Object) -> Object:
    """A type that several groups use: the kinds of it are those of all of them."""
    kinds = [*(there or {}).get(schemas.GVK, ())]
    kinds += [one for one in made.get(schemas.GVK, ()) if one not in kinds]
    return made | {schemas.GVK: kinds} if kinds else made


def _definition(name: str, schema: Object) -> Object:
    if name in _EITHER:
        return {"description": schema["description"]} | _EITHER[name]
    return _schema(schema)


def _schema(schema: Object) -> Object:
    made: Object = {}
    for key, value in schema.items():
        match key:
            case "$ref":
                made[key] = _REF + value.removeprefix(schemas.REF)
            case "allOf":
                made |= _schema(value[0])
            case "items" | "additionalProperties":
                made[key] = _schema(value)
            case "properties":
                made[key] = {name: _schema(one) for name, one in value.items()}
            case _:
                made[key] = value
    return made


def _item(item: Object) -> Object:
    made: Object = {name: _operation(item[name]) for name in METHODS if name in item}
    return made | {"parameters": [_parameter(one) for one in item["parameters"]]}


def _operation(operation: Object) -> Object:
    made: Object = {
        "consumes": ["*/*"],
        "produces": [paths.JSON],
        "schemes": ["https"],
        "parameters": [_parameter(one) for one in operation.get("parameters", ())],
        "responses": {code: _response(one) for code, one in operation["responses"].items()},
    }
    body = operation.get("requestBody")
    if body:
        media, content = next(iter(body["content"].items()))
        made["consumes"] = [*body["content"]] if media != paths.JSON else ["*/*"]
        made["parameters"].append(_body(content["schema"], required="required" in body))
    kept = ("tags", "operationId", "x-kubernetes-action", schemas.GVK)
    return made | {name: operation[name] for name in kept}


def _body(schema: Object, *, required: bool) -> Object:
    made: Object = {"in": "body", "name": "body", "schema": _schema(schema) or {"type": "object"}}
    return made | {"required": True} if required else made


def _parameter(given: Object) -> Object:
    plain: Object = {name: value for name, value in given.items() if name != "schema"}
    plain |= given["schema"]
    return plain


def _response(given: Object) -> Object:
    made: Object = {"description": given["description"]}
    content = given.get("content")
    return made | {"schema": _schema(content[paths.JSON]["schema"])} if content else made
