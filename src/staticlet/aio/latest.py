"""A mailbox with one slot: the newest value wins, edits coalesce."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Holds the newest value; a reader waits for a value it has not seen.

    One writer (or several that each put whole values), one reader. A value that is replaced
    before it was read is never seen: readers act on state, not on steps.
    """

    def __init__(self, value: T) -> None:
        self.value = value
        self._changed = asyncio.Event()

    def put(self, value: T) -> None:
        """Replace the value and wake the reader."""
        self.value = value
        self._changed.set()

    def touch(self) -> None:
        """Wake the reader without a new value."""
        self._changed.set()

    @property
    def fresh(self) -> bool:
        """Whether there was a put or touch since the last `take` or `changed`."""
        return self._changed.is_set()

    def take(self) -> T:
        """The value, marked as seen."""
        self._changed.clear()
        return self.value

    async def changed(self) -> T:
        """Wait for a put or touch that was not seen yet; the value, marked as seen."""
        await self._changed.wait()
        return self.take()
