"""Time as something that is handed in: the one module that reads the machine's clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
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
