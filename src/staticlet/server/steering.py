"""What a person asks while steering: `GET /pods?watch=1`, logs, and a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from aiohttp import web

from staticlet.pods import wanted
from staticlet.server import logs, restart, watch

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class View(watch.View, logs.View, restart.View, Protocol):
    """All that these need of the agent."""


def routes(view: View) -> list[web.RouteDef]:
    """The routes of logs and restarts."""

    async def log(request: web.Request) -> web.StreamResponse:
        info = request.match_info
        key = wanted.PodKey(info["namespace"], info["pod"])
        return await logs.container_log(view, request, key, info["container"])

    async def again(request: web.Request) -> web.StreamResponse:
        return await restart.restart(view, request)

    return [web.get(logs.PATH, log), web.post(restart.PATH, again)]


def watched(view: View, otherwise: Handler) -> Handler:
    """A handler of `/pods` that watches when it is asked to."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.query.get("watch", "").lower() in ("1", "true"):
            return await watch.watch(view, request)
        return await otherwise(request)

    return answer
