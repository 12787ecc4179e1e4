"""Who follows which resource, and what each has not read yet.

A writer never waits for a reader: it drops a reference to the change in each follower's buffer,
and a follower whose buffer is full is ended. A follower of something that does not change costs
its own few hundred bytes and no work at all: how far it has come is worked out when it is asked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from staticlet.apiserver.store.port import Change, Overrun


@dataclass(frozen=True, slots=True, kw_only=True)
class Buffering:
    """How far a follower may fall behind what happens while it follows.

    Attributes:
        changes: At most so many changes.
        size: At most so many bytes of their objects.
    """

    changes: int = 4096
    size: int = 16 << 20


class Following:
    """One follower's changes, in order; made by `Followers`.

    Args:
        missed: What happened before it came; not counted against its buffer.
        buffering: How much it may leave unread beside that.
        newest: Says the newest revision of the store.
    """

    __slots__ = (
        "_changes_left",
        "_closed",
        "_newest",
        "_overrun",
        "_size_left",
        "_timer",
        "_waiting",
        "_waker",
    )

    def __init__(
        self, missed: Sequence[Change], buffering: Buffering, newest: Callable[[], int]
    ) -> None:
        self._waiting = deque(missed)
        self._changes_left = buffering.changes
        self._size_left = buffering.size
        self._newest = newest
        self._waker: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._overrun = False
        if missed:
            self._changes_left += len(missed)
            self._size_left += sum(len(change.record.encoded) for change in missed)

    @property
    def revision(self) -> int:
        """Everything up to this revision of the whole store was handed out."""
        return self._waiting[0].revision - 1 if self._waiting else self._newest()

    def __aiter__(self) -> AsyncIterator[Change]:
        """The changes one by one."""
        return self

    async def __anext__(self) -> Change:
        """The next change.

        It may be cancelled at any time: nothing is lost by it.

        Raises:
            Overrun: Too many were left unread.
            StopAsyncIteration: The store was closed.
        """
        if not await self._some():
            raise StopAsyncIteration
        return self._taken()

    async def batch(self, *, until: float | None = None) -> Sequence[Change]:
        """All changes that are there, at least one; none when the store was closed, or time is up.

        It may be cancelled at any time: nothing is lost by it.

        Args:
            until: The time of the loop's clock at which it is. It costs least when it is the same
                again and again.

        Raises:
            Overrun: Too many were left unread.
        """
        await self._some(until)
        return [self._taken() for _ in range(len(self._waiting))]

    @property
    def ended(self) -> bool:
        """Whether the store was closed and everything was handed out."""
        return self._closed and not self._waiting

    def offer(self, change: Change) -> None:
        """Hand the follower a change; never waits."""
        if self._overrun:
            return
        self._changes_left -= 1
        self._size_left -= len(change.record.encoded)
        if self._changes_left < 0 or self._size_left < 0:
            self._overrun = True
            self._waiting = deque()
        else:
            self._waiting.append(change)
        self._wake()

    def close(self) -> None:
        """Let the follower read what there is, and then end."""
        self._closed = True
        self._wake()

    def leave(self) -> None:
        """Leave nothing behind: the follower reads no more."""
        if self._timer is not None:
            self._timer.cancel()

    async def _some(self, until: float | None = None) -> bool:
        while not self._waiting:
            if self._overrun:
                raise Overrun("too many changes were left unread")
            if self._closed:
                return False
            loop = asyncio.get_running_loop()
            if until is not None:
                if loop.time() >= until:
                    return False
                self._wake_at(until, loop)
            self._waker = loop.create_future()
            try:
                await self._waker
            finally:
                self._waker = None
        return True

    def _wake_at(self, when: float, loop: asyncio.AbstractEventLoop) -> None:
        # One timer does for all changes that come before its time: setting one for each would be
        # half of what a watcher costs.
        if self._timer is not None:
            if not self._timer.cancelled() and loop.time() < self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self._wake)

    def _taken(self) -> Change:
        change = self._waiting.popleft()
        self._changes_left += 1
        self._size_left += len(change.record.encoded)
        return change

    def _wake(self) -> None:
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)


class Followers:
    """All followers, by what they follow.

    Args:
        newest: Says the newest revision of the store.
        buffering: How far each may fall behind.
    """

    def __init__(self, newest: Callable[[], int], buffering: Buffering) -> None:
        self._newest = newest
        self._buffering = buffering
        self._of: dict[tuple[str, str], set[Following]] = {}
        self._closed = False

    def publish(self, change: Change) -> None:
        """Hand a change to all who follow its resource or its namespace of it."""
        key = change.record.key
        self._offer(change, (key.resource, ""))
        if key.namespace:
            self._offer(change, (key.resource, key.namespace))

    @contextmanager
    def joined(
        self, resource: str, namespace: str, missed: Sequence[Change]
    ) -> Iterator[Following]:
        """A follower until the end of the block, which begins with what it missed."""
        made = Following(missed, self._buffering, self._newest)
        if self._closed:
            made.close()
        place = (resource, namespace)
        self._of.setdefault(place, set()).add(made)
        try:
            yield made
        finally:
            made.leave()
            others = self._of[place]
            others.discard(made)
            if not others:
                del self._of[place]

    def close(self) -> None:
        """Tell all followers, and those to come, that nothing more follows."""
        self._closed = True
        for followers in self._of.values():
            for one in followers:
                one.close()

    def _offer(self, change: Change, place: tuple[str, str]) -> None:
        for one in self._of.get(place, ()):
            one.offer(change)
