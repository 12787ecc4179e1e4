"""A TCP proxy on loopback that does to connections what networks do.

It refuses, swallows (connections stand, nothing comes through: dropped packets, as far as a
program can tell), delays, throttles, or cuts an answer after so many bytes. What it does may be
changed at any time, and holds for connections that stand already.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

_CHUNK_BYTES = 16 * 1024


class BadProxy:
    """One proxy; see `before`.

    Attributes:
        port: Where it listens on 127.0.0.1, also while it refuses.
        delay_s: Every chunk is this late, either way.
        bytes_per_s: The answers come this slowly; 0 for as they come.
        accepted: How many connections it has accepted.
    """

    def __init__(self, host: str, port: int, group: asyncio.TaskGroup) -> None:
        self.port = 0
        self.delay_s = 0.0
        self.bytes_per_s = 0
        self.accepted = 0
        self._to = (host, port)
        self._group = group
        self._through = asyncio.Event()
        self._through.set()
        self._cut_after: int | None = None
        self._server: asyncio.Server | None = None
        self._both: set[asyncio.Task[None]] = set()
        self._stalled: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Its address as that of a server with TLS."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """How many connections stand."""
        return len(self._both)

    async def listen(self) -> None:
        """Accept connections; at the same port every time."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Refuse new connections and cut those that stand: the server's process is gone."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        await asyncio.sleep(0)

    def lead_to(self, host: str, port: int) -> None:
        """Join the connections to come with another server."""
        self._to = (host, port)

    def swallow(self) -> None:
        """Let nothing through any more, either way; connections stand and are accepted."""
        self._through.clear()

    def stall(self) -> None:
        """Let nothing through any more on the connections that stand; others are well."""
        self._stalled |= self._both

    def pass_on(self) -> None:
        """Let through again what comes, and what was held back by `swallow`."""
        self._through.set()

    def cut(self) -> None:
        """Cut all connections that stand."""
        for both in self._both:
            both.cancel()

    def cut_after(self, answered: int | None) -> None:
        """Cut each connection when so many more bytes of answers have come; None for never."""
        self._cut_after = answered

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        both = self._group.create_task(self._join(reader, writer), name="proxied connection")
        self._both.add(both)
        both.add_done_callback(self._both.discard)
        both.add_done_callback(self._stalled.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        there: asyncio.StreamWriter | None = None
        try:
            back, there = await asyncio.open_connection(*self._to)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pump(reader, there, own, answers=False), name="requests")
                ways.create_task(self._pump(back, writer, own, answers=True), name="answers")
        except* (OSError, _Cut):
            pass  # either side is gone: so is the other
        finally:
            for one in (writer, there):
                if one is not None:
                    one.transport.abort()
            await asyncio.sleep(0)  # for the loop to close them, which may end just now

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        own: asyncio.Task[None] | None,
        *,
        answers: bool,
    ) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            if own in self._stalled:
                continue  # it is gone, and nobody says so
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await self._through.wait()
            if answers and self._cut_after is not None:
                chunk, self._cut_after = chunk[: self._cut_after], self._cut_after - len(chunk)
            writer.write(chunk)
            await writer.drain()
            if answers and self._cut_after is not None and self._cut_after <= 0:
                self._cut_after = 0
                raise _Cut
            if answers and self.bytes_per_s:
                await asyncio.sleep(len(chunk) / self.bytes_per_s)
        raise _Cut


class _Cut(Exception):
    """A connection ends here."""


@contextlib.asynccontextmanager
async def before(host: str, port: int) -> AsyncIterator[BadProxy]:
    """A proxy before a server, which does nothing bad yet; ended with all its connections."""
    async with asyncio.TaskGroup() as group:
        proxy = BadProxy(host, port, group)
        await proxy.listen()
        try:
            yield proxy
        finally:
            await proxy.refuse()
