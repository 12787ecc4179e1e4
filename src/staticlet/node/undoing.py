"""When edits by others are undone: at once at first, and ever more slowly where they go on.

Somebody who edits a mirror pod is put right before he wonders; a program that does so all the time
is not to keep the API server busy.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from staticlet.aio import clock as clocks
from staticlet.client import backoff

Key = TypeVar("Key", bound=Hashable)

QUIET_S = 600.0
"""After so long without an edit, the next one is undone at once again."""

BASE_S = 1.0
"""The first pause's full length, after the first edit was undone."""


class Undoing(Generic[Key]):
    """The pauses between edits that are undone, for each key.

    Args:
        clock: The time.
        random: A number from 0 to 1 at each call, for pauses.
    """

    def __init__(self, clock: clocks.Clock, random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random
        self._edits: dict[Key, tuple[backoff.Backoff, float]] = {}

    def left_s(self, key: Key) -> float:
        """How many seconds an edit is left as it is; 0 when it is to be undone now."""
        _, until = self._edits.get(key, (None, 0.0))
        return max(until - self._clock.monotonic(), 0.0)

    def undone(self, key: Key) -> None:
        """An edit is being undone now."""
        now = self._clock.monotonic()
        pauses, until = self._edits.get(key, (None, 0.0))
        if pauses is None or now - until > QUIET_S:
            pauses = backoff.Backoff(self._random, base_s=BASE_S)
        self._edits[key] = pauses, now + pauses.next()

    def forget(self, key: Key) -> None:
        """There is nothing of that name any more."""
        self._edits.pop(key, None)
