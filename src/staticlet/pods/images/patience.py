"""Calls that outlive the runtime's absence: tried again when it is back, counted as no failure."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from staticlet.runtime import port

T = TypeVar("T")

CHECK_S = 30.0
"""How long to wait for `runtime_back` before trying anyway: a lost call costs latency only."""


class Patience:
    """Waits for the runtime on behalf of any number of calls."""

    def __init__(self) -> None:
        self._returns = 0
        self._returned = asyncio.Event()

    def runtime_back(self) -> None:
        """The runtime answers again: all that wait try again."""
        self._returns += 1
        self._returned.set()
        self._returned = asyncio.Event()

    async def persist(
        self, call: Callable[[], Awaitable[T]], away: Callable[[port.Unavailable], None]
    ) -> T:
        """Make a call until the runtime is there to answer it; faults of other kinds pass.

        Args:
            call: Makes one try.
            away: Told each time that a try found nobody.
        """
        while True:
            returns, returned = self._returns, self._returned
            try:
                return await call()
            except port.Unavailable as fault:
                away(fault)
            if returns == self._returns:  # else it came back while the call was failing
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHECK_S):
                        await returned.wait()
