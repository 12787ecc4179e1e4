"""What the agent tells of itself on its socket."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from staticlet.server import stats


async def test_every_task_is_counted() -> None:
    app = web.Application()
    app.add_routes(stats.routes())
    async with TestClient(TestServer(app)) as client, asyncio.TaskGroup() as group:
        before = await (await client.get("/stats")).json()
        more = [group.create_task(asyncio.sleep(60), name=f"more {n}") for n in range(3)]
        after = await (await client.get("/stats")).json()
        for each in more:
            each.cancel()
    assert after["tasks"] == before["tasks"] + 3
    assert after["threads"] >= 1
