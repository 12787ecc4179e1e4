"""What the agent itself consists of at the moment, on its socket: for soaks, and for leaks.

GET /stats    {"tasks": …, "threads": …}
"""

from __future__ import annotations

import asyncio
import threading

import msgspec
from aiohttp import web


def routes() -> list[web.RouteDef]:
    """The routes of this module."""

    async def show(_: web.Request) -> web.Response:
        counts = {"tasks": len(asyncio.all_tasks()), "threads": threading.active_count()}
        return web.Response(body=msgspec.json.encode(counts), content_type="application/json")

    return [web.get("/stats", show)]
