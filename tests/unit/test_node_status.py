"""How the status of a Node is kept true, in virtual time."""

import asyncio
from dataclasses import replace

import pytest

from staticlet.runtime import port as runtimes
from staticlet.testing import fakemachine, joinednode

pytestmark = pytest.mark.looptime


async def test_at_rest_only_the_lease_is_renewed():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        world.api.calls.clear()
        await asyncio.sleep(204)
        assert world.times(f"PUT {joinednode.LEASE}") == 20
        assert world.times(f"PATCH {joinednode.NODE}/status") == 0
        await asyncio.sleep(150)
        assert world.times(f"PATCH {joinednode.NODE}/status") == 1
        others = {call for call in world.api.calls if not call.startswith("WATCH")}
        assert others == {f"PUT {joinednode.LEASE}", f"PATCH {joinednode.NODE}/status"}


async def test_a_change_of_the_machine_is_told_within_ten_seconds():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        world.machine.leave("memory.available", 1)
        world.machine.ips = ("192.0.2.3",)
        await asyncio.sleep(11)
        status = world.there["status"]
        assert status["conditions"][0]["status"] == "True"
        assert [one["address"] for one in status["addresses"]] == ["192.0.2.3", "node1"]
        assert world.reasons[-1] == "NodeHasInsufficientMemory"
        world.machine.left = dict(fakemachine.PLENTY)
        await asyncio.sleep(280)
        assert world.there["status"]["conditions"][0]["status"] == "True"
        await asyncio.sleep(40)
        assert world.there["status"]["conditions"][0]["status"] == "False"


async def test_a_runtime_that_is_restarted_makes_no_node_unready():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        world.runtime.trouble.go_down()
        await asyncio.sleep(24)
        world.runtime.trouble.come_back()
        await asyncio.sleep(60)
        assert "NodeNotReady" not in world.reasons


async def test_a_runtime_that_is_down_makes_the_node_unready_until_it_is_back():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        world.runtime.trouble.go_down()
        await asyncio.sleep(40)
        assert world.ready() == ("False", "container runtime is down")
        world.runtime.trouble.come_back()
        await asyncio.sleep(6)
        assert world.ready()[0] == "True"
        assert world.reasons[-2:] == ["NodeNotReady", "NodeReady"]


async def test_a_network_that_is_not_ready_is_told_in_the_runtimes_words():
    world = joinednode.World()
    world.runtime.state = (
        runtimes.RuntimeCondition(type="RuntimeReady", status=True),
        runtimes.RuntimeCondition(
            type="NetworkReady", status=False, reason="NetworkPluginNotReady", message="no CNI"
        ),
    )
    async with joinednode.running(world):
        await asyncio.sleep(1)
        words = (
            "container runtime network not ready: NetworkReady=false"
            " reason:NetworkPluginNotReady message:no CNI"
        )
        assert world.ready() == ("False", words)
        world.runtime.state = (
            runtimes.RuntimeCondition(type="RuntimeReady", status=True),
            runtimes.RuntimeCondition(type="NetworkReady", status=True),
        )
        await asyncio.sleep(0.3)
        assert world.ready()[0] == "True"


async def test_without_a_runtime_the_node_is_registered_unready_and_ready_with_the_runtime():
    world = joinednode.World()
    world.runtime.trouble.go_down()
    async with joinednode.running(world):
        await asyncio.sleep(6)
        assert world.ready() == (
            "False",
            "container runtime status check may not have completed yet",
        )
        world.runtime.trouble.come_back()
        await asyncio.sleep(0.3)
        assert world.ready()[0] == "True"


async def test_who_was_taken_for_dead_says_at_once_that_he_is_not():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        conditions = world.there["status"]["conditions"]
        unknown = [
            one | {"status": "Unknown", "reason": "NodeStatusUnknown"} for one in conditions
        ]
        world.api.change(joinednode.NODE, {"status": {"conditions": unknown}})
        await asyncio.sleep(0.5)
        assert world.ready()[0] == "True"


async def test_others_who_write_the_status_all_the_time_are_answered_seldom():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        world.api.calls.clear()
        for number in range(600):
            world.api.change(joinednode.NODE, {"status": {"nodeInfo": {"osImage": f"x{number}"}}})
            await asyncio.sleep(0.1)
        assert world.times(f"PATCH {joinednode.NODE}/status") <= 12
        await asyncio.sleep(11)
        assert world.there["status"]["nodeInfo"]["osImage"] == fakemachine.IDENTITY.os_image


async def test_a_server_that_keeps_not_all_of_the_status_gets_it_once_for_each_change():
    world = joinednode.World()
    world.api.unknown = frozenset(("daemonEndpoints",))
    async with joinednode.running(world):
        await asyncio.sleep(5)
        written = world.times(f"PATCH {joinednode.NODE}/status")
        assert written <= 1
        await asyncio.sleep(200)
        assert world.times(f"PATCH {joinednode.NODE}/status") == written
        world.machine.ips = ("192.0.2.3",)
        await asyncio.sleep(60)
        assert world.times(f"PATCH {joinednode.NODE}/status") == written + 1
        world.api.change(joinednode.NODE, {"status": {"nodeInfo": {"osImage": "other"}}})
        await asyncio.sleep(5)
        assert world.there["status"]["nodeInfo"]["osImage"] == fakemachine.IDENTITY.os_image
        assert "daemonEndpoints" not in world.there["status"]


async def test_what_somebody_overwrites_while_it_is_written_is_put_right():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        others = [{"status": {"nodeInfo": {"osImage": "other"}}}]

        def meanwhile(method, path):
            if method == "PATCH" and others:
                world.api.change(joinednode.NODE, others.pop())

        world.api.trouble = meanwhile
        world.machine.ips = ("192.0.2.3",)
        await asyncio.sleep(22)
        assert not others
        assert world.there["status"]["nodeInfo"]["osImage"] == fakemachine.IDENTITY.os_image


async def test_a_node_that_is_cordoned_is_told_and_so_is_one_that_is_open_again():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        for cordoned in (True, True, False):
            world.api.change(joinednode.NODE, {"spec": {"unschedulable": cordoned}})
            await asyncio.sleep(21)
        assert world.reasons[-2:] == ["NodeNotSchedulable", "NodeSchedulable"]
        assert world.events[-1][2] == "Node node1 status is now: NodeSchedulable"


async def test_conditions_of_others_are_left_alone():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(1)
        theirs = {"type": "NetworkUnavailable", "status": "False", "reason": "RouteCreated"}
        conditions = world.there["status"]["conditions"]
        world.api.change(joinednode.NODE, {"status": {"conditions": [*conditions, theirs]}})
        world.api.calls.clear()
        world.machine.leave("memory.available", 1)
        await asyncio.sleep(15)
        assert theirs in world.there["status"]["conditions"]
        assert world.times(f"PATCH {joinednode.NODE}/status") == 1


async def test_more_reserved_than_there_is_is_a_finding():
    async with joinednode.running(
        joinednode.World(settings=replace(joinednode.SETTINGS, kube_reserved={"cpu": "3"}))
    ) as world:
        await asyncio.sleep(1)
        (finding,) = world.node.findings()
        assert finding.message.startswith("more cpu is reserved than there is")
        assert world.there["status"]["allocatable"]["cpu"] == "0"
