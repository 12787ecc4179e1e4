"""So many at a time, where "so many" may change while some wait."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """A semaphore whose size can be changed; first come, first served.

    Args:
        most: How many may have a turn at once; 0 is no bound.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def resize(self, most: int) -> None:
        """Let so many have a turn at once from now on; those that have one keep it."""
        self._most = most
        self._give()

    async def __aenter__(self) -> None:
        if not self._waiting and self._free():
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._return()  # it was given in the very moment
            else:
                self._waiting.remove(turn)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._return()

    def _free(self) -> bool:
        return not self._most or self._taken < self._most

    def _return(self) -> None:
        self._taken -= 1
        self._give()

    def _give(self) -> None:
        while self._waiting and self._free():
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
