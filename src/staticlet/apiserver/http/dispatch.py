"""A request's way through the server: who, what, whether, and then the verb.

What is refused on that way, wherever it is, becomes the Status that the client is told. What is
not foreseen goes on to the listener, which logs it and answers 500.
"""

from __future__ import annotations

import asyncio
import logging
import string
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from staticlet.aio import clock
from staticlet.apiserver import calls
from staticlet.apiserver.http import audit, forms, gate, metrics, path, places, protobody, sending
from staticlet.apiserver.verbs import backend, connect, perform
from staticlet.kube import refusal
from staticlet.web import body, status, tls

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger(__name__)

GONE = 499
"""The code under which a request counts whose client did not wait for the answer."""

WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})
LONGEST_MANAGER = 128
LONGEST_WARNING = 1024


@dataclass(slots=True, kw_only=True)
class Trace:
    """What becomes known of a request on its way.

    Attributes:
        id: Its own id.
        asked: What it asks for.
        who: Whom it is from.
        allowed: What authorization decided.
        streams: Whether its answer is a watch.
        code: The HTTP status of its answer.
        refused: Why it was refused.
    """

    id: str = ""
    asked: path.Asked | None = None
    who: gate.Who | None = None
    allowed: bool | None = None
    streams: bool = False
    code: int = 500
    refused: refusal.Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Answers every request.

    Attributes:
        backend: What verbs work with.
        gate: Who a request is from, and whether it may.
        places: The paths that are no resource.
        sender: Sends answers.
        meter: Counts.
        clock: The time.
        log: The audit log; None for none.
    """

    backend: backend.Backend
    gate: gate.Gate
    places: places.Places
    sender: sending.Sender
    meter: metrics.Metrics
    clock: clock.Clock
    log: audit.File | None = None
    _labels: dict[tuple[str, ...], metrics.Request] = field(default_factory=dict)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        trace = Trace()
        received, began = self.clock.now(), self.clock.monotonic()
        if self.log is not None:
            trace.id = str(uuid.uuid4())
        try:
            response = await self._answer(request, trace)
            trace.code = response.status
        except refusal.Refusal as refused:
            trace.refused, trace.code = refused, refused.code
            response = status.response(refused)
        except (asyncio.CancelledError, ConnectionError):
            trace.code = 200 if trace.streams else GONE
            raise
        finally:
            took_s = self.clock.monotonic() - began
            self.meter.count(self._label(trace), trace.code, took_s)
            _tell(request, trace, took_s)
            if self.log is not None:
                self.log.write(_entry(request, trace, received, self.clock.now()))
        if trace.id and not response.prepared:
            response.headers["Audit-Id"] = trace.id
        return response

    async def _answer(self, request: web.BaseRequest, trace: Trace) -> web.StreamResponse:
        trace.asked = asked = path.ask(request.method, request.raw_path)
        trace.who = who = self.gate.identify(
            request.headers.get("Authorization"),
            tls.peer_certificate(request),
            request.headers.items(),
        )
        try:
            self.gate.check(who.user, path.for_authorization(asked))
        except refusal.Refusal:
            trace.allowed = False
            raise
        trace.allowed = True
        if not asked.target.is_resource:
            return await self.places.answer(request, asked)
        return await self._resource(request, asked, trace)

    async def _resource(
        self, request: web.BaseRequest, asked: path.Asked, trace: Trace
    ) -> web.StreamResponse:
        verb = asked.target.verb
        relayed = (asked.target.resource, asked.target.subresource) in connect.SUBRESOURCES
        trace.streams = verb == "watch" or relayed
        form = forms.PLAIN  # what a node answers comes in no other
        if not relayed:
            form = forms.choose(request.headers, asked.query, stream=trace.streams)
        sent = await body.read(request) if verb in WRITING else b""
        call = calls.Call(
            user=trace.who.user if trace.who else calls.User(name=""),
            target=asked.target,
            query=asked.query,
            now=self.clock.now(),
            dry_run=asked.query.get("dryRun") == "All",
            manager=manager(asked.query.get("fieldManager"), request.headers.get("User-Agent")),
        )
        told = protobody.as_json(sent, request.headers.get("Content-Type", ""))
        for text in told.warnings:
            call.warn(text)
        answer = await perform.perform(self.backend, call, told.text, told.media)
        headers = _headers(call.warnings)
        return await self.sender.send(request, answer, form, headers)

    def _label(self, trace: Trace) -> metrics.Request:
        """The request as it is counted; what is not served has no name of its own."""
        if trace.asked is None:
            return metrics.Request(verb="OTHER")
        target = trace.asked.target
        key = (target.verb, target.group, target.version, target.resource, target.subresource)
        known = self._labels.get(key)
        if known is not None:
            return known
        kind = self.backend.kinds.find(target.group, target.version, target.resource)
        verb = target.verb.upper() if target.verb in _COUNTED else "OTHER"
        if kind is None:
            return metrics.Request(verb=verb)
        below = {one.name for one in kind.subresources}
        made = metrics.Request(
            verb=verb,
            group=target.group,
            version=target.version,
            resource=target.resource,
            subresource=target.subresource if target.subresource in below else "",
        )
        if not target.subresource or made.subresource:
            self._labels[key] = made
        return made


_COUNTED = WRITING | {"get", "list", "watch", "post", "put", "head"}
_PRINTABLE = frozenset(string.printable) - frozenset(string.whitespace) | {" "}


def manager(given: str | None, agent: str | None) -> str:
    """Who manages the fields that a request writes: what it says, else its program's name."""
    if given:
        return given
    name = (agent or "").partition("/")[0]
    return "".join(one for one in name if one in _PRINTABLE)[:LONGEST_MANAGER] or "unknown"


def warning(text: str) -> str:
    """A Warning header: code 299, no agent, the text quoted; what no header may hold left out."""
    words = " ".join(text.split())[:LONGEST_WARNING]
    shown = "".join(one for one in words if one.isprintable())
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 - "{escaped}"'


def _headers(warnings: Sequence[str]) -> sending.Headers:
    return [
        ("Cache-Control", "no-cache, private"),
        *(("Warning", warning(text)) for text in warnings),
    ]


def _tell(request: web.BaseRequest, trace: Trace, took_s: float) -> None:
    """Say in the log, for those who want to see every step, what became of a request."""
    if log.isEnabledFor(logging.DEBUG):
        user = trace.who.user.name if trace.who else "nobody known"
        took_ms = took_s * 1000
        asked = f"{request.method} {request.raw_path!r}"
        log.debug("%s by %s: %d in %.1f ms", asked, user, trace.code, took_ms)


def _entry(
    request: web.BaseRequest, trace: Trace, received: datetime, finished: datetime
) -> audit.Entry:
    who, refused = trace.who, trace.refused
    user = None if who is None else (who.behind or who.user)
    return audit.Entry(
        id=trace.id,
        uri=request.raw_path,
        target=trace.asked.target if trace.asked else None,
        user=user,
        acting=who.user if who and who.behind else None,
        source=request.remote or "",
        agent=request.headers.get("User-Agent", ""),
        code=trace.code,
        reason=refused.reason if refused else "",
        message=refused.message if refused else "",
        allowed=trace.allowed,
        received=received,
        finished=finished,
    )
