"""Answers to the client: small ones at once, large lists in pieces, watches line by line.

A client that does not read is ended; what waits for it in memory is bounded by its socket's
buffer and one piece. It never keeps others waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

from staticlet.aio import clock
from staticlet.apiserver.http import forms, lines, pieces, render
from staticlet.apiserver.verbs import answers, nodeport
from staticlet.web import status

PAUSED_S = 4 * 3600.0
"""How long a person may stop to read what is passed on to him."""

MOST_WATCHES = 1_000
_BODILESS = frozenset((204, 304))

Headers: TypeAlias = Sequence[tuple[str, str]]
"""Of an answer; Warning may be there more than once."""


@dataclass(slots=True, kw_only=True)
class Watches:
    """All watches that are open, so that they are bounded and can be ended.

    Attributes:
        most: How many there may be.
        deadlines: Each one's end.
        closing: Set when no more are begun.
    """

    most: int = MOST_WATCHES
    deadlines: set[asyncio.Timeout] = field(default_factory=set)
    closing: bool = False

    @contextlib.asynccontextmanager
    async def admitted(self) -> AsyncIterator[asyncio.Timeout]:
        """Count a watch in for the length of the block; it ends with TimeoutError on `end`.

        Raises:
            refusal.Refusal: 429: there are too many.
        """
        if self.closing or len(self.deadlines) >= self.most:
            raise status.too_many("too many watches are open: try again later")
        async with asyncio.timeout(None) as deadline:
            self.deadlines.add(deadline)
            try:
                yield deadline
            finally:
                self.deadlines.discard(deadline)

    def end(self) -> None:
        """End all watches as if their time were up."""
        self.closing = True
        now = asyncio.get_running_loop().time()
        for deadline in self.deadlines:
            deadline.reschedule(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends answers.

    Attributes:
        clock: The time that rows tell ages from.
        watches: All watches.
        lines: Their lines.
        slow_s: How long a client may leave its buffer full.
    """

    clock: clock.Clock
    watches: Watches
    lines: lines.Lines = field(default_factory=lines.Lines)
    slow_s: float = pieces.SLOW_S

    async def send(
        self, request: web.BaseRequest, answer: answers.Answer, form: forms.Form, headers: Headers
    ) -> web.StreamResponse:
        """Send an answer; returns when it is with the client, or ready to be."""
        now = self.clock.now()
        match answer:
            case answers.One():
                body = render.one(answer, form, now)
                return await self._whole(request, body, answer.code, _typed(headers, form))
            case answers.Many():
                parts = render.many(answer, form, now)
                typed = _typed(headers, form)
                return await pieces.made(
                    request, parts, headers=typed, slow_s=self.slow_s, compress=_packed(request)
                )
            case answers.Plain():
                body = render.plain(answer.body, form)
                return await self._whole(request, body, answer.code, _typed(headers, form))
            case answers.Stream():
                return await self._watch(request, answer, form, headers)
            case answers.Relay():
                return await self._relay(request, answer, headers)

    async def _relay(
        self, request: web.BaseRequest, answer: answers.Relay, headers: Headers
    ) -> web.StreamResponse:
        """Pass on what another server answers, no faster than the client takes it."""
        typed = [*headers, ("Content-Type", answer.media), ("X-Content-Type-Options", "nosniff")]
        response = web.StreamResponse(status=answer.code, headers=typed)
        try:
            async with contextlib.aclosing(answer.pieces), self.watches.admitted() as deadline:
                await response.prepare(request)
                if request.method == "HEAD" or answer.code in _BODILESS:
                    return response
                async for piece in answer.pieces:
                    async with asyncio.timeout(PAUSED_S):
                        await response.write(piece)
        except TimeoutError:
            if not deadline.expired():
                request.protocol.force_close()
                return response
        except nodeport.Unreached:
            request.protocol.force_close()  # so that the client sees that this is not the end
            return response
        except ConnectionError:
            return response  # it has gone
        return await pieces.ended(response)

    async def _watch(
        self,
        request: web.BaseRequest,
        answer: answers.Stream,
        form: forms.Form,
        headers: Headers,
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers=_typed(headers, form))
        try:
            async with self.watches.admitted() as deadline:
                await response.prepare(request)
                await self._lines(request, response, answer, form)
        except TimeoutError:
            if not deadline.expired():
                request.protocol.force_close()  # it does not read: what is buffered is dropped
                return response
        except ConnectionError:
            return response  # it has gone
        finally:
            await _close(answer.batches)
        return await pieces.ended(response)

    async def _lines(
        self,
        request: web.BaseRequest,
        response: web.StreamResponse,
        answer: answers.Stream,
        form: forms.Form,
    ) -> None:
        first = True
        framed = response.headers.get("Transfer-Encoding") == "chunked"
        async for events in answer.batches:
            now = self.clock.now()
            found = []
            for event in events:
                found.append(self.lines.line(answer.kind, event, form, now, first=first))
                first = False
            some = b"".join(found)
            _write(request, b"%x\r\n%b\r\n" % (len(some), some) if framed else some)
            if request.protocol.writing_paused:
                async with asyncio.timeout(self.slow_s):
                    await request.writer.drain()
            elif len(events) > 1:
                await asyncio.sleep(0)  # the first of many: others have their turn between them

    async def _whole(
        self, request: web.BaseRequest, body: bytes, code: int, headers: Headers
    ) -> web.StreamResponse:
        return await pieces.whole(
            request,
            body,
            code=code,
            headers=headers,
            slow_s=self.slow_s,
            compress=_packed(request),
        )


def _packed(request: web.BaseRequest) -> bool:
    return pieces.compressing(request.headers, request.remote)


def _typed(headers: Headers, form: forms.Form) -> Headers:
    return [*headers, ("Content-Type", form.media)]


def _write(request: web.BaseRequest, some: bytes) -> None:
    """Write at once: most watchers have nothing to wait for, and a timer for each costs more."""
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the watcher has gone")
    transport.write(some)


async def _close(batches: AsyncIterator[Sequence[answers.Event]]) -> None:
    close = getattr(batches, "aclose", None)
    if close is not None:
        await close()
