"""The grace of a pod that is being stopped: shortened on request, and never lengthened."""

from __future__ import annotations

import asyncio

import pytest

from staticlet.pods import grace
from staticlet.pods import observed as obs
from staticlet.testing import fakes

pytestmark = pytest.mark.looptime

DEAD = obs.ObservedSandbox(id="s", uid="u", revision="r", attempt=0, ready=False)


class Pod:
    """A pod that obeys nobody: each stop of it takes its whole grace."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.stops: list[int] = []
        self.stopping = grace.Stopping(fakes.LoopClock(), self.asked.get)

    async def stop(self, grace_s: int) -> obs.ObservedSandbox:
        self.stops.append(grace_s)
        await asyncio.sleep(grace_s)
        return DEAD

    async def end(self, grace_s: int) -> obs.ObservedSandbox:
        return await self.stopping.within("u", grace_s, self.stop)

    def ask(self, grace_s: int) -> None:
        self.asked["u"] = grace_s
        self.stopping.hurry()

    async def ask_after(self, seconds: float, grace_s: int) -> None:
        await asyncio.sleep(seconds)
        self.ask(grace_s)


async def ended(pod: Pod, *asked: tuple[float, int], grace_s: int = 30) -> float:
    """After how long a pod is dead, of which less grace is asked after so many seconds."""
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for seconds, less in asked:
            group.create_task(pod.ask_after(seconds, less), name="ask")
        assert await pod.end(grace_s) is DEAD
        return asyncio.get_running_loop().time() - began


async def test_nobody_who_asks_for_less_leaves_the_grace_as_it_is():
    pod = Pod()
    pod.asked["u"] = 30
    assert await ended(pod) == 30
    assert pod.stops == [30]


async def test_less_grace_counts_from_the_moment_at_which_it_is_asked_for():
    pod = Pod()
    assert await ended(pod, (5, 1)) == 6
    assert pod.stops == [30, 1]


async def test_it_may_be_shortened_again():
    pod = Pod()
    assert await ended(pod, (5, 10), (7, 2)) == 9
    assert pod.stops == [30, 10, 2]


async def test_more_grace_than_is_left_changes_nothing():
    pod = Pod()
    assert await ended(pod, (25, 10), (26, 60), (27, 3)) == 30
    assert pod.stops == [30]


async def test_what_was_shortened_before_the_stop_began_counts():
    pod = Pod()
    pod.asked["u"] = 1
    assert await ended(pod) == 1


async def test_none_at_all_ends_it_at_once():
    pod = Pod()
    assert await ended(pod, (5, 0)) == 5


async def test_another_pod_is_not_meant_and_where_nothing_is_stopped_nothing_happens():
    pod = Pod()
    pod.stopping.hurry()
    pod.asked["other"] = 0
    assert await ended(pod) == 30


async def test_a_timeout_of_the_stop_itself_is_its_fault():
    pod = Pod()

    async def fails(grace_s: int) -> obs.ObservedSandbox:
        raise TimeoutError(f"after {grace_s}")

    with pytest.raises(TimeoutError, match="after 30"):
        await pod.stopping.within("u", 30, fails)


async def test_who_ends_the_agent_ends_the_stop():
    pod = Pod()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(pod.end(30), name="stop")
        await asyncio.sleep(1)
        task.cancel()
    assert task.cancelled()
    assert pod.stops == [30]
