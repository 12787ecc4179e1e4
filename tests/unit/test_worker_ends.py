"""How a worker ends its pod: with which grace, and for good."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from staticlet.kube import core
from staticlet.pods import node, places, present
from staticlet.pods import observed as obs
from staticlet.testing.oneworker import Machine, pod, settle, working


@pytest.fixture
async def machine():
    return Machine()


async def test_a_pod_is_stopped_with_the_grace_of_its_deletion(machine):
    machine.graces["u1"] = 4
    async with working(machine, replace(pod(), source="api")) as made:
        made.wish(None)
        await settle()
    assert ("stop", "u1", 4) in machine.done


async def test_a_change_stops_with_the_pods_own_grace(machine):
    machine.graces["u2"] = 4
    async with working(machine, pod()) as made:
        made.wish(pod("u2"))
        await settle()
    assert [step for step in machine.done if step[0] == "stop"] == [("stop", "u1", 30)]


async def test_a_pod_that_is_over_is_not_started_and_what_lives_of_it_is_stopped(machine):
    async with working(machine, replace(pod(), over=True)):
        assert machine.sandboxes == {}
    async with working(machine, pod()) as made:
        made.wish(replace(pod(), over=True))
        await settle()
        assert ("stop", "u1", 30) in machine.done
        (box,) = machine.sandboxes.values()
        assert not box.alive
        assert not made.ended


async def test_less_grace_is_honoured_while_the_pod_is_being_stopped(machine):
    machine.graces["u1"] = 30
    async with working(machine, replace(pod(), source="api")) as made:
        machine.stops = asyncio.Event()
        made.wish(None)
        await settle()
        machine.graces["u1"] = 1
        made.hurry()
        await settle()
        assert machine.steps("stop") == [("stop", "u1", 30), ("stop", "u1", 1)]
        machine.stops.set()
        await settle()
        assert made.ended


def short_lived(**more):
    return pod(activeDeadlineSeconds=30, **more)


async def test_a_pod_ends_at_its_deadline_whatever_its_restart_policy_says(machine):
    async with working(machine, short_lived()) as made:
        machine.time.pass_by(29)
        made.wake()
        await settle()
        assert machine.steps("stop") == []
        machine.time.pass_by(1)
        made.wake()
        await settle()
        assert machine.steps("stop") == [("stop", "u1", 30)]
        words = "Pod was active on the node longer than the specified deadline"
        assert ("DeadlineExceeded", words, "") in machine.happened()
        shown = present.pod(
            made.report(), host_ips=(), runtime_name="containerd", now=machine.time.now()
        )
        assert (shown.status.phase, shown.status.reason) == ("Failed", "DeadlineExceeded")
        assert shown.status.message == words
        machine.time.pass_by(3600)
        made.wake()
        await settle()
        assert machine.steps("run", "start") == [
            ("run", "u1", 0),
            ("start", "u1", "main", 0),
        ]
        assert [one[0] for one in machine.happened()].count("DeadlineExceeded") == 1


async def test_nobody_has_to_wake_a_worker_for_its_pods_deadline(machine):
    slept = []
    async with working(machine, short_lived()) as made:
        made._sleep = lambda until_ns: slept.append(until_ns) or asyncio.sleep(3600)
        made.wake()
        await settle()
    assert slept == [machine.time.ns + 30 * obs.SECOND_NS]


async def test_a_pod_that_ended_by_itself_has_no_deadline(machine):
    async with working(machine, short_lived(restartPolicy="Never")) as made:
        machine.callbacks[machine.running_pid()]()
        await settle()
        machine.time.pass_by(60)
        made.wake()
        await settle()
        assert made.past.ended is None


async def test_what_was_ended_at_its_deadline_stays_so_after_a_start_of_the_agent(machine):
    async with working(machine, short_lived()) as made:
        machine.time.pass_by(30)
        made.wake()
        await settle()
    machine.done.clear()
    async with working(machine, short_lived()) as made:
        assert machine.done == [("look",)]
        assert made.past.ended.reason == "DeadlineExceeded"


async def test_a_restart_that_somebody_asks_for_gives_a_pod_its_time_anew(machine):
    async with working(machine, short_lived()) as made:
        machine.time.pass_by(30)
        made.wake()
        await settle()
        machine.time.pass_by(30)
        made.wish(short_lived(incarnation=1))
        await settle()
        assert made.past.ended is None
        assert machine.steps("start")[-1] == ("start", "u1", "main", 1)


async def test_the_time_of_a_pod_that_waited_for_a_place_begins_when_it_is_let_in(machine):
    offers = [node.Offer(labels={"disk": "hdd"})]
    everybody = places.Places(lambda: offers[-1])
    asked = short_lived(nodeSelector={"disk": "ssd"})
    async with working(machine, asked, everybody=everybody) as made:
        machine.time.pass_by(60)
        offers.append(node.Offer(labels={"disk": "ssd"}))
        everybody.retry()
        await settle()
        assert machine.steps("start") == [("start", "u1", "main", 0)]
        machine.time.pass_by(29)
        made.wake()
        await settle()
        assert made.past.ended is None


async def test_the_time_of_a_pod_of_the_api_counts_from_its_start_there(machine):
    began = machine.time.now() - timedelta(seconds=29)
    made = replace(short_lived(), source="api")
    told = msgspec.structs.replace(made.pod, status=core.PodStatus(startTime=began))
    async with working(machine, replace(made, pod=told)) as one:
        assert machine.steps("start")
        machine.time.pass_by(1)
        one.wake()
        await settle()
        assert one.past.ended is not None
