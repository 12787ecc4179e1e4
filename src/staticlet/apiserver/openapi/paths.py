"""The operations of the API in OpenAPI v3: for each path what can be done, with what, for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from staticlet.apiserver.openapi import naming, parameters, schemas
from staticlet.apiserver.resources.kind import Kind, Subresource

Operation: TypeAlias = dict[str, Any]
Paths: TypeAlias = dict[str, Any]

JSON = "application/json"
PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
_STREAMS = ("attach", "exec", "log", "portforward", "proxy")


def of_kind(kind: Kind, types: schemas.Schemas) -> Paths:
    """The paths of a kind, with the types that they use added to `types`."""
    return dict(_Described(kind, types).paths())


class _Described:
    """One kind while its paths are made."""

    def __init__(self, kind: Kind, types: schemas.Schemas) -> None:
        self._kind = kind
        self._types = types
        self._gvk = naming.group_version_kind(kind.group, kind.version, kind.kind)
        self._object = types.add(kind.struct, [self._gvk])
        self._list = self._list_type()
        self._status = types.add(
            schemas.meta("Status"), [naming.group_version_kind("", "v1", "Status")]
        )

    def paths(self) -> Iterator[tuple[str, Paths]]:
        """Each path with its operations."""
        kind = self._kind
        base = f"/{naming.root(kind)}/"
        home = base + ("namespaces/{namespace}/" if kind.namespaced else "") + kind.plural
        scope = [parameters.NAMESPACE] if kind.namespaced else []
        one = [*scope, parameters.NAME]
        where = "Namespaced" if kind.namespaced else ""
        found = {home: _item(self._collection(where), scope)}
        if kind.namespaced and "list" in kind.verbs:
            listed = {"get": self._list_all()}
            found[base + kind.plural] = _item(listed, [])
        found[f"{home}/{{name}}"] = _item(self._single(where), one)
        for below in kind.subresources:
            if below.name not in _STREAMS:
                path = f"{home}/{{name}}/{below.name}"
                found[path] = _item(self._below(below, where), one)
        return ((path, item) for path, item in found.items() if item)

    def _list_type(self) -> schemas.Schema:
        listed = schemas.beside(self._kind.struct, f"{self._kind.kind}List")
        if listed is None:
            return {"type": "object"}
        group, version = self._kind.group, self._kind.version
        return self._types.add(
            listed, [naming.group_version_kind(group, version, f"{self._kind.kind}List")]
        )

    def _collection(self, where: str) -> Paths:
        kind, verbs = self._kind, self._kind.verbs
        done: Paths = {}
        if "list" in verbs:
            done["get"] = self._operation("list", f"{where}{kind.kind}", "list", self._list)
            done["get"]["parameters"] = parameters.LIST
        if "create" in verbs:
            done["post"] = self._operation("create", f"{where}{kind.kind}", "post", self._object)
            done["post"] |= {"parameters": parameters.WRITE, "requestBody": _body(self._object)}
        if "deletecollection" in verbs:
            what = f"Collection{where}{kind.kind}"
            done["delete"] = self._operation("delete", what, "deletecollection", self._status)
            done["delete"] |= self._deletion([*parameters.LIST, *parameters.DELETE])
        return done

    def _list_all(self) -> Operation:
        what = f"{self._kind.kind}ForAllNamespaces"
        return self._operation("list", what, "list", self._list) | {"parameters": parameters.LIST}

    def _single(self, where: str) -> Paths:
        what, verbs = f"{where}{self._kind.kind}", self._kind.verbs
        done: Paths = {}
        if "get" in verbs:
            done["get"] = self._operation("read", what, "get", self._object)
        done |= self._changes(verbs, what, self._object, self._gvk)
        if "delete" in verbs:
            done["delete"] = self._operation("delete", what, "delete", self._status)
            done["delete"] |= self._deletion(parameters.DELETE)
        return done

    def _below(self, one: Subresource, where: str) -> Paths:
        what = f"{where}{self._kind.kind}{one.name.capitalize()}"
        gvk = naming.group_version_kind(
            self._kind.group if one.group is None else one.group,
            self._kind.version if one.version is None else one.version,
            one.kind,
        )
        body = self._object if one.kind == self._kind.kind else {"type": "object"}
        done: Paths = {}
        if "get" in one.verbs:
            done["get"] = self._operation("read", what, "get", body, gvk)
        done |= self._changes(one.verbs, what, body, gvk)
        if "create" in one.verbs:
            done["post"] = self._operation("create", what, "post", body, gvk)
            done["post"] |= {"parameters": parameters.WRITE, "requestBody": _body(body)}
        return done

    def _changes(
        self, verbs: tuple[str, ...], what: str, body: schemas.Schema, gvk: Mapping[str, str]
    ) -> Paths:
        done: Paths = {}
        if "update" in verbs:
            done["put"] = self._operation("replace", what, "put", body, gvk)
            done["put"] |= {"parameters": parameters.WRITE, "requestBody": _body(body)}
        if "patch" in verbs:
            done["patch"] = self._operation("patch", what, "patch", body, gvk)
            done["patch"] |= {
                "parameters": [*parameters.WRITE, parameters.FORCE],
                "requestBody": _body({}, PATCHES),
            }
        return done

    def _deletion(self, asked: list[parameters.Parameter]) -> Operation:
        options = self._types.add(
            schemas.meta("DeleteOptions"),
            [naming.group_version_kind("", "v1", "DeleteOptions")],
        )
        return {"parameters": asked, "requestBody": _body(options, required=False)}

    def _operation(
        self,
        verb: str,
        what: str,
        action: str,
        answer: schemas.Schema,
        gvk: Mapping[str, str] | None = None,
    ) -> Operation:
        kind = self._kind
        return {
            "tags": [naming.operation_id(kind, "", "").lower()],
            "operationId": naming.operation_id(kind, verb, what),
            "responses": _responses(answer, self._status, created=action == "post"),
            "x-kubernetes-action": action,
            schemas.GVK: gvk or self._gvk,
        }


def _item(operations: Paths, asked: list[parameters.Parameter]) -> Paths:
    """A path's operations with the parameters that all of them have; empty without operations."""
    if not operations:
        return {}
    return operations | {"parameters": [*asked, parameters.PRETTY]}


def _body(
    schema: schemas.Schema, media: tuple[str, ...] = (JSON,), *, required: bool = True
) -> Operation:
    body: Operation = {"content": {one: {"schema": schema} for one in media}}
    return body | {"required": True} if required else body


def _responses(answer: schemas.Schema, status: schemas.Schema, *, created: bool) -> Operation:
    done = {"description": "OK", "content": {JSON: {"schema": answer}}}
    told: Operation = {"200": done}
    if created:
        told["201"] = done | {"description": "Created"}
    told["401"] = {"description": "Unauthorized"}
    told["default"] = {"description": "Refused", "content": {JSON: {"schema": status}}}
    return told
