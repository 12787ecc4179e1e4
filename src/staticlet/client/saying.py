"""The log says each thing once: that something is lost, that it still is, that it is back.

A state that flaps is not told each time: within a window only so many lines are written, and the
first after it says how things are then.
"""

from __future__ import annotations

import logging
from collections import deque

from staticlet.aio import clock as clocks

STILL_S = 300.0
"""How often it is said that something is still so."""

PATIENCE_S = 3.0
"""What has mended itself after so long need not be said: a server that is just starting, say."""

MOST_LINES = 6
"""How many lines are written about one subject within `STILL_S`."""


class Saying:
    """What the log says of one subject.

    Args:
        log: Where it is said.
        subject: What is spoken of: `API server`.
        clock: The time.
        patience_s: For so long it must have been lost before that is said.
    """

    def __init__(
        self,
        log: logging.Logger,
        subject: str,
        clock: clocks.Clock,
        *,
        patience_s: float = 0.0,
    ) -> None:
        self._log = log
        self._subject = subject
        self._clock = clock
        self._patience_s = patience_s
        self._since: float | None = None
        self._said = ""
        self._said_at = 0.0
        self._lines: deque[float] = deque(maxlen=MOST_LINES)

    @property
    def lost_since(self) -> float | None:
        """Since when (monotonic) it is lost; None when it is not."""
        return self._since

    def lost(self, why: str) -> None:
        """It does not work; the same words are repeated every `STILL_S` at most."""
        now = self._clock.monotonic()
        if self._since is None:
            self._since, self._said = now, ""
        begins = not self._said
        if begins and now - self._since < self._patience_s:
            self._log.debug("%s: %s", self._subject, why)
            return
        if why != self._said and self._may(now):
            words = "%s: %s" if begins else "%s: now %s"
            self._say(logging.WARNING, words, self._subject, why)
        elif now - self._said_at >= STILL_S:
            away = duration(now - self._since)
            self._say(logging.WARNING, "%s: still, after %s: %s", self._subject, away, why)
        else:
            return
        self._said, self._said_at = why, now

    def back(self) -> None:
        """It works; said once, and only if it was said to be lost."""
        if self._since is None:
            return
        away, self._since = self._clock.monotonic() - self._since, None
        if self._said:
            self._say(logging.INFO, "%s: works again after %s", self._subject, duration(away))

    def _may(self, now: float) -> bool:
        return len(self._lines) < MOST_LINES or now - self._lines[0] >= STILL_S

    def _say(self, level: int, words: str, *values: object) -> None:
        self._lines.append(self._clock.monotonic())
        self._log.log(level, words, *values)


def duration(seconds: float) -> str:
    """A time span for people: `0.3 s`, `42 s`, `5 min`, `3 h 20 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
