"""Looks after many things at once, each by one task that ends when nothing is left to do.

Whoever follows what changes says `look`; what is to be done about one thing then is decided by the
work, from how things are and not from what was said. What fails is tried again, after a pause that
grows; what the API server lacks is looked for at least every five seconds, as no watch tells when
it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from http import HTTPStatus
from typing import Generic, TypeVar

from staticlet.client import backoff, port

log = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)

AT_ONCE = 4
"""How many things are worked on at a time; what waits for its time or its pause does not count."""

MOST_DOUBT_S = 3.0
"""How long at most until a server that is not believed yet is asked again."""

MOST_ABSENT_S = 5.0
"""How long at most until what was answered with 404 (a namespace, say) is asked for again."""

RESYNC_S = 60.0
"""How often everything is looked at, in case that nobody was told of a change."""

LEAST_S = 0.01
"""So long is waited at least for a time that is named: a timer may come a little early."""


class Doubt(port.Unreachable):
    """The server answered, and is not believed yet: to be asked again soon, or after news."""


class Tending(Generic[Key]):
    """One task a key, at one thing after the other.

    Args:
        what: What is looked after, for the names of the tasks: `mirror`.
        work: Does about a key what is to be done now. It answers with the seconds after which the
            key is to be looked at again without news, too; with None if news are enough. It may
            raise `port.ApiFault`, and is called again after a pause then.
        refused: Told of each refusal by the API server.
        random: A number from 0 to 1 at each call, for pauses.
        pause: Waits so many seconds, or less if a server that was away answers again.
    """

    def __init__(
        self,
        what: str,
        work: Callable[[Key], Awaitable[float | None]],
        *,
        refused: Callable[[Key, port.Refused], None],
        random: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._what = what
        self._work = work
        self._refused = refused
        self._random = random
        self._pause = pause
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._group: asyncio.TaskGroup | None = None
        self._news: dict[Key, asyncio.Event] = {}

    @contextlib.asynccontextmanager
    async def begun(self) -> AsyncIterator[asyncio.TaskGroup]:
        """Work inside this block, in a group that other tasks may join."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                yield group
        finally:
            self._group = None
            self._news.clear()  # a task that was cancelled before its first step has not done so

    def look(self, key: Key) -> None:
        """Something about it may have changed: do what is to be done, once more if need be."""
        if key in self._news:
            self._news[key].set()
        elif self._group is not None:
            self._news[key] = asyncio.Event()
            self._group.create_task(self._tend(key), name=f"{self._what} {key}")

    async def resync(self, look_at_all: Callable[[], None]) -> None:
        """Have everything looked at now and then; for ever."""
        while True:
            await asyncio.sleep(RESYNC_S)
            look_at_all()

    async def _tend(self, key: Key) -> None:
        """Work until there is nothing to do about it and nothing new of it."""
        news, pauses = self._news[key], _Pauses(self._random)
        try:
            while True:
                news.clear()
                try:
                    async with self._slots:
                        again_s = await self._work(key)
                except Doubt as fault:
                    log.debug("%s %s: %s", self._what, key, fault)
                    await _heard(news, pauses.after(fault))
                    continue
                except port.ApiFault as fault:
                    self._tell(key, fault)
                    await self._pause(pauses.after(fault))
                    continue
                pauses.reset()
                if again_s is not None:
                    await _heard(news, max(again_s, LEAST_S))
                elif not news.is_set():
                    return
        finally:
            del self._news[key]

    def _tell(self, key: Key, fault: port.ApiFault) -> None:
        if isinstance(fault, port.Refused):
            self._refused(key, fault)
        else:
            log.debug("%s %s: %s", self._what, key, fault)


class _Pauses:
    """How long to wait after faults, which grows for each kind of them.

    How long nobody answered counts no more once somebody does.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._away = backoff.Backoff(random)
        self._refused = backoff.Backoff(random)
        self._doubted = backoff.Backoff(random, most_s=MOST_DOUBT_S)

    def reset(self) -> None:
        """It worked."""
        for one in (self._away, self._refused, self._doubted):
            one.reset()

    def after(self, fault: port.ApiFault) -> float:
        """The seconds to wait after one more."""
        if isinstance(fault, Doubt):
            self._away.reset()
            return self._doubted.next()
        if isinstance(fault, port.Refused):
            self._away.reset()
            pause_s = self._refused.next(fault.retry_after_s)
            return min(pause_s, MOST_ABSENT_S) if fault.code == HTTPStatus.NOT_FOUND else pause_s
        return self._away.next()


async def _heard(news: asyncio.Event, within_s: float) -> None:
    """Wait for news, but not longer than so."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await news.wait()
