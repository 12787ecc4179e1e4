"""Sends what happened to the API server: in order, counted up, and never faster than allowed.

What is to be sent follows from what the agent remembers and from what was sent before, so nothing
is queued: while the server is away events are kept where they always are, bounded, and the newest
of them are sent when it is back. Rates follow client-go's recorder: `eventRecordQPS` and
`eventBurst` for all, and for each object 25 at once and then one in five minutes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.client import backoff, port
from staticlet.node import eventobject, view
from staticlet.pods import events

log = logging.getLogger(__name__)

OBJECT_BURST = 25
OBJECT_REFILL_S = 300.0
MOST_AWAY_S = 30.0


@dataclass(slots=True)
class Allowance:
    """So many at once, and one more each so many seconds (a token bucket).

    Attributes:
        burst: How many at once.
        refill_s: Seconds for one more; 0 for no limit.
        left: How many there are now.
        at: When that was counted.
    """

    burst: float
    refill_s: float
    left: float
    at: float

    def wait_s(self, now: float) -> float:
        """Seconds until there is one; 0 when there is."""
        self._refill(now)
        return 0.0 if self.left >= 1 else (1 - self.left) * self.refill_s

    def take(self, now: float) -> None:
        """Use one."""
        self._refill(now)
        self.left -= 1

    def _refill(self, now: float) -> None:
        gained = (now - self.at) / self.refill_s if self.refill_s else self.burst
        self.left, self.at = min(self.burst, self.left + gained), now


class EventSender:
    """Sends one agent's events.

    Args:
        api: The API server.
        agent: What happened.
        news: Tells that something has.
        clock: The time.
        random: A number from 0 to 1 at each call, for pauses.
        pause: Waits so many seconds, or less if a server that was away answers again.
        qps: So many a second; 0 for no limit.
        burst: So many at once.
    """

    def __init__(
        self,
        api: port.Api,
        agent: view.Agent,
        news: fanout.Fanout[str],
        clock: clocks.Clock,
        *,
        random: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
        qps: float = 50,
        burst: int = 100,
    ) -> None:
        self._api = api
        self._agent = agent
        self._news = news
        self._clock = clock
        self._pause = pause
        self._away = backoff.Backoff(random, most_s=MOST_AWAY_S)
        self._all = Allowance(burst, 1 / qps if qps else 0.0, burst, clock.monotonic())
        self._each: dict[events.Object, Allowance] = {}
        self._sent: dict[str, int] = {}

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            with self._news.subscribed() as news:
                try:
                    while True:
                        await self._send_all()
                        if not await news.next():
                            return
                except fanout.Dropped:
                    continue

    async def _send_all(self) -> None:
        """Send everything that is new, the oldest first, for as long as it takes."""
        while True:
            due = self._due()
            for event in due:
                await self._in_time(event)
            if not due:
                return

    def _due(self) -> list[events.Event]:
        """What is to be sent now: objects that told too much are passed over."""
        happened = self._agent.happened()
        names = {eventobject.name_of(event): event for event in happened}
        self._sent = {name: count for name, count in self._sent.items() if name in names}
        kept = {event.subject.object for event in happened}
        self._each = {about: one for about, one in self._each.items() if about in kept}
        now = self._clock.monotonic()
        return [
            event
            for name, event in names.items()
            if self._sent.get(name) != event.count and self._of(event).wait_s(now) == 0
        ]

    def _of(self, event: events.Event) -> Allowance:
        about = event.subject.object
        if about not in self._each:
            now = self._clock.monotonic()
            self._each[about] = Allowance(OBJECT_BURST, OBJECT_REFILL_S, OBJECT_BURST, now)
        return self._each[about]

    async def _in_time(self, event: events.Event) -> None:
        """Send one event; while the server is away, try until it is back."""
        if self._of(event).wait_s(self._clock.monotonic()):
            return
        wait_s = self._all.wait_s(self._clock.monotonic())
        if wait_s:
            await asyncio.sleep(wait_s)
        while True:
            try:
                await self._send(event)
            except port.Unreachable as fault:
                log.debug("event %s: %s", event.reason, fault)
                await self._pause(self._away.next())
            except port.Refused as fault:
                if fault.passing:
                    await self._pause(self._away.next(fault.retry_after_s))
                    continue
                log.debug("event %s: %s", event.reason, fault)  # its namespace is not there, say
                break
            else:
                self._away.reset()
                break
        now = self._clock.monotonic()
        self._all.take(now)
        self._of(event).take(now)
        self._sent[eventobject.name_of(event)] = event.count

    async def _send(self, event: events.Event) -> None:
        path = f"/api/v1/namespaces/{eventobject.namespace_of(event)}/events"
        name = eventobject.name_of(event)
        if name in self._sent:
            try:
                await self._api.ask(
                    "PATCH",
                    f"{path}/{name}",
                    eventobject.counted(event),
                    media=port.STRATEGIC_PATCH,
                )
            except port.Refused as fault:
                if fault.code != 404:  # it has lived its hour
                    raise
            else:
                return
        try:
            await self._api.ask("POST", path, eventobject.made(event))
        except port.Refused as fault:
            if fault.code != 409:  # an answer was lost
                raise
