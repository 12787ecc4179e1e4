"""A pool of connections to one server, which is left for a new one at the first doubt.

A connection whose peer has vanished looks like any other until a request on it goes unanswered.
So once a request has failed, no later one uses a connection from before: what is under way on
them goes on, and with its end they are closed. The kernel is told to give up soon on data that
nobody acknowledges, and to probe what is silent.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp

from staticlet.client import resolver

KEEP_S = 30.0
"""How long an idle connection is kept."""

_UNACKNOWLEDGED_MS = 20_000
_PROBE_AFTER_S = 15
_PROBE_EVERY_S = 5
_PROBES = 3


class Lane:
    """Connections with one TLS context.

    Args:
        context: TLS; None for plain HTTP.
        names: Looks up names.
        agent: What the server is told of this program.
    """

    def __init__(
        self, context: ssl.SSLContext | None, names: resolver.Resolver, agent: str
    ) -> None:
        self.context = context
        self.left = False
        self._users = 0
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=context if context is not None else True,
                resolver=names,
                use_dns_cache=False,
                limit=0,
                keepalive_timeout=KEEP_S,
                socket_factory=_socket,
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "User-Agent": agent,
                "Accept": "application/json",
                "Accept-Encoding": "identity",
            },
        )

    @property
    def closed(self) -> bool:
        """Whether its connections are closed."""
        return self._session.closed

    @asynccontextmanager
    async def used(self) -> AsyncIterator[aiohttp.ClientSession]:
        """The connections, which are not closed before the block ends."""
        self._users += 1
        try:
            yield self._session
        finally:
            self._users -= 1
            await self._close_if_left()

    async def leave(self) -> None:
        """Close it as soon as nobody uses it."""
        self.left = True
        await self._close_if_left()

    async def close(self) -> None:
        """Close it now, whoever uses it."""
        self.left = True
        await self._session.close()

    async def _close_if_left(self) -> None:
        if self.left and not self._users:
            await self._session.close()


class Lanes:
    """The lane that requests take, and those that were left and are still in use.

    Args:
        agent: What the server is told of this program.
    """

    def __init__(self, agent: str) -> None:
        self.closed = False
        self._agent = agent
        self._names = resolver.Resolver()
        self._lane: Lane | None = None
        self._all: set[Lane] = set()

    async def enter(
        self, stack: AsyncExitStack, context: ssl.SSLContext | None
    ) -> aiohttp.ClientSession:
        """The connections to use with a TLS context, for as long as the stack."""
        before, chosen = self._lane, self._lane_for(context)
        session = await stack.enter_async_context(chosen.used())  # nobody closes it from here on
        if before is not None and before is not chosen:
            await before.leave()
        return session

    async def leave(self) -> None:
        """Use no connection again that was made before now."""
        found, self._lane = self._lane, None
        if found is not None:
            await found.leave()

    async def aclose(self) -> None:
        """Close all of them, whoever uses them."""
        self.closed = True
        for one in self._all:
            await one.close()
        self._all.clear()
        self._lane = None

    def _lane_for(self, context: ssl.SSLContext | None) -> Lane:
        found = self._lane
        if found is None or found.left or found.context is not context:
            found = Lane(context, self._names, self._agent)
            self._lane = found
            self._all = {one for one in self._all if not one.closed} | {found}
        return found


def _socket(address: Any) -> socket.socket:
    """A socket that notices that its peer is gone."""
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.settimeout(0)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_AFTER_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_EVERY_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    return made
