"""The grace of a pod that is being stopped: it may be shortened meanwhile, never lengthened.

As in the kubelet, a second deletion with less grace counts from the moment at which it is heard
of: the stop that is under way is given up and begun anew with what is left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from staticlet.aio import clock as clocks
from staticlet.pods import observed as obs

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Stop:
    """A stop that is under way.

    Attributes:
        uid: Whose.
        until: When its grace is over (monotonic).
        grace_s: What is left of it when it is begun anew.
        limit: Gives it up.
    """

    uid: str
    until: float
    grace_s: int
    limit: asyncio.Timeout | None = None


class Stopping:
    """Stops sandboxes, one at a time.

    Args:
        clock: The time.
        grace_of: The grace in seconds with which a UID is deleted; None where it is not.
    """

    def __init__(self, clock: clocks.Clock, grace_of: Callable[[str], int | None]) -> None:
        self._clock = clock
        self._grace_of = grace_of
        self._stop: _Stop | None = None

    async def within(
        self,
        uid: str,
        grace_s: int,
        stop: Callable[[int], Awaitable[obs.ObservedSandbox]],
    ) -> obs.ObservedSandbox:
        """Stop with a grace, or with less should that be asked for meanwhile.

        Args:
            uid: Whose sandbox it is.
            grace_s: The grace to begin with, in seconds.
            stop: Stops with so much grace; may be given up and called again.
        """
        one = _Stop(uid=uid, until=self._clock.monotonic() + grace_s, grace_s=grace_s)
        while True:
            try:
                async with asyncio.timeout(None) as one.limit:
                    self._stop = one
                    self.hurry()  # it may have been shortened since the stop was planned
                    return await stop(one.grace_s)
            except TimeoutError:
                if one.limit is None or not one.limit.expired():
                    raise
            finally:
                self._stop = None
            log.info("%s: stopping with less grace: %d s", uid, one.grace_s)

    def hurry(self) -> None:
        """Look whether less grace is asked for."""
        one = self._stop
        asked = self._grace_of(one.uid) if one is not None else None
        if one is None or one.limit is None or asked is None or one.limit.expired():
            return
        now = self._clock.monotonic()
        if now + asked < one.until:
            one.until, one.grace_s = now + asked, asked
            one.limit.reschedule(asyncio.get_running_loop().time())
