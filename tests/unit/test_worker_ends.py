"""How a worker ends its pod: with which grace, and for good."""

from dataclasses import replace

import pytest

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
    machine.graces["u1"] = 4
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
