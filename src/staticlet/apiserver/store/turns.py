"""Writes of one object, one after the other."""

from __future__ import annotations

import asyncio

from staticlet.apiserver.store.port import Key


class Turns:
    """One at a time for each key; first come, first served."""

    def __init__(self) -> None:
        self._waiting: dict[Key, list[asyncio.Future[None]]] = {}

    async def take(self, key: Key) -> None:
        """Return when it is the caller's turn."""
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = []
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give_back(key)  # it was given in the very moment
            raise

    def give_back(self, key: Key) -> None:
        """Let the next one have its turn."""
        waiting = self._waiting[key]
        while waiting:
            turn = waiting.pop(0)
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]
