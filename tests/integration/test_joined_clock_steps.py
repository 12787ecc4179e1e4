"""A node whose clock is set goes on showing life to a true API server, as often as ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from staticlet.aio import clock as clocks
from staticlet.client import connection
from staticlet.config.settings import Settings
from staticlet.kube import rfc3339
from staticlet.node import joined, lease
from staticlet.testing import anyserver, apiloop, fake_runtime

NODE = "/api/v1/nodes/node1"
LEASE = f"{lease.PATH}/node1"
DEADLINE_S = 15.0
RENEWALS = 3


class Clock(clocks.SystemClock):
    """The machine's clocks; its date may be set."""

    def __init__(self) -> None:
        self._set_by = timedelta()

    def now(self) -> datetime:
        return super().now() + self._set_by

    def jump(self, by: timedelta) -> None:
        self._set_by += by


@asynccontextmanager
async def agent(kubeconfig: Path, place: Path, clock: Clock) -> AsyncIterator[joined.Node]:
    """A Node that is kept: a Lease that holds two seconds, a status every second."""
    settings = Settings(
        node_name="node1",
        root_dir=place,
        node_lease_duration_s=2,
        node_status_update_frequency_s=1,
        node_status_report_frequency_s=1,
    )
    runtime = fake_runtime.FakeRuntime(clock)
    async with aclosing(connection.Connection(kubeconfig, clock=clock)) as api:
        node = joined.Node(
            api,
            settings,
            runtime=runtime,
            images=runtime.images,
            tell=lambda *_: None,
            clock=clock,
            random=lambda: 0.5,
            pause=api.pause,
        )
        async with asyncio.TaskGroup() as group:
            task = group.create_task(node.run(), name="node")
            try:
                yield node
            finally:
                task.cancel()


async def renewals(client: apiloop.Client, times: int) -> list[tuple[str, float]]:
    """So many renewals as the server tells of them: their time, and when they were seen."""
    loop, seen = asyncio.get_running_loop(), [("", 0.0)]
    async with asyncio.timeout(DEADLINE_S):
        while len(seen) <= times + 1:
            answer = await client.ask("GET", LEASE)
            told = answer.body["spec"]["renewTime"] if answer.code == 200 else ""
            if told != seen[-1][0]:
                seen.append((told, loop.time()))
            await asyncio.sleep(0.02)
    return seen[2:]  # from the first that was seen to come


def beats(node: Any) -> set[str]:
    return {one["lastHeartbeatTime"] for one in node["status"]["conditions"]}


@pytest.mark.parametrize("hours", [1, -1, 24, -24])
async def test_a_date_that_is_set_stops_no_sign_of_life(
    any_server: anyserver.AnyServer, tmp_path: Path, hours: int
) -> None:
    clock, client = Clock(), any_server.client
    async with agent(any_server.places.node_conf, tmp_path, clock) as node:
        before = await renewals(client, RENEWALS)
        old = beats((await client.ask("GET", NODE)).body)
        clock.jump(timedelta(hours=hours))
        after = await renewals(client, RENEWALS)
        times = [rfc3339.moment(told) for told, _ in (*before, *after)]
        assert times == sorted(set(times))
        assert all(late - soon < 3 for (_, soon), (_, late) in pairwise(after))
        there = (await client.ask("GET", NODE)).body
        assert not beats(there) & old
        ready = next(one for one in there["status"]["conditions"] if one["type"] == "Ready")
        assert ready["status"] == "True"
        assert node.own.granted
        assert node.findings() == ()
