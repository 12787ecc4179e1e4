"""An API server to which nothing is written while another agent holds the node's name.

Two agents with one node name would delete each other's mirror pods without end. Whoever writes in
the node's name does so through this; for them the server is out of reach while the name is not
ours. Reading goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from staticlet.client import port
from staticlet.node import own


class Guarded:
    """A `port.Api` over another one.

    Args:
        api: The API server.
        node: The own Node, which knows whether the name is ours.
        pause: Waits so many seconds, or less if a server that was away answers again.
    """

    def __init__(
        self, api: port.Api, node: own.OwnNode, pause: Callable[[float], Awaitable[None]]
    ) -> None:
        self._api = api
        self._node = node
        self._pause = pause

    @property
    def server(self) -> str:
        """The server's URL, for people."""
        return self._api.server

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
        """Make one request; nothing but a GET while the name is not ours.

        Raises:
            Unreachable: As `Api.ask`; or the name is not ours, or not known to be yet.
            Refused: As `Api.ask`.
        """
        if method != "GET" and not self._node.granted:
            raise port.Unreachable(f"the node name {self._node.name} is not known to be ours")
        return await self._api.ask(
            method, path, body, query=query, media=media, deadline_s=deadline_s
        )

    def watch(
        self, path: str, *, query: Mapping[str, str], silence_s: float
    ) -> AsyncIterator[port.Event]:
        """Follow a resource, as `Api.watch`."""
        return self._api.watch(path, query=query, silence_s=silence_s)

    async def pause(self, seconds: float) -> None:
        """Wait so long, or less if the server answers again or the name becomes ours."""
        if self._node.granted:
            await self._pause(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                with self._node.changes.subscribed() as changes:
                    while not self._node.granted:
                        await changes.next()
        except TimeoutError:
            return
