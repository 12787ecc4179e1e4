"""A date that jumps changes nothing about how long anything of a pod is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from staticlet.aio import clock
from staticlet.pods import deadline, tools, worker
from staticlet.pods import observed as obs
from staticlet.runtime import port
from staticlet.testing import fakes
from staticlet.testing.oneworker import Machine, pod, settle, working

pytestmark = pytest.mark.looptime

HOUR_S, DAY_S = 3600.0, 86400.0
JUMPS = pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S, DAY_S, -DAY_S])


class Time(fakes.LoopClock):
    """The loop's time, and a date that may be set."""

    @property
    def ns(self) -> int:
        """The date in nanoseconds since the epoch."""
        return fakes.nanoseconds(self.now())


@asynccontextmanager
async def at_work(machine: Machine) -> AsyncIterator[tuple[Time, worker.Worker]]:
    """A worker whose pod runs; time goes by itself."""
    time = Time()
    machine.time = time
    async with working(machine, pod()) as made:
        yield time, made


def crash(machine: Machine) -> None:
    machine.callbacks[machine.running_pid()]()


def starts(machine: Machine) -> int:
    return len(machine.steps("start"))


@JUMPS
async def test_a_crash_back_off_is_as_long_as_ever(jump_s):
    machine = Machine()
    async with at_work(machine) as (time, made):
        for _ in range(2):
            crash(machine)
            await settle()
        await asyncio.sleep(4)
        time.jump(jump_s)
        (wait,) = made.report().waits.values()
        assert made.report().past.crashes["main"].until_ns == time.ns + 6 * obs.SECOND_NS
        assert wait.crash
        await asyncio.sleep(5.9)
        assert starts(machine) == 2
        await asyncio.sleep(0.2)
        assert starts(machine) == 3


@JUMPS
async def test_a_wait_that_is_planned_anew_after_the_jump_is_as_long_as_ever(jump_s):
    machine = Machine()
    async with at_work(machine) as (time, made):
        for _ in range(2):
            crash(machine)
            await settle()
        await asyncio.sleep(4)
        time.jump(jump_s)
        made.wake()
        await settle()
        (wait,) = made.report().waits.values()
        assert wait.until_ns == time.ns + 6 * obs.SECOND_NS
        await asyncio.sleep(5.9)
        assert starts(machine) == 2
        await asyncio.sleep(0.2)
        assert starts(machine) == 3


@JUMPS
async def test_after_a_jump_the_next_crash_waits_twice_as_long(jump_s):
    machine = Machine()
    async with at_work(machine) as (time, _made):
        for _ in range(2):
            crash(machine)
            await settle()
        await asyncio.sleep(10.1)
        time.jump(jump_s)  # while it runs: it has not run for a day
        crash(machine)
        await asyncio.sleep(19.9)
        assert starts(machine) == 3
        await asyncio.sleep(0.2)
        assert starts(machine) == 4


@JUMPS
async def test_a_long_run_forgets_crashes_whatever_its_dates_say(jump_s):
    machine = Machine()
    async with at_work(machine) as (time, _made):
        for _ in range(2):
            crash(machine)
            await settle()
        await asyncio.sleep(10.1 + 601)
        time.jump(jump_s)
        crash(machine)
        await settle()
        assert starts(machine) == 4


@JUMPS
@pytest.mark.parametrize("step", ["run", "start", "stop", "look"])
async def test_a_step_that_failed_is_tried_again_as_soon_as_ever(jump_s, step):
    machine = Machine()
    fault = tools.StepFault("Failed", "no", look=False)
    async with at_work(machine) as (time, made):
        machine.faults[step] = [fault, fault]
        made.doubt() if step == "look" else made.wish(pod(uid="u2"))
        await settle()
        await asyncio.sleep(1.1)  # the second try fails, too, and the next comes 2 s later
        tries = len(machine.steps(step))
        await asyncio.sleep(1)
        time.jump(jump_s)
        if step != "look":  # which any news lead to
            made.wake()
        await settle()
        assert len(machine.steps(step)) == tries
        await asyncio.sleep(1.1)
        assert len(machine.steps(step)) == tries + 1


def test_a_jump_is_told_once_and_small_ones_are_none():
    time = fakes.ManualClock()
    jumps = clock.Jumps(time)
    time.advance(HOUR_S)
    assert jumps.since() == timedelta()
    time.jump(0.9)
    assert jumps.since() == timedelta()
    time.jump(0.2)  # they add up
    assert jumps.since() == timedelta(seconds=1.1)
    assert jumps.since() == timedelta()
    time.jump(-DAY_S)
    assert jumps.since() == timedelta(days=-1)


def test_an_end_in_the_future_is_taken_for_now():
    dead = obs.ObservedContainer(
        id="c1",
        name="main",
        restart_count=1,
        state=port.ContainerState.EXITED,
        started_at_ns=10**18 - 1,
        finished_at_ns=10**18,
    )
    crashes = obs.Crashes(exits=1).after(dead, obs.BackoffRule(), 5)
    assert crashes.until_ns == 5 + 10 * obs.SECOND_NS


@JUMPS
async def test_a_pod_may_be_active_as_long_as_ever(jump_s):
    machine = Machine()
    time = Time()
    machine.time = time
    async with working(machine, pod(activeDeadlineSeconds=100)) as made:
        await asyncio.sleep(50)
        time.jump(jump_s)
        made.wake()
        await asyncio.sleep(49)
        assert machine.steps("stop") == []
        await asyncio.sleep(2)
        assert len(machine.steps("stop")) == 1


def test_a_pod_whose_time_begins_anew_has_all_of_it_whatever_the_date_did_before():
    want = pod(activeDeadlineSeconds=100)
    past = obs.History(uid=want.uid, started_at_ns=1).moved(10**15).begun(7 * obs.SECOND_NS)
    assert deadline.ends_at_ns(want, past) == 107 * obs.SECOND_NS
