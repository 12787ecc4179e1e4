"""A Node whose API server is away, or lies, in virtual time."""

import asyncio
import copy
import logging
from datetime import timedelta

import pytest

from staticlet.kube import rfc3339
from staticlet.testing import joinednode

pytestmark = pytest.mark.looptime


async def test_a_server_that_is_away_is_waited_for_without_a_word(caplog):
    world = joinednode.World()
    world.api.trouble = lambda method, path: joinednode.DOWN
    with caplog.at_level(logging.INFO):
        async with joinednode.running(world):
            await asyncio.sleep(600)
            assert caplog.records == []
            assert world.node.own.uid == ""
            assert len(world.api.calls) < 1000
            world.api.trouble = lambda method, path: None
            await asyncio.sleep(10)
            assert world.ready()[0] == "True"


async def test_an_outage_delays_nothing_after_it():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        world.api.trouble = lambda method, path: joinednode.DOWN
        await asyncio.sleep(600)
        world.api.trouble = lambda method, path: None
        await asyncio.sleep(10)
        age = world.clock.now() - rfc3339.moment(world.lease["spec"]["renewTime"])
        assert age < timedelta(seconds=11)
        assert world.node.own.uid


LIES = [
    {},
    {"metadata": None},
    {"metadata": "node1"},
    {"metadata": {"name": "node2", "uid": "u"}},
    {"metadata": {"name": "node1", "uid": None}},
    {"metadata": {"name": "node1", "uid": "u", "labels": [1]}},
    {"metadata": {"name": "node1", "uid": "u"}, "status": "fine"},
    {"metadata": {"name": "node1", "uid": "u"}, "status": {"conditions": {"a": 1}}},
    {"metadata": {"name": "node1", "uid": "u"}, "status": {"conditions": [7, {"type": []}]}},
    {"metadata": {"name": "node1", "uid": "u"}, "status": {"nodeInfo": 5, "capacity": [1]}},
    {"metadata": {"name": "node1", "uid": "u"}, "spec": {"renewTime": "2030-01-01T00:00:00"}},
    {"metadata": {"name": "node1", "uid": "u"}, "spec": {"renewTime": 5}},
    {"metadata": {"name": "node1", "uid": "u", "resourceVersion": 7}, "spec": []},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
async def test_a_server_that_lies_harms_nothing_and_is_believed_once_it_tells_the_truth(lie):
    world = joinednode.World()
    real = world.api.ask

    async def lying(*given, **more):
        await asyncio.sleep(0.001)
        return copy.deepcopy(lie)

    world.api.ask = lying
    async with joinednode.running(world):
        await asyncio.sleep(60)
        world.api.ask = real
        await asyncio.sleep(60)
        assert world.ready()[0] == "True"
        assert world.node.own.uid == world.there["metadata"]["uid"]
        assert world.lease["metadata"]["ownerReferences"][0]["uid"] == world.node.own.uid


async def test_a_watch_that_tells_nonsense_of_the_node_is_not_believed():
    async with joinednode.running(joinednode.World()) as world:
        await asyncio.sleep(5)
        known = world.node.own.uid
        for lie in LIES[4:]:
            world.api.tell("MODIFIED", joinednode.NODE, {"kind": "Node"} | lie)
        await asyncio.sleep(5)
        world.api.change(joinednode.NODE, {"metadata": {"labels": {"a": "b"}}})
        await asyncio.sleep(60)
        assert world.node.own.uid == known
        assert world.node.own.node["metadata"]["labels"]["a"] == "b"
