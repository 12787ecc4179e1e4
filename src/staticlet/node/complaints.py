"""What is wrong with many things, told of each once, and only where it lasts.

An agent that starts together with its API server is often quicker than it: a priority class or a
role is not there yet. What has mended itself after a few seconds is nobody's concern.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from staticlet.aio import clock as clocks

log = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)

PATIENCE_S = 3.0
"""For so long something must have been wrong before it is told."""


@dataclass(slots=True)
class _Complaint:
    """What is wrong with one thing.

    Attributes:
        since: Since when (monotonic).
        told: The words that were told last; empty while none were.
    """

    since: float
    told: str = ""


class Complaints(Generic[Key]):
    """What is wrong with things of one kind.

    Args:
        clock: The time.
        tell: Takes the key and the words of what is to be told.
    """

    def __init__(self, clock: clocks.Clock, tell: Callable[[Key, str], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._complaints: dict[Key, _Complaint] = {}

    def wrong(self, key: Key, words: str) -> float:
        """Something is wrong now; it is told unless it just began, or was told in these words.

        Returns:
            Seconds after which it will be told if it is still wrong then; 0 once it was told.
        """
        now = self._clock.monotonic()
        found = self._complaints.setdefault(key, _Complaint(since=now))
        left_s = found.since + PATIENCE_S - now
        if left_s > 0:
            log.debug("%s: %s", key, words)
            return left_s
        if found.told != words:
            found.told = words
            self._tell(key, words)
        return 0.0

    def lasting(self) -> Iterator[tuple[Key, str]]:
        """What was told and is still wrong."""
        for key, one in self._complaints.items():
            if one.told:
                yield key, one.told

    def right(self, key: Key) -> None:
        """Nothing is wrong with it any more, or it is gone."""
        self._complaints.pop(key, None)
