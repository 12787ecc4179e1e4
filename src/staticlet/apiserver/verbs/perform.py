"""A request to what answers it: finds the kind, checks that it has the verb, reads, dispatches."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.verbs import backend as backends
from staticlet.apiserver.verbs.answers import Answer
from staticlet.kube import refusal

Backend = backends.Backend
Handler = backends.Handler
Kinds = backends.Kinds


async def perform(backend: Backend, call: calls.Call, body: bytes, content_type: str) -> Answer:
    """Do what a request for a resource asks for.

    Args:
        backend: What there is to work with.
        call: The request, authenticated and authorized.
        body: Its body; empty where it has none.
        content_type: The media type of the body, parameters included.

    Raises:
        refusal.Refusal: It is refused; what the client is told.
    """
    del backend, call, body, content_type
    raise refusal.no_such_path()
