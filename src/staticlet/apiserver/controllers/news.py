"""Events that controllers record about objects, as clients do; counted up when they repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from staticlet.aio import clock
from staticlet.apiserver.controllers import hands
from staticlet.apiserver.resources import events
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key

Object = dict[str, Any]

_EVENTS = events.EVENTS
_DEFAULT = "default"


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

    async def about(self, obj: Mapping[str, Any], kind: str, reason: str, message: str) -> None:
        """Record one event.

        Args:
            obj: The object that it is about.
            kind: Normal or Warning.
            reason: One word, in CamelCase.
            message: What happened, for people.
        """
        made = event(
            obj,
            kind=kind,
            reason=reason,
            message=message,
            component=self._component,
            now=self._time.now(),
        )
        meta = made["metadata"]
        key = Key(_EVENTS.key_resource, meta["namespace"], meta["name"])
        before = self._store.get(key)
        if before is None:
            await self._does.create(_EVENTS, key.namespace, made)
            return
        again = before.object()
        again["count"] = (again.get("count") or 1) + 1
        again["lastTimestamp"] = made["lastTimestamp"]
        await self._does.update(_EVENTS, key, again)


def event(
    obj: Mapping[str, Any], *, kind: str, reason: str, message: str, component: str, now: datetime
) -> Object:
    """The event of something that happened once; the same again has the same name."""
    meta = obj["metadata"]
    content = "\0".join((meta["uid"], kind, reason, message, component))
    mark = hashlib.sha256(content.encode()).hexdigest()[:16]
    namespace = meta.get("namespace") or _DEFAULT
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
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
        "reason": reason,
        "message": message,
        "source": {"component": component},
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
        "type": kind,
        "reportingComponent": component,
    }
