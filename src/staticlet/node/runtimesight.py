"""How the container runtime is, as the Node tells of it: looked at all the time, judged calmly.

As the kubelet's: every five seconds; a runtime that has not answered for half a minute is down, so
that one which is restarted makes no node not ready. At first it is looked at ten times a second,
because nothing is ready before it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from staticlet.aio import clock as clocks
from staticlet.runtime import port

log = logging.getLogger(__name__)

EVERY_S = 5.0
EAGER_EVERY_S = 0.1
EAGER_S = 120.0
"""How long it is looked at so often, as long as it is not ready."""

DOWN_S = 30.0
FIRST_ANSWER_S = 5.0
ANSWER_S = 20.0
"""How long one look may take."""

NOT_SEEN = "container runtime status check may not have completed yet"
DOWN = "container runtime is down"
RUNTIME = "RuntimeReady"
NETWORK = "NetworkReady"


class RuntimeSight:
    """Looks at a runtime.

    Args:
        runtime: The runtime.
        clock: The time.
        changed: Called when `troubles` or `version` has changed.

    Attributes:
        version: Who it says that it is; None while it has never answered.
    """

    def __init__(
        self, runtime: port.Runtime, clock: clocks.Clock, changed: Callable[[], None]
    ) -> None:
        self.version: port.RuntimeVersion | None = None
        self._asked: port.RuntimeVersion | None = None
        self._runtime = runtime
        self._clock = clock
        self._changed = changed
        self._answered_s: float | None = None
        self._said: tuple[str, ...] = ()
        self._first = asyncio.Event()

    async def seen(self) -> None:
        """Wait for the first answer, but not for long.

        A node that is ready does not become unready by a new start of the agent.
        """
        try:
            async with asyncio.timeout(FIRST_ANSWER_S):
                await self._first.wait()
        except TimeoutError:
            self._first.set()

    def troubles(self) -> tuple[str, ...]:
        """Why nothing can run, in the kubelet's words; none when all can."""
        if self._answered_s is None:
            return (NOT_SEEN,)
        if self._clock.monotonic() - self._answered_s >= DOWN_S:
            return (DOWN,)
        return self._said

    async def run(self) -> None:
        """Look until cancelled."""
        began_s = self._clock.monotonic()
        eager = True
        while True:
            before = (self.troubles(), self.version)
            await self._look()
            troubles = self.troubles()
            if before != (troubles, self.version):
                self._changed()
            eager = eager and bool(troubles) and self._clock.monotonic() - began_s < EAGER_S
            await asyncio.sleep(EAGER_EVERY_S if eager else EVERY_S)

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                version = self._asked or await self._runtime.version()
                conditions = await self._runtime.conditions()
        except (port.RuntimeFault, TimeoutError) as fault:
            log.debug("the runtime does not say how it is: %s", fault)
            self._asked = None  # it may come back as another one
            return
        self.version = self._asked = version
        self._answered_s = self._clock.monotonic()
        self._said = tuple(complaints(conditions))
        self._first.set()


def complaints(conditions: Sequence[port.RuntimeCondition]) -> list[str]:
    """What a runtime's conditions say against the node; both must be there, and true."""
    known = {one.type: one for one in conditions}
    out = []
    for kind, words in (
        (RUNTIME, "container runtime not ready"),
        (NETWORK, "container runtime network not ready"),
    ):
        one = known.get(kind)
        if one is None:
            out.append(f"{words}: {kind} is not reported")
        elif not one.status:
            said = f"{kind}=false reason:{one.reason} message:{one.message}"
            out.append(f"{words}: {said}")
    return out
