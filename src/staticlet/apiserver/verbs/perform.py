"""A request to what answers it: finds the kind, checks that it has the verb, reads, dispatches."""

from __future__ import annotations

import asyncio

from staticlet.apiserver import calls
from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources.kind import Kind, Subresource
from staticlet.apiserver.verbs import backend as backends
from staticlet.apiserver.verbs import (
    bind,
    connect,
    create,
    delete,
    deletecollection,
    evict,
    get,
    listing,
    options,
    parts,
    patch,
    update,
    watch,
)
from staticlet.apiserver.verbs import body as bodies
from staticlet.apiserver.verbs.answers import Answer
from staticlet.kube import apitypes, refusal

Backend = backends.Backend
Handler = backends.Handler
Kinds = backends.Kinds

_NAMELESS = frozenset(("create", "list", "watch", "deletecollection"))
_TOKEN_REQUEST = bodies.Wanted(
    api_version="authentication.k8s.io/v1", kind="TokenRequest", struct=apitypes.TokenRequest
)


WAITS_S = (0.03, 0.07, 0.1, 0.2, 0.3, 0.3)
"""Between the tries of a request that lacks what a controller is about to make."""


async def perform(backend: Backend, call: calls.Call, body: bytes, content_type: str) -> Answer:
    """Do what a request for a resource asks for.

    What lacks something that is about to be made waits for that, a second at most.

    Args:
        backend: What there is to work with.
        call: The request, authenticated and authorized.
        body: Its body; empty where it has none.
        content_type: The media type of the body, parameters included.

    Raises:
        refusal.Refusal: It is refused; what the client is told.
    """
    kind = _kind(backend, call)
    for wait_s in WAITS_S:
        try:
            return await _perform(backend, call, kind, body, content_type)
        except plugin.NotYet:
            await asyncio.sleep(wait_s)
    return await _perform(backend, call, kind, body, content_type)


async def _perform(
    backend: Backend, call: calls.Call, kind: Kind, body: bytes, content_type: str
) -> Answer:
    if call.target.subresource:
        return await _below(backend, call, kind, body, content_type)
    _check_verb(call, kind)
    handler = backend.handlers.get((kind.group, kind.plural, ""))
    if handler is not None and call.target.verb == "create":
        return await _handled(backend, call, kind, body, content_type, handler)
    if (kind.group, kind.plural) == ("", "bindings"):
        return await bind.bind(backend, call, _pods(backend), body, content_type)
    if "get" not in kind.verbs:  # a review, and nothing here to answer it
        raise refusal.method_not_allowed(kind.group_resource, call.target.verb)
    return await _itself(backend, call, kind, body, content_type)


def _kind(backend: Backend, call: calls.Call) -> Kind:
    target = call.target
    kind = backend.kinds.find(target.group, target.version, target.resource)
    if kind is None:
        raise refusal.no_such_path()
    elsewhere = target.namespace and not kind.namespaced and kind.plural != "namespaces"
    if elsewhere or (kind.namespaced and target.name and not target.namespace):
        raise refusal.no_such_path()
    return kind


def _check_verb(call: calls.Call, kind: Kind) -> None:
    target = call.target
    if target.verb not in kind.verbs:
        if target.verb == "create" and kind.not_run:
            raise refusal.not_run(kind.group_resource, target.name, kind.not_run)
        raise refusal.method_not_allowed(kind.group_resource, target.verb)
    homeless = kind.namespaced and not target.namespace
    astray = target.verb in ("create", "deletecollection") and homeless
    if astray or bool(target.name) is (target.verb in _NAMELESS):
        raise refusal.method_not_allowed(kind.group_resource, target.verb)


async def _itself(
    backend: Backend, call: calls.Call, kind: Kind, text: bytes, content_type: str
) -> Answer:
    match call.target.verb:
        case "get":
            return await get.get(backend, call, kind)
        case "list":
            return await listing.listed(backend, call, kind)
        case "watch":
            return await watch.watch(backend, call, kind)
        case "create":
            return await create.create(backend, call, kind, text, content_type)
        case "delete":
            return await delete.delete(backend, call, kind, text, content_type)
        case "deletecollection":
            collect = deletecollection.delete_collection
            return await collect(backend, call, kind, text, content_type)
        case _:
            return await _part(backend, call, kind, text, content_type)


async def _part(
    backend: Backend,
    call: calls.Call,
    kind: Kind,
    text: bytes,
    content_type: str,
    below: Subresource | None = None,
) -> Answer:
    """Read or change an object, or a part of it that is written on its own."""
    part = parts.of(kind, below)
    match call.target.verb:
        case "get" if part is not None:
            return await get.get(backend, call, kind)
        case "update" if part is not None:
            return await update.update(backend, call, kind, text, content_type, part=part)
        case "patch" if part is not None:
            return await patch.patch(backend, call, kind, text, content_type, part=part)
        case verb:
            raise refusal.method_not_allowed(kind.group_resource, verb)


async def _below(
    backend: Backend, call: calls.Call, kind: Kind, text: bytes, content_type: str
) -> Answer:
    """Do what a subresource is for."""
    name = call.target.subresource
    found = next((one for one in kind.subresources if one.name == name), None)
    if found is None or not call.target.name:
        raise refusal.no_such_path()
    if call.target.verb not in found.verbs:
        raise refusal.method_not_allowed(kind.group_resource, call.target.verb)
    if (kind.plural, name) in connect.SUBRESOURCES:
        return await connect.connect(backend, call, kind)
    handler = backend.handlers.get((kind.group, kind.plural, name))
    if handler is not None:
        return await _handled(backend, call, kind, text, content_type, handler)
    match name:
        case "binding":
            return await bind.bind(backend, call, kind, text, content_type)
        case "eviction":
            return await evict.evict(backend, call, kind, text, content_type)
        case _:
            return await _part(backend, call, kind, text, content_type, found)


async def _handled(
    backend: Backend,
    call: calls.Call,
    kind: Kind,
    text: bytes,
    content_type: str,
    handler: Handler,
) -> Answer:
    """Let a creation be answered by what it was given to."""
    asked = options.writing(call, "CreateOptions")
    what = _TOKEN_REQUEST if call.target.subresource == "token" else bodies.wanted(kind)
    obj = bodies.decoded(call, text, content_type, what, validation=asked.validation)
    return await handler(backend, call, kind, obj)


def _pods(backend: Backend) -> Kind:
    kind = backend.kinds.find("", "v1", "pods")
    if kind is None:
        raise refusal.no_such_path()
    return kind
