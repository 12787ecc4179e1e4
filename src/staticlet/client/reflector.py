"""A collection of an API server as it is now, kept up by list and watch.

Readers act on state, not on events: they look at `objects` whenever `changes` tells of a key, and
whenever else they like. After a server was away, what vanished meanwhile is told like any change.

A stream that breaks is resumed from the last version seen. When that fails too, the collection is
listed anew, whatever the reason: a server that came back with an older or another store would
otherwise never tell what it lacks. What was listed stays while the server is away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.client import backoff, listing, port, saying

log = logging.getLogger(__name__)

Key = listing.Key

SILENCE_S = 150.0
"""Servers send a bookmark a minute; two that fail to come are a stream that stalls.

Not all servers, and not always: kube-apiserver 1.20 sends none of a resource that has not changed
since it started. So a silent stream is just begun anew where it was, and nothing said of it. Peers
that vanish are noticed sooner, by the kernel's probes; and so is a stream that does not bring what
we have written ourselves.
"""

ECHO_S = 10.0
"""So soon a stream has to bring what was written, as long as a request may take."""

SETTLED_S = 15.0
"""A stream that lasted so long was one: longer than a request may take."""

STREAM_S = 300.0
"""Streams end after one to two times this, as client-go has it, so that none lasts for ever."""

MOST_AWAY_S = 3.0
"""The longest pause while nothing answers, or streams are cut: so soon it is seen that the server
is back."""

MOST_PAUSE_S = 30.0
"""The longest pause while the server refuses, or ends each stream at once."""


class Reflector:
    """Keeps up with one collection.

    Args:
        api: The server.
        path: The collection: `/api/v1/pods`.
        query: Selectors: `{"fieldSelector": "spec.nodeName=node1"}`.
        clock: The time.
        random: A number from 0 (included) to 1 (excluded) at each call.
        changed: Called with the key of each object that was added, changed or removed.
        pause: Waits; `Connection.pause` also ends when the server is back.
        silence_s: After so long without event or bookmark, a stream is taken for dead.

    Attributes:
        changes: Publishes the same keys.
        synced_once: Set once the collection was listed.
        objects: What there is, as far as known; to be read only.
        listings: How often all was listed. Versions of before and after another listing are not
            to be compared: the server may have come back with an older store.
    """

    def __init__(
        self,
        api: port.Api,
        path: str,
        *,
        clock: clocks.Clock,
        random: Callable[[], float],
        query: Mapping[str, str] | None = None,
        changed: Callable[[Key], None] | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.changes = fanout.Fanout[Key]()
        self.listings = 0
        self.synced_once = asyncio.Event()
        self._api = api
        self._path = path
        self._query = dict(query or {})
        self._clock = clock
        self._random = random
        self._changed = changed
        self._pause = pause
        self._silence_s = silence_s
        self._objects: dict[Key, port.Object] = {}
        self.objects: Mapping[Key, port.Object] = MappingProxyType(self._objects)
        self._version = ""
        self._synced = False
        self._settled = False
        self._expected = 0
        self._echo: asyncio.Timeout | None = None
        self._away = backoff.Backoff(random, most_s=MOST_AWAY_S)
        self._refused = backoff.Backoff(random, most_s=MOST_PAUSE_S)
        self._unsettled = backoff.Backoff(random, most_s=MOST_PAUSE_S)
        self._cut = backoff.Backoff(random, most_s=MOST_AWAY_S)
        self._saying = saying.Saying(log, f"following {path}", clock)

    @property
    def synced(self) -> bool:
        """Whether `objects` is what the server says, or was a moment ago."""
        return self._synced

    @property
    def revision(self) -> int:
        """The version up to which `objects` shows everything; 0 while it is listed anew.

        Versions are numbers with every server that there is; one that has others shows 0.
        """
        return int(self._version) if self._version.isdecimal() else 0

    def expect(self, version: int) -> None:
        """A write of ours to this collection made this version: a stream that lives will bring it.

        One that does not is begun anew, long before its silence would tell.
        """
        self._expected = max(self._expected, version)
        self._await_echo()

    async def run(self) -> None:
        """Keep up until cancelled."""
        while True:
            pause_s = await self._list() if not self._version else await self._follow()
            if pause_s:
                await self._pause(pause_s)

    async def _list(self) -> float:
        """Take the whole collection; how long to wait before going on."""
        try:
            listed = await listing.whole(self._api, self._path, self._query)
        except port.ApiFault as fault:
            return self._failed(fault, self._away)
        self._away.reset()
        self._version = listed.version or "0"
        self._expected = 0
        self.listings += 1
        self._replace(listed.objects)
        self._synced = True
        self.synced_once.set()
        return 0.0

    async def _follow(self) -> float:
        """Take events until the stream ends, in whatever way; how long to wait then."""
        self._settled = False
        began = self._clock.monotonic()
        fault: port.ApiFault | None = None
        try:
            await self._take_events()
        except port.ApiFault as raised:
            fault = raised
        if self._clock.monotonic() - began >= SETTLED_S:
            self._settle()
        if isinstance(fault, port.Refused) and fault.code == HTTPStatus.GONE:
            self._version = ""
            fault = None
        if fault is None:
            log.debug("following %s: the stream ended", self._path)
            return 0.0 if self._settled else self._unsettled.next()
        if self._settled:
            log.debug("following %s: %s", self._path, fault)
            return self._cut.next()
        self._version = ""
        return self._failed(fault, self._cut)

    async def _take_events(self) -> None:
        seconds = int(STREAM_S * (1 + self._random()))
        query = self._query | {"resourceVersion": self._version, "timeoutSeconds": str(seconds)}
        stream = self._api.watch(self._path, query=query, silence_s=self._silence_s)
        try:
            async with asyncio.timeout(None) as self._echo:
                self._await_echo()
                async for event in stream:
                    self._take(event)
                    self._settle()
                    if self.revision >= self._expected:
                        self._echo.reschedule(None)
        except TimeoutError as fault:
            self._expected = 0
            words = f"{self._api.server}: a watch does not bring what was written"
            raise port.Unreachable(words) from fault
        finally:
            self._echo = None
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    def _await_echo(self) -> None:
        """Have the stream end if it does not bring in time what is expected of it."""
        late = self._expected > self.revision
        if late and self._echo is not None and self._echo.when() is None:
            self._echo.reschedule(asyncio.get_running_loop().time() + ECHO_S)

    def _take(self, event: port.Event) -> None:
        thing = event.object
        if event.type != "BOOKMARK":
            key = listing.key_of(thing)
            if key is None:
                raise port.Unreachable(f"{self._api.server}: sends an event about nothing")
            if event.type == "DELETED":
                gone = self._objects.pop(key, None)
                if gone is not None:
                    self._tell(key)
            else:
                self._put(key, listing.kept(thing))
        self._version = listing.version_of(thing) or self._version

    def _replace(self, objects: Mapping[Key, port.Object]) -> None:
        for key in [key for key in self._objects if key not in objects]:
            del self._objects[key]
            self._tell(key)
        for key, thing in objects.items():
            self._put(key, thing)

    def _put(self, key: Key, thing: port.Object) -> None:
        before = self._objects.get(key)
        self._objects[key] = thing
        if before is None or _identity(before) != _identity(thing):
            self._tell(key)

    def _tell(self, key: Key) -> None:
        self.changes.publish(key)
        if self._changed is not None:
            self._changed(key)

    def _settle(self) -> None:
        """The stream is one that lasts."""
        self._settled = True
        self._refused.reset()
        self._unsettled.reset()
        self._cut.reset()
        self._saying.back()

    def _failed(self, fault: port.ApiFault, otherwise: backoff.Backoff) -> float:
        """Note a fault; how long to wait. That nothing answers is the connection's to say."""
        self._synced = False
        if not isinstance(fault, port.Refused):
            log.debug("following %s: %s", self._path, fault)
            return otherwise.next()
        if fault.code != HTTPStatus.UNAUTHORIZED:
            self._saying.lost(str(fault))
        return self._refused.next(fault.retry_after_s)


def _identity(thing: port.Object) -> tuple[Any, Any]:
    """What differs between two objects, or two states of one."""
    return thing["metadata"].get("uid"), thing["metadata"].get("resourceVersion")
