"""A date that jumps changes nothing about when a node shows life, asks, tells or gives up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from staticlet.client import port, reflector, saying
from staticlet.config.settings import Settings
from staticlet.kube import rfc3339
from staticlet.node import claim, eventsender, joined
from staticlet.pods import events, wanted
from staticlet.testing import fake_runtime, fakeapi, fakemachine, fakes

pytestmark = pytest.mark.looptime

NODE = "/api/v1/nodes/node1"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node1"
HOUR_S, DAY_S = 3600.0, 86400.0
JUMPS = pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S, DAY_S, -DAY_S])


class World:
    """A node, its API server and a date that may be set."""

    def __init__(self) -> None:
        self.clock = fakes.LoopClock()
        self.api = fakeapi.FakeApi()
        runtime = fake_runtime.FakeRuntime(self.clock)
        self.events: list[tuple[str, ...]] = []
        self.node = joined.Node(
            self.api,
            Settings(node_name="node1"),
            runtime=runtime,
            images=runtime.images,
            tell=lambda *event: self.events.append(event),
            clock=self.clock,
            random=lambda: 0.5,
            host=fakemachine.FakeMachine(),
        )
        self.at: list[tuple[float, str]] = []
        self.api.trouble = self._note
        self.trouble: port.ApiFault | None = None

    def _note(self, method: str, path: str) -> port.ApiFault | None:
        self.at.append((asyncio.get_running_loop().time(), f"{method} {path}"))
        return self.trouble

    def moments(self, call: str) -> list[float]:
        return [at for at, made in self.at if made == call]


@contextlib.asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.node.run(), name="node")
        try:
            await asyncio.sleep(5)
            yield world
        finally:
            task.cancel()


@JUMPS
async def test_the_lease_is_renewed_every_ten_seconds_and_its_time_never_goes_back(jump_s):
    async with running(World()) as world:
        told = []
        for number in range(12):
            if number == 4:
                world.clock.jump(jump_s)
            await asyncio.sleep(11)
            told.append(rfc3339.moment(world.api.objects[LEASE]["spec"]["renewTime"]))
        gaps = [late - soon for soon, late in pairwise(world.moments(f"PUT {LEASE}"))]
        assert len(gaps) > 10
        assert all(9.9 < gap < 10.5 for gap in gaps)
        assert all(soon < late for soon, late in pairwise(told))
        assert world.node.own.granted
        assert world.node.findings() == ()


@JUMPS
async def test_the_status_is_reported_every_five_minutes(jump_s):
    async with running(World()) as world:
        world.clock.jump(jump_s)
        await asyncio.sleep(4 * 451)
        reports = world.moments(f"PATCH {NODE}/status")
        assert 4 <= len(reports) <= 12
        assert all(149 < late - soon < 461 for soon, late in pairwise(reports))


@JUMPS
async def test_a_server_that_comes_back_is_found_as_soon_as_ever(jump_s):
    async with running(World()) as world:
        world.trouble = port.Unreachable("nobody answers")
        await asyncio.sleep(60)
        world.clock.jump(jump_s)
        began = len(world.moments(f"PUT {LEASE}"))
        await asyncio.sleep(30)
        assert 5 < len(world.moments(f"PUT {LEASE}")) - began < 30
        world.trouble = None
        await asyncio.sleep(8)
        assert world.moments(f"PUT {LEASE}")[-1] > 95


@JUMPS
async def test_a_name_that_another_holds_is_watched_as_long_as_ever(jump_s):
    clock = fakes.ManualClock()
    lease = {
        "metadata": {"annotations": {claim.AGENT: "another"}},
        "spec": {"renewTime": rfc3339.micro(clock.now()), "leaseDurationSeconds": 40},
    }

    def look(before: claim.Watched | None) -> tuple[claim.Verdict, claim.Watched | None]:
        now_s = clock.monotonic()
        return claim.look(lease, before, agent="ours", now=clock.now(), now_s=now_s)

    verdict, seen = look(None)
    assert verdict is claim.Verdict.UNSURE
    clock.jump(jump_s)
    clock.advance(claim.LOOKS_S - 1)
    verdict, seen = look(seen)
    assert verdict is claim.Verdict.UNSURE
    clock.advance(1)
    assert look(seen)[0] is claim.Verdict.FREE


@JUMPS
def test_events_are_allowed_as_often_as_ever(jump_s):
    clock = fakes.ManualClock()
    allowed = eventsender.Allowance(1, 300, 1, clock.monotonic())
    allowed.take(clock.monotonic())
    clock.jump(jump_s)
    clock.advance(100)
    assert allowed.wait_s(clock.monotonic()) == pytest.approx(200)


@JUMPS
def test_events_are_counted_on(jump_s):
    clock = fakes.ManualClock()
    kept = events.Recorder("node1", clock.now)
    about = events.of_pod(wanted.PodKey("default", "web"), "u1")
    for _ in range(3):
        kept.record(about, "Warning", "BackOff", "Back-off restarting")
        clock.jump(jump_s)
    kept.record(about, "Normal", "Started", "Started")
    assert [(one.reason, one.count) for one in kept.events()] == [("BackOff", 3), ("Started", 1)]


@JUMPS
def test_what_lasts_is_said_every_five_minutes(jump_s, caplog):
    clock = fakes.ManualClock()
    told = saying.Saying(logging.getLogger("t"), "API server", clock)
    for second in range(900):
        if second == 100:
            clock.jump(jump_s)
        told.lost("refused")
        clock.advance(1)
    assert len(caplog.messages) == 3
    told.back()


@JUMPS
async def test_a_collection_that_cannot_be_listed_is_asked_for_as_often_as_ever(jump_s):
    clock, asked = fakes.LoopClock(), []

    class Dead(fakeapi.FakeApi):
        async def ask(self, *_: Any, **__: Any) -> dict[str, Any]:
            asked.append(asyncio.get_running_loop().time())
            raise port.Unreachable("nobody answers")

    follower = reflector.Reflector(Dead(), "/api/v1/pods", clock=clock, random=lambda: 0.99)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(follower.run(), name="reflector")
        await asyncio.sleep(30)
        clock.jump(jump_s)
        await asyncio.sleep(30)
        task.cancel()
    gaps = [late - soon for soon, late in pairwise(asked)][4:]
    assert all(gap == pytest.approx(reflector.MOST_AWAY_S * 0.99) for gap in gaps)


def test_a_renewal_is_always_later_than_the_last_one():
    now = fakes.START
    lease = {"spec": {"renewTime": rfc3339.micro(now + timedelta(days=1))}}
    later = claim.next_renewal(lease, now)
    assert later == now + timedelta(days=1, microseconds=1)
    assert claim.next_renewal(lease, now + timedelta(days=2)) == now + timedelta(days=2)


@pytest.mark.parametrize(
    "lease",
    [
        None,
        {},
        {"spec": {}},
        {"spec": {"renewTime": "yesterday"}},
        {"spec": {"renewTime": "2030-01-01T00:00:00"}},
        {"spec": {"renewTime": "9999-12-31T23:59:59.999999Z"}},
    ],
)
def test_a_lease_without_a_time_is_renewed_now(lease):
    assert claim.next_renewal(lease, fakes.START) == fakes.START
