"""get: one object, or its status (which is the whole object, too)."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.verbs import freshness, place, query
from staticlet.apiserver.verbs.answers import One
from staticlet.apiserver.verbs.backend import Backend


async def get(backend: Backend, call: calls.Call, kind: Kind) -> One:
    """The object; with `resourceVersion`, one that is at least as new.

    Raises:
        refusal.Refusal: 404, it is not there; 504, that version does not come.
    """
    version = query.version(call.query)
    if version:
        await freshness.reached(backend.store, version)
    record = backend.store.get(place.key(kind, call))
    if record is None:
        raise place.missing(kind, call.target.name)
    return One(kind=kind, record=record)
