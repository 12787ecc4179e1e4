"""Events that controllers record about objects, of the newer form, as kube-scheduler has them.

They have a time to the microsecond and an action, and where they repeat, a series. Clients put
them before those of node agents, which have the older timestamps; among each other they are in
the order of their names, which end with the time.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from staticlet.aio import clock
from staticlet.apiserver.controllers import hands
from staticlet.apiserver.resources import events
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key
from staticlet.kube import refusal, rfc3339

log = logging.getLogger(__name__)

Object = dict[str, Any]

_EVENTS = events.EVENTS
_DEFAULT = "default"
_LONGEST_MESSAGE = 1024
_LONGEST_BASE = 236
"""Of an event's name: so that the time after it still makes a name."""

_REMEMBERED = 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class News:
    """Records events; the newest are remembered, so that one that repeats becomes a series.

    Args:
        store: Where those before are found.
        does: Makes the requests.
        time: The clock.
        component: Who tells: `default-scheduler`.
    """

    def __init__(self, store: port.Store, does: hands.Hands, time: clock.Clock, component: str):
        self._store = store
        self._does = does
        self._time = time
        self._component = component
        self._told: OrderedDict[tuple[str, ...], Key] = OrderedDict()

    async def about(
        self, obj: Mapping[str, Any], kind: str, reason: str, message: str, *, action: str
    ) -> None:
        """Record one event, if that can be done: in a namespace that is going, say, it cannot.

        Args:
            obj: The object that it is about.
            kind: Normal or Warning.
            reason: One word, in CamelCase.
            message: What happened, for people.
            action: What was being done.
        """
        now = self._time.now()
        made = event(
            obj,
            kind=kind,
            reason=reason,
            message=message,
            action=action,
            component=self._component,
            now=now,
        )
        content = (obj["metadata"]["uid"], kind, reason, message)
        fresh = Key(_EVENTS.key_resource, made["metadata"]["namespace"], made["metadata"]["name"])
        key = self._told.get(content)
        before = self._store.get(key) if key else None
        try:
            if key is None or before is None:
                await self._does.create(_EVENTS, fresh.namespace, made)
                self._remember(content, fresh)
            else:
                await self._does.update(_EVENTS, key, repeated(before.object(), now))
        except refusal.Refusal as fault:
            log.debug("no event %s about %s: %s", reason, obj["metadata"]["name"], fault)

    def _remember(self, content: tuple[str, ...], key: Key) -> None:
        self._told[content] = key
        self._told.move_to_end(content)
        while len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)


def event(
    obj: Mapping[str, Any],
    *,
    kind: str,
    reason: str,
    message: str,
    action: str,
    component: str,
    now: datetime,
) -> Object:
    """The event of something that happened once."""
    meta = obj["metadata"]
    base = meta["name"][:_LONGEST_BASE].rstrip("-.")
    mark = 1000 * ((now - _EPOCH) // timedelta(microseconds=1))
    namespace = meta.get("namespace") or _DEFAULT
    about = {
        "kind": obj["kind"],
        "apiVersion": obj["apiVersion"],
        "name": meta["name"],
        "uid": meta["uid"],
        "resourceVersion": meta.get("resourceVersion", ""),
    }
    if meta.get("namespace"):
        about["namespace"] = meta["namespace"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{base}.{mark:x}", "namespace": namespace},
        "involvedObject": about,
        "eventTime": rfc3339.micro(now),
        "action": action,
        "reason": reason,
        "message": message.encode()[:_LONGEST_MESSAGE].decode(errors="ignore"),
        "type": kind,
        "reportingComponent": component,
        "reportingInstance": component,
    }


def repeated(before: Object, now: datetime) -> Object:
    """An event that has happened once more."""
    count = (before.get("series") or {}).get("count") or 1
    return {**before, "series": {"count": count + 1, "lastObservedTime": rfc3339.micro(now)}}
