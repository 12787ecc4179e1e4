"""How long to wait before trying again: longer each time, and never all at the same moment."""

from __future__ import annotations

from collections.abc import Callable

MOST_RETRY_AFTER_S = 60.0
"""However long a server asks to be left alone."""


class Backoff:
    """Pauses that double, each a random part of its full length ("full jitter").

    Args:
        random: A number from 0 (included) to 1 (excluded) at each call.
        base_s: The full length of the first pause.
        most_s: The full length that no pause exceeds.
        least_s: No pause is shorter, so that bad luck makes no storm.
    """

    def __init__(
        self,
        random: Callable[[], float],
        *,
        base_s: float = 0.5,
        most_s: float = 30.0,
        least_s: float = 0.1,
    ) -> None:
        self._random = random
        self._base_s = base_s
        self._most_s = most_s
        self._least_s = least_s
        self._full_s = base_s

    def next(self, retry_after_s: float | None = None) -> float:
        """Something failed: how many seconds to wait.

        Args:
            retry_after_s: What the server asks for, which is waited at least, within reason.
        """
        pause_s = max(self._random() * self._full_s, self._least_s)
        self._full_s = min(self._full_s * 2, self._most_s)
        if retry_after_s is None:
            return pause_s
        return min(max(retry_after_s, 0.0), MOST_RETRY_AFTER_S) + pause_s

    def reset(self) -> None:
        """It worked: the next failure begins at the shortest pause again."""
        self._full_s = self._base_s
