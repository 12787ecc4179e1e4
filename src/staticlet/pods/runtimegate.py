"""Whether the container runtime answers: found out once, for everybody.

A runtime that is absent, restarts or does not speak CRI is reported when that begins, once a
minute while it lasts, and when it is over. Whoever meets it waits here; nothing is lost, because
everybody looks at the runtime anew when it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from staticlet.aio import clock as clocks
from staticlet.runtime import port

log = logging.getLogger(__name__)

RETRY_S = (0.05, 0.1, 0.2, 0.5, 1.0)
REMIND_S = 60.0


class RuntimeGate:
    """Open while the runtime answers."""

    def __init__(
        self,
        runtime: port.Runtime,
        clock: clocks.Clock,
        *,
        endpoint: str,
        on_back: Callable[[], None] = lambda: None,
    ) -> None:
        self.version: port.RuntimeVersion | None = None
        self.fault: str = "not asked yet"
        self._runtime = runtime
        self._clock = clock
        self._endpoint = endpoint
        self._on_back = on_back
        self._open = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost.set()

    @property
    def up(self) -> bool:
        """Whether the runtime answered when it was asked last."""
        return self._open.is_set()

    def lost(self, fault: port.Unavailable) -> None:
        """Close the gate: somebody found that the runtime does not answer."""
        if self._open.is_set():
            log.warning("container runtime lost (%s): %s", self._endpoint, fault)
        self.fault = str(fault)
        self._open.clear()
        self._lost.set()

    async def wait(self) -> None:
        """Return when the runtime answers."""
        await self._open.wait()

    async def run(self) -> None:
        """Find the runtime whenever it is lost; runs until cancelled."""
        while True:
            await self._lost.wait()
            self._lost.clear()
            await self._find()
            self._open.set()
            self._on_back()

    async def _find(self) -> None:
        tries, told_at = 0, None
        while True:
            try:
                self.version = await self._runtime.version()
            except port.RuntimeFault as fault:
                self.fault = str(fault)
                now = self._clock.monotonic()
                if tries == 3 or (told_at is not None and now - told_at >= REMIND_S):
                    log.warning("waiting for a container runtime: %s", fault)
                    told_at = now
                await asyncio.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1
            else:
                found = self.version
                log.info("container runtime %s %s answers", found.name, found.version)
                self.fault = ""
                return
