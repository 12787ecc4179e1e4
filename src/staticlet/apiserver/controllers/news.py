"""Events that controllers record about objects, of the newer form, as kube-scheduler has them.

They have a time to the microsecond and an action, and where they repeat, a series. Clients put
them before those of node agents, which have the older timestamps.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
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


class News:
    """Records events.

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
        meta = made["metadata"]
        key = Key(_EVENTS.key_resource, meta["namespace"], meta["name"])
        before = self._store.get(key)
        try:
            if before is None:
                await self._does.create(_EVENTS, key.namespace, made)
            else:
                await self._does.update(_EVENTS, key, repeated(before.object(), now))
        except refusal.Refusal as fault:
            log.debug("no event %s about %s: %s", reason, meta["name"], fault)


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
    """The event of something that happened once; the same again has the same name."""
    meta = obj["metadata"]
    content = "\0".join((meta["uid"], kind, reason, message, component))
    mark = hashlib.sha256(content.encode()).hexdigest()[:16]
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
        "metadata": {"name": f"{meta['name']}.{mark}", "namespace": namespace},
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
