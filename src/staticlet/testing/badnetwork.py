"""A bad network before a server, for tests that have no loop: `badproxy` in a thread of its own.

For a server that lies, the proxy leads to another one, with the same certificate.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from staticlet.testing import badproxy, lyingserver

T = TypeVar("T")

WAIT_S = 10.0


class BadNetwork:
    """What stands between a client and the server at a port of 127.0.0.1; see `before`.

    Attributes:
        proxy: Does bad things; to be touched by `do` alone.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, proxy: badproxy.BadProxy, port: int
    ) -> None:
        self.proxy = proxy
        self._loop = loop
        self._port = port
        self._lies = AsyncExitStack()

    @property
    def url(self) -> str:
        """Its address as that of a server with TLS."""
        return self.proxy.url

    def do(self, deed: Callable[[badproxy.BadProxy], object]) -> None:
        """Have something done to connections."""

        async def done() -> None:
            deed(self.proxy)

        self._run(done())

    def refuse(self) -> None:
        """Refuse connections, and cut those that stand."""
        self._run(self.proxy.refuse())

    def mend(self) -> None:
        """Be a good network again, before the true server; connections that were held are cut."""

        async def mended() -> None:
            self.proxy.delay_s, self.proxy.bytes_per_s = 0.0, 0
            self.proxy.cut_after(None)
            self.proxy.lead_to("127.0.0.1", self._port)
            self.proxy.cut()
            self.proxy.pass_on()
            await self._lies.aclose()
            await self.proxy.listen()

        self._run(mended())

    def lie(self, *script: bytes, certificate: Path) -> None:
        """Have every request answered with these, the last of them again and again.

        Args:
            script: The answers; see `lyingserver.said`.
            certificate: A file with the server's certificate and key.
        """

        async def lied() -> None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            told = await self._lies.enter_async_context(lyingserver.telling(*script, tls=tls))
            self.proxy.lead_to("127.0.0.1", told.port)
            self.proxy.cut()

        self._run(lied())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)


@contextmanager
def before(port: int) -> Iterator[BadNetwork]:
    """A network before a server at 127.0.0.1, good until it is told otherwise."""
    made: list[BadNetwork] = []
    there, over = threading.Event(), asyncio.Event()

    async def run() -> None:
        async with badproxy.before("127.0.0.1", port) as proxy:
            made.append(BadNetwork(asyncio.get_running_loop(), proxy, port))
            there.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="bad network", daemon=True)
    thread.start()
    if not there.wait(WAIT_S):
        raise RuntimeError("the proxy did not begin")
    network = made[0]
    try:
        yield network
    finally:
        network.mend()
        network.do(lambda _: over.set())
        thread.join(WAIT_S)
