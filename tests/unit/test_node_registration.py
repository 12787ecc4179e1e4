"""How a Node is registered, and put right, in virtual time."""

import asyncio
import logging
from dataclasses import replace

import pytest

from staticlet.testing import fakeapi, fakemachine, joinednode

pytestmark = pytest.mark.looptime


async def test_a_node_is_registered_ready_with_a_lease_at_once():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(0.5)
        assert world.ready() == ("True", "kubelet is posting ready status")
        assert world.lease["spec"]["holderIdentity"] == "node1"
        assert world.lease["spec"]["leaseDurationSeconds"] == 40
        assert world.lease["metadata"]["ownerReferences"] == [
            {"apiVersion": "v1", "kind": "Node", "name": "node1", "uid": world.node.own.uid}
        ]
        assert world.reasons == [
            "Starting",
            "NodeHasSufficientMemory",
            "NodeHasNoDiskPressure",
            "NodeHasSufficientPID",
            "NodeReady",
        ]
        assert world.node.findings() == ()
        assert world.node.allocatable()["cpu"] == "2"


async def test_a_new_start_of_the_agent_leaves_the_node_ready():
    first = joinednode.World()
    async with joinednode.running(first):
        await asyncio.sleep(5)
    since = first.there["status"]["conditions"][3]["lastTransitionTime"]
    second = joinednode.World(first.api)
    second.runtime.trouble.delay("version", 2.0)
    second.api.bodies.clear()
    async with joinednode.running(second):
        await asyncio.sleep(20)
    conditions = second.there["status"]["conditions"]
    assert conditions[3]["lastTransitionTime"] == since
    assert second.reasons == ["Starting"]
    assert "NotReady" not in str(second.api.bodies)


async def test_a_reboot_is_told():
    first = joinednode.World()
    async with joinednode.running(first):
        await asyncio.sleep(1)
    second = joinednode.World(first.api)
    second.machine.who = replace(fakemachine.IDENTITY, boot_id="boot-2")
    async with joinednode.running(second):
        await asyncio.sleep(1)
    assert second.events[1] == (
        "Warning",
        "Rebooted",
        "Node node1 has been rebooted, boot id: boot-2",
    )
    assert second.there["status"]["nodeInfo"]["bootID"] == "boot-2"


async def test_a_node_that_is_deleted_is_registered_again():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        before = world.node.own.uid
        world.api.remove(joinednode.NODE)
        await asyncio.sleep(0.5)
        assert world.node.own.uid not in ("", before)
        assert world.there["metadata"]["uid"] == world.node.own.uid
        assert world.ready()[0] == "True"
        await asyncio.sleep(12)
        assert world.lease["metadata"]["ownerReferences"][0]["uid"] == world.node.own.uid


async def test_a_node_that_is_gone_is_missed_even_when_the_watch_says_nothing():
    world = joinednode.World()
    world.api.trouble = lambda method, path: (
        joinednode.DOWN
        if method == "WATCH" or (path.endswith("nodes") and method == "GET")
        else None
    )
    async with joinednode.running(world):
        await asyncio.sleep(1)
        del world.api.objects[joinednode.NODE]
        world.machine.ips = ("192.0.2.9",)
        await asyncio.sleep(15)
        assert world.there["metadata"]["uid"] == world.node.own.uid


async def test_a_refusal_is_a_finding_and_told_once(caplog):
    world = joinednode.World()
    refusal = fakeapi.refused(403, "nodes is forbidden: no")
    absent = fakeapi.refused(404, "not found")
    world.api.trouble = lambda method, path: (
        {"POST": refusal, "GET": absent}.get(method) if "nodes" in path else None
    )
    with caplog.at_level(logging.INFO):
        async with joinednode.running(world):
            await asyncio.sleep(250)
            (finding,) = world.node.findings()
            use = "use a kubeconfig for system:node:node1 of the group system:nodes"
            assert str(finding) == (
                f"node node1: cannot be registered: nodes is forbidden: no; {use}"
            )
            said = [one.message for one in caplog.records if "forbidden" in one.message]
            assert said == [f"Node node1: nodes is forbidden: no; {use}"]
            world.api.trouble = lambda method, path: None
            await asyncio.sleep(10)
            assert world.node.findings() == ()
            assert world.ready()[0] == "True"


async def test_a_node_that_is_not_to_be_registered_is_waited_for():
    world = joinednode.World(settings=replace(joinednode.SETTINGS, register_node=False))
    async with joinednode.running(world):
        await asyncio.sleep(60)
        assert world.there is None
        assert world.lease is None
        (finding,) = world.node.findings()
        assert "registerNode is false" in finding.message
        made = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "node1"}, "spec": {}}
        await world.api.ask("POST", "/api/v1/nodes", made)
        await asyncio.sleep(10)
        assert world.ready()[0] == "True"
        assert world.lease is not None
        assert f"POST {joinednode.NODE}" not in world.api.calls


async def test_labels_of_a_node_that_is_there_are_put_right_at_the_start():
    first = joinednode.World()
    async with joinednode.running(first):
        await asyncio.sleep(1)
    first.api.change(
        joinednode.NODE, {"metadata": {"labels": {"kubernetes.io/os": "plan9", "mine": "x"}}}
    )
    settings = replace(
        joinednode.SETTINGS, node_labels={"tier": "edge", "topology.kubernetes.io/zone": "z"}
    )
    async with joinednode.running(joinednode.World(first.api, settings)) as second:
        await asyncio.sleep(1)
        labels = second.there["metadata"]["labels"]
        assert (labels["kubernetes.io/os"], labels["mine"]) == ("linux", "x")
        assert labels["topology.kubernetes.io/zone"] == "z"
        assert "tier" not in labels
