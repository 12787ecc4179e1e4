"""The connection to an API server: `port.Api` over HTTP, by a kubeconfig.

Nothing is connected, read or imported beyond need before the first request. All requests share a
pool of connections; so many at once, so that a server that hangs does not gather requests without
bound. Whether the server answers is logged here, once for all who ask it: they need not say it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import urllib.parse
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import msgspec

from staticlet.aio import clock as clocks
from staticlet.client import (
    access,
    answers,
    kubeconfig,
    lane,
    lines,
    patience,
    pieces,
    port,
    saying,
    wording,
)

log = logging.getLogger(__name__)

AGENT = "staticlet"
AT_ONCE = 6
"""How many requests are under way at once, watches not counted: each connection has its price."""

MOST_BYTES = 16 * 1024 * 1024
"""The largest answer that is taken: lists come in pages, and in smaller ones if need be."""

MOST_LINE_BYTES = 16 * 1024 * 1024
"""The longest line of a watch that is taken; no object is stored that comes near it."""

_CHUNK_BYTES = 256 * 1024
_DIRECT_BYTES = 512 * 1024
_FAULTS = (aiohttp.ClientError, OSError, ValueError)


class Connection:
    """Requests to the server that a kubeconfig names.

    Args:
        path: The kubeconfig; it need not exist yet.
        clock: The time.
        agent: What the server is told of this program (User-Agent).
        most_bytes: The largest answer that is taken.
        most_line_bytes: The longest line of a watch that is taken.
        patience_s: For so long the server must have been lost before the log says so.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: clocks.Clock,
        agent: str = AGENT,
        most_bytes: int = MOST_BYTES,
        most_line_bytes: int = MOST_LINE_BYTES,
        patience_s: float = 0.0,
    ) -> None:
        self._source = access.Source(path, clock)
        self._most_bytes = most_bytes
        self._most_line_bytes = most_line_bytes
        self._lanes = lane.Lanes(agent)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._saying = saying.Saying(log, "API server", clock, patience_s=patience_s)
        self._patience = patience.Patience()

    @property
    def server(self) -> str:
        """The server's URL, for people; the kubeconfig's path before it was read."""
        return self._source.server

    @property
    def answering(self) -> bool:
        """Whether the last request was answered, and the credentials accepted."""
        return self._patience.answering.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait that long; less if the server, lost when this began, answers again meanwhile."""
        if self.answering:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._patience.answering.wait()

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        media: str = "application/json",
        deadline_s: float = port.DEADLINE_S,
    ) -> port.Object:
        """See `port.Api.ask`; a refusal of the credentials makes them be read again, once."""
        sent = None if body is None else msgspec.json.encode(body)
        headers = {} if sent is None else {"Content-Type": media}
        try:
            async with self._within(deadline_s), self._turns:
                for last in (False, True):
                    answer, used = await self._exchange(method, _url(path, query), sent, headers)
                    if answer.code != 401 or last or not await self._renewed(used):
                        break
                large = len(answer.body) > _DIRECT_BYTES
                decoded = await pieces.decoded(answer.body) if large else None
                found = answers.read(answer, credentials=self._credentials, decoded=decoded)
        except port.ApiFault as fault:
            self._heard(fault)
            raise
        self._heard(None)
        return found

    async def watch(
        self, path: str, *, query: Mapping[str, str], silence_s: float
    ) -> AsyncIterator[port.Event]:
        """See `port.Api.watch`; bookmarks are asked for."""
        query = {"allowWatchBookmarks": "true", **query, "watch": "1"}
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with self._within(port.DEADLINE_S):
                    response, used = await self._open(stack, "GET", _url(path, query), None, {})
                    await self._accept_watch(response, used)
            except port.ApiFault as fault:
                self._heard(fault)
                raise
            self._heard(None)
            async for line in self._lines(response, silence_s):
                yield answers.event(line, server=self.server)

    async def aclose(self) -> None:
        """Close all connections; what is under way fails, and so does what comes later."""
        await self._lanes.aclose()

    @contextlib.asynccontextmanager
    async def _within(self, deadline_s: float) -> AsyncIterator[None]:
        """Have what goes wrong, or does not end in time, be an ApiFault."""
        scope = asyncio.timeout(deadline_s)
        try:
            async with scope:
                yield
        except kubeconfig.BadKubeconfig as fault:
            raise port.Unreachable(str(fault)) from fault
        except _FAULTS as fault:
            await self._lanes.leave()
            if scope.expired():
                words = f"no answer within {deadline_s:g} s"
                raise port.Unreachable(f"{self.server}: {words}") from fault
            self._fail(fault)

    async def _exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[answers.Answer, access.Access]:
        """Send a request and take the whole answer."""
        async with contextlib.AsyncExitStack() as stack:
            response, used = await self._open(stack, method, url, body, headers)
            return await self._whole(response), used

    async def _open(
        self,
        stack: contextlib.AsyncExitStack,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> tuple[aiohttp.ClientResponse, access.Access]:
        """Send a request, again if it was too early; the response is open as long as the stack."""
        now = await self._source.access()
        headers = {**now.headers, **headers}
        try:
            return await self._send(stack, now, method, now.server + url, body, headers), now
        except patience.SentTooEarly:
            return await self._send(stack, now, method, now.server + url, body, headers), now

    async def _send(
        self,
        stack: contextlib.AsyncExitStack,
        now: access.Access,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> aiohttp.ClientResponse:
        if self._lanes.closed:
            raise self._unreachable("is not asked any more: this connection is closed")
        session = await self._lanes.enter(stack, now.tls)
        large = body is not None and len(body) > _DIRECT_BYTES
        try:
            async with self._patience.attempt(self.server):
                return await stack.enter_async_context(
                    session.request(
                        method,
                        url,
                        data=io.BytesIO(body) if body is not None and large else body,
                        headers=headers,
                        allow_redirects=False,
                        server_hostname=now.server_name,
                    )
                )
        except patience.GaveUp:
            await self._lanes.leave()
            raise

    async def _renewed(self, used: access.Access) -> bool:
        return await self._source.renewed(used) is not None

    async def _whole(self, response: aiohttp.ClientResponse) -> answers.Answer:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity":
            raise self._unreachable("compresses its answer, which was not asked for")
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._most_bytes:
                most = self._most_bytes // 2**20
                raise port.TooLarge(f"{self.server}: answers with more than {most} MiB")
        return answers.Answer(
            server=self.server,
            code=response.status,
            media=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
            retry_after=response.headers.get("Retry-After", ""),
            location=response.headers.get("Location", ""),
            body=bytes(body),
        )

    async def _accept_watch(self, response: aiohttp.ClientResponse, used: access.Access) -> None:
        media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if response.status == 200 and media == "application/json":
            return
        answer = await self._whole(response)
        if answer.code == 401:
            await self._renewed(used)
        answers.read(answer, credentials=self._credentials)
        raise self._unreachable(f"answers a watch with the status {answer.code}")

    async def _lines(
        self, response: aiohttp.ClientResponse, silence_s: float
    ) -> AsyncIterator[bytes]:
        """The lines of a watch, to its orderly end."""
        taken = lines.Lines(self._most_line_bytes)
        while chunk := await self._chunk(response, silence_s):
            try:
                for line in taken.take(chunk):
                    yield line
            except lines.TooLong as fault:
                raise self._unreachable("sends a line without end in a watch") from fault
        if taken.begun:
            raise self._unreachable("ended a watch in the middle of an event")

    async def _chunk(self, response: aiohttp.ClientResponse, silence_s: float) -> bytes:
        scope = asyncio.timeout(silence_s)
        try:
            async with scope:
                return await response.content.readany()
        except _FAULTS as fault:
            await self._lanes.leave()
            if scope.expired():
                words = f"a watch was silent for {silence_s:g} s"
                raise port.Unreachable(f"{self.server}: {words}") from fault
            self._fail(fault)

    def _heard(self, fault: port.ApiFault | None) -> None:
        """Say whether the server answers, if that is news."""
        if isinstance(fault, patience.GaveUp):
            return
        refused = isinstance(fault, port.Refused) and fault.code == 401
        if fault is not None and (refused or isinstance(fault, port.Unreachable)):
            self._patience.lost()
            self._saying.lost(f"{self.server}: {fault}" if refused else str(fault))
        else:
            self._patience.answered()
            self._saying.back()

    @property
    def _credentials(self) -> str:
        """Where the credentials are from, and what is known to be wrong with them."""
        ended = self._source.outdated
        return f"{self._source.path}" + (f" (its client certificate {ended})" if ended else "")

    def _fail(self, fault: BaseException) -> NoReturn:
        words = wording.words(fault)
        if wording.is_cut(fault):
            if ended := self._source.outdated:
                words = f"takes no client certificate that {ended}: renew that of "
                words += str(self._source.path)
            elif self.server.startswith("http://"):
                words += ": should its URL begin with https://?"
        raise self._unreachable(words) from fault

    def _unreachable(self, words: str) -> port.Unreachable:
        return port.Unreachable(f"{self.server}: {words}")


def _url(path: str, query: Mapping[str, str] | None) -> str:
    quoted = urllib.parse.quote(path, safe="/:@!$&'()*+,;=~")
    if not query:
        return quoted
    return f"{quoted}?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}"
