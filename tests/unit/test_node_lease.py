"""The Lease of a node, and whose the name is, in virtual time."""

import asyncio
from datetime import timedelta

import pytest

from staticlet.kube import rfc3339
from staticlet.node import claim
from staticlet.testing import joinednode

pytestmark = pytest.mark.looptime


async def test_a_lease_that_is_deleted_is_made_again():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        world.api.remove(joinednode.LEASE)
        await asyncio.sleep(11)
        assert world.lease is not None


async def test_a_lease_that_somebody_edited_is_renewed_all_the_same():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        world.api.change(joinednode.LEASE, {"metadata": {"labels": {"a": "b"}}})
        await asyncio.sleep(60)
        assert world.lease["metadata"]["labels"] == {"a": "b"}
        age = world.clock.now() - rfc3339.moment(world.lease["spec"]["renewTime"])
        assert age < timedelta(seconds=11)
        assert world.node.own.uid


def renewed_by(world, agent):
    """Renew the Lease as another agent does."""
    notes = {claim.AGENT: agent}
    meta = {"name": "node1", "namespace": "kube-node-lease", "uid": "l", "annotations": notes}
    spec = {
        "holderIdentity": "node1",
        "leaseDurationSeconds": 40,
        "renewTime": rfc3339.micro(world.clock.now()),
    }
    if joinednode.LEASE in world.api.objects:
        world.api.change(joinednode.LEASE, {"metadata": {"annotations": notes}, "spec": spec})
    else:
        world.api.objects[joinednode.LEASE] = {
            "metadata": meta | {"resourceVersion": "1"},
            "spec": spec,
        }


async def rival(world, agent):
    while True:
        renewed_by(world, agent)
        await asyncio.sleep(10)


@pytest.mark.parametrize(("agent", "who"), [("other", "marked other"), (None, "a kubelet")])
async def test_a_newcomer_to_a_name_that_is_held_writes_nothing_and_says_so(caplog, agent, who):
    world = joinednode.World()
    async with asyncio.TaskGroup() as group:
        other = group.create_task(rival(world, agent), name="rival")
        async with joinednode.running(world):
            await asyncio.sleep(300)
            assert [
                call for call in world.api.calls if call.split()[0] in ("POST", "PUT", "PATCH")
            ] == []
            (finding,) = world.node.findings()
            assert who in finding.message
            assert "--hostname-override" in finding.message
            said = [one.message for one in caplog.records]
            assert said == [finding.message]
            assert world.events[1:] == [("Warning", "NodeNameConflict", finding.message)]
            other.cancel()
            await asyncio.sleep(60)
            assert world.node.findings() == ()
            assert world.ready()[0] == "True"


async def test_who_loses_the_lease_while_the_server_is_away_stands_back():
    world = joinednode.World()
    async with asyncio.TaskGroup() as group, joinednode.running(world):
        await asyncio.sleep(5)
        world.api.trouble = lambda method, path: joinednode.DOWN
        await asyncio.sleep(100)
        other = group.create_task(rival(world, "other"), name="rival")
        await asyncio.sleep(20)
        world.api.trouble = lambda method, path: None
        await asyncio.sleep(60)
        assert world.node.own.uid == ""
        assert "marked other" in world.node.findings()[0].message
        other.cancel()


async def test_of_two_that_look_alike_one_stands_back_in_the_end():
    world = joinednode.World()
    async with joinednode.running(world):
        await asyncio.sleep(5)
        twin = joinednode.World(world.api)
        async with joinednode.running(twin):
            await asyncio.sleep(1000)
            world.api.calls.clear()
            await asyncio.sleep(300)
            assert sorted((bool(world.node.own.uid), bool(twin.node.own.uid))) == [False, True]
            loser = twin if world.node.own.uid else world
            assert len(loser.node.findings()) == 1


async def test_a_request_whose_answer_was_lost_is_no_rival():
    world = joinednode.World()
    async with joinednode.running(world):
        await asyncio.sleep(5)
        real = world.api.ask
        lost = 0

        async def losing(method, path, body=None, **more):
            nonlocal lost
            answer = await real(method, path, body, **more)
            if method == "PUT" and lost < 10:
                lost += 1
                raise joinednode.DOWN
            return answer

        world.api.ask = losing
        await asyncio.sleep(200)
        assert lost == 10
        assert world.node.own.uid
        assert world.node.findings() == ()
