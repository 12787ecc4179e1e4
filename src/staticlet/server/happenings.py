"""What happened and why, on the agent's socket: events as the API has them, and decisions.

GET /events                       EventList (v1), the last ones at the end
GET /why                          the pods of which decisions are known
GET /why?namespace=…&name=…       the decisions about one pod, the newest at the end
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from aiohttp import web

from staticlet.kube import rfc3339
from staticlet.pods import events, journal, wanted


class View(Protocol):
    """What the agent knows of the past."""

    def node(self) -> str:
        """The node's name."""
        ...

    def happened(self) -> Sequence[events.Event]:
        """What happened, the last at the end."""
        ...

    def remembered(self) -> Sequence[wanted.PodKey]:
        """The pods of which decisions are known."""
        ...

    def decisions(self, key: wanted.PodKey) -> Sequence[journal.Decision]:
        """The decisions about a pod, the newest at the end."""
        ...


def routes(view: View) -> list[web.RouteDef]:
    """The routes of this module."""

    async def show_events(_: web.Request) -> web.Response:
        return _json(event_list(view.happened()))

    async def why(request: web.Request) -> web.Response:
        name = request.query.get("name", "")
        if not name:
            known = [key._asdict() for key in view.remembered()]
            return _json({"node": view.node(), "pods": known})
        key = wanted.PodKey(request.query.get("namespace") or "default", name)
        return _json(story(key, view.decisions(key)))

    return [web.get("/events", show_events), web.get("/why", why)]


def event_list(every: Sequence[events.Event]) -> dict[str, Any]:
    """Events as a `v1` EventList."""
    return {"apiVersion": "v1", "kind": "EventList", "items": [_event(one) for one in every]}


def story(key: wanted.PodKey, decisions: Sequence[journal.Decision]) -> dict[str, Any]:
    """The decisions about one pod."""
    return {**key._asdict(), "decisions": [_decision(one) for one in decisions]}


def _event(one: events.Event) -> dict[str, Any]:
    about = one.subject
    involved = {"kind": about.kind, "namespace": about.namespace, "name": about.name}
    if about.kind == "Pod":
        involved |= {"apiVersion": "v1", "uid": about.uid}
    if about.field_path:
        involved["fieldPath"] = about.field_path
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": _name(one),
            "namespace": about.namespace,
            "creationTimestamp": rfc3339.text(one.first),
        },
        "involvedObject": involved,
        "reason": one.reason,
        "message": one.message,
        "source": {"component": events.COMPONENT, "host": one.host},
        "firstTimestamp": rfc3339.text(one.first),
        "lastTimestamp": rfc3339.text(one.last),
        "count": one.count,
        "type": one.type,
    }


def _name(one: events.Event) -> str:
    """Object and time of the first, as client-go names events; a path without its slashes."""
    micros = int(one.first.timestamp() * 1_000_000)
    return f"{one.subject.name.strip('/').replace('/', '.')}.{micros * 1000:x}"


def _decision(one: journal.Decision) -> dict[str, Any]:
    made: dict[str, Any] = {
        "time": rfc3339.micro(one.at),
        "lastTime": rfc3339.micro(one.last),
        "count": one.count,
        "what": one.what,
        "why": one.why,
    }
    if one.until is not None:
        made["until"] = rfc3339.micro(one.until)
    return made


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
