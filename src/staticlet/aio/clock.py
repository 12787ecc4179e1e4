"""Time as something that is handed in: the one module that reads the machine's clocks.

Whoever waits, waits by the clock that never jumps. The date is for people; where a date is kept
that something waits for, `Jumps` tells when it is to be moved.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one for dates that people read, one that never jumps, for durations."""

    def now(self) -> datetime:
        """The date and time, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes backwards."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """The date and time, in UTC."""
        return datetime.now(UTC)  # noqa: TID251  the one place that reads the clock

    def monotonic(self) -> float:
        """Seconds since boot, not counting suspension."""
        return time.monotonic()


JUMP = timedelta(seconds=1)
"""A date that is set by less than this has not jumped: nobody would notice."""


class Jumps:
    """Notices when the date jumps: it was set, or the machine slept.

    Args:
        clock: The time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = self._beginning()

    def since(self) -> timedelta:
        """By how much the date has jumped since this was asked last; nothing if it has not."""
        began = self._beginning()
        jumped = began - self._began
        if abs(jumped) < JUMP:
            return timedelta()
        self._began = began
        return jumped

    def _beginning(self) -> datetime:
        """The date at which the clock that never jumps began, by the present date."""
        return self._clock.now() - timedelta(seconds=self._clock.monotonic())
