"""One writer's news to any number of subscribers, each at its own pace.

News are names of what changed, not the change itself: a subscriber that is slow finds each name
once, however often it changed meanwhile, and looks at the newest state. So what waits for a
subscriber is bounded by what there is; one that falls so far behind that even its bound does not
do is dropped. While nobody subscribes, publishing costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

LIMIT = 10_000


class Dropped(Exception):
    """The subscriber fell too far behind: it must begin anew."""


class Subscription(Generic[T]):
    """What one subscriber has not taken yet."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: dict[T, None] = {}
        self._awake = asyncio.Event()
        self._closed = False
        self._dropped = False

    async def next(self) -> tuple[T, ...]:
        """All news since the last call, each once, oldest first; none when there will be no more.

        Raises:
            Dropped: More came than the subscription holds.
        """
        await self._awake.wait()
        if self._dropped:
            raise Dropped
        news = tuple(self._waiting)
        self._waiting.clear()
        if not self._closed:
            self._awake.clear()
        return news

    def _offer(self, news: T) -> None:
        if len(self._waiting) >= self._limit and news not in self._waiting:
            self._dropped = True
            self._waiting.clear()
        if not self._dropped:
            self._waiting[news] = None
        self._awake.set()

    def _close(self) -> None:
        self._closed = True
        self._awake.set()


class Fanout(Generic[T]):
    """Publishes news to all who subscribed."""

    def __init__(self, *, limit: int = LIMIT) -> None:
        self._limit = limit
        self._subscriptions: set[Subscription[T]] = set()
        self._closed = False

    def publish(self, news: T) -> None:
        """Tell every subscriber; never waits."""
        for one in self._subscriptions:
            one._offer(news)

    @contextmanager
    def subscribed(self) -> Iterator[Subscription[T]]:
        """A subscription to all that is published from now to the end of the block."""
        made = Subscription[T](self._limit)
        if self._closed:
            made._close()
        self._subscriptions.add(made)
        try:
            yield made
        finally:
            self._subscriptions.discard(made)

    def close(self) -> None:
        """Tell all subscribers, and those to come, that nothing more follows."""
        self._closed = True
        for one in self._subscriptions:
            one._close()
