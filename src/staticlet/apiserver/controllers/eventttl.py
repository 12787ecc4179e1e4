"""Lets events go an hour after they happened last."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from staticlet.aio import clock
from staticlet.apiserver.controllers import hands
from staticlet.apiserver.resources import events
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key
from staticlet.kube import rfc3339

LIFE = timedelta(hours=1)

_EVENTS = events.EVENTS
_ROUND_S = 60.0


class EventLife:
    """The controller `event-ttl`."""

    name = "event-ttl"
    resources = (_EVENTS.key_resource,)

    def __init__(self, store: port.Store, does: hands.Hands, time: clock.Clock) -> None:
        self._store = store
        self._does = does
        self._time = time
        self._ends: dict[Key, datetime] = {}

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Note when the changed ones end; delete those whose time is up, once a minute."""
        now = self._time.now()
        for key in changed:
            record = self._store.get(key)
            if record is None:
                self._ends.pop(key, None)
            else:
                self._ends[key] = last_seen(record.object(), now) + LIFE
        for key in [key for key, end in self._ends.items() if end <= now]:
            record = self._store.get(key)
            if record is not None:
                await self._does.delete(_EVENTS, key, record.object()["metadata"]["uid"])
            self._ends.pop(key, None)
        return _ROUND_S if self._ends else None


def last_seen(event: Mapping[str, Any], now: datetime) -> datetime:
    """When an event happened last, by all that it tells; never in the future."""
    return min(now, max(_times(event), default=now))


def _times(event: Mapping[str, Any]) -> Iterator[datetime]:
    series = event.get("series") or {}
    told = (
        event["metadata"].get("creationTimestamp"),
        event.get("firstTimestamp"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        series.get("lastObservedTime"),
    )
    for text in told:
        if text:
            yield rfc3339.moment(text)
