"""The paths that are no resource: health, version, metrics, discovery, OpenAPI, and the index."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from staticlet.apiserver.document import Document
from staticlet.apiserver.http import forms, health, metrics, path, pieces, version
from staticlet.kube import refusal

if TYPE_CHECKING:
    from aiohttp import web

TEXT = "text/plain; charset=utf-8"
INDEX = (
    "/api",
    "/apis",
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
)


class Documents(Protocol):
    """Paths that are answered with a document."""

    def answer(self, path: str, accepted: str) -> Document | None:
        """The document of a path; None for a path that is another's.

        Raises:
            refusal.Refusal: 406: not in a form that the client takes.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """An answer before it is sent."""

    parts: Iterable[bytes] = ()
    headers: Mapping[str, str]
    code: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """All of them.

    Attributes:
        checks: What health is made of.
        meter: What is counted.
        discovery: Answers quickly.
        openapi: Answers slowly when a document is asked for the first time.
    """

    checks: health.Checks
    meter: metrics.Metrics
    discovery: Documents
    openapi: Documents

    async def answer(self, request: web.BaseRequest, asked: path.Asked) -> web.StreamResponse:
        """Answer a path that is no resource.

        Raises:
            refusal.Refusal: 404: there is no such path; 405, 406.
        """
        where = asked.target.path.rstrip("/") or "/"
        first = where.split("/")[1]
        made: _Made | None
        if first in health.ENDPOINTS:
            told = await health.answer(self.checks, where, asked.query)
            made = _bytes(told.text.encode(), TEXT, code=told.code)
        elif where == "/metrics":
            made = _bytes(*self.meter.text())
        elif where == "/version":
            made = _bytes(msgspec.json.encode(version.info()), forms.JSON)
        elif where == "/":
            made = _bytes(msgspec.json.encode({"paths": INDEX}), forms.JSON)
        else:
            made = await self._document(request, where)
        if made is None:
            raise refusal.no_such_path()
        if request.method not in ("GET", "HEAD"):
            raise path.not_allowed()
        parts = iter(made.parts)
        return await pieces.made(request, parts, code=made.code, headers=made.headers)

    async def _document(self, request: web.BaseRequest, where: str) -> _Made | None:
        accepted = request.headers.get("Accept", "")
        if where.startswith("/openapi/"):
            document = await asyncio.to_thread(self.openapi.answer, where, accepted)
        else:
            document = self.discovery.answer(where, accepted)
        return None if document is None else _sent(document, request.headers)


def _sent(document: Document, headers: Mapping[str, str]) -> _Made:
    """A document, compressed where the client takes that, or the news that it has it already."""
    own = {"ETag": document.etag, "Vary": "Accept, Accept-Encoding"}
    if headers.get("If-None-Match") == document.etag:
        return _Made(code=304, headers=own)
    own["Content-Type"] = document.content_type
    if "gzip" in headers.get("Accept-Encoding", ""):
        own["Content-Encoding"] = "gzip"
        return _Made(parts=(document.packed,), headers=own)
    return _Made(parts=document.parts(), headers=own)


def _bytes(body: bytes, content_type: str, *, code: int = 200) -> _Made:
    headers = {"Content-Type": content_type, "X-Content-Type-Options": "nosniff"}
    return _Made(parts=(body,), code=code, headers=headers)
