"""Nothing is written in a node's name while it is another's."""

import asyncio

import pytest

from staticlet.client import port
from staticlet.node import guarded, own
from staticlet.testing import fakeapi

pytestmark = pytest.mark.looptime

POD = {"metadata": {"name": "node1"}}


def made():
    node, api = own.OwnNode("node1"), fakeapi.FakeApi()
    return node, api, guarded.Guarded(api, node, asyncio.sleep)


async def test_only_reading_goes_on_while_the_name_is_not_ours():
    _, api, guard = made()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(port.Unreachable):
            await guard.ask(method, "/api/v1/nodes", POD)
    assert api.calls == []
    listed = await guard.ask("GET", "/api/v1/nodes")
    assert listed["items"] == []


async def test_what_is_ours_is_written():
    node, api, guard = made()
    node.grant(granted=True)
    await guard.ask("POST", "/api/v1/nodes", POD)
    assert "/api/v1/nodes/node1" in api.objects
    node.grant(granted=False)
    with pytest.raises(port.Unreachable):
        await guard.ask("DELETE", "/api/v1/nodes/node1")
    assert "/api/v1/nodes/node1" in api.objects


async def test_a_watch_is_the_servers():
    _, api, guard = made()
    stream = guard.watch("/api/v1/nodes", query={}, silence_s=100)
    api_tells = asyncio.get_running_loop().call_later(
        1, lambda: api.tell("ADDED", "/api/v1/nodes/node1", POD)
    )
    event = await anext(stream)
    assert event.object == POD
    assert api_tells.when() == pytest.approx(asyncio.get_running_loop().time())
    await stream.aclose()


async def test_a_pause_ends_when_the_name_becomes_ours():
    node, _, guard = made()
    loop = asyncio.get_running_loop()
    loop.call_later(3, lambda: node.grant(granted=True))
    await guard.pause(30)
    assert loop.time() == pytest.approx(3)
    await guard.pause(5)
    assert loop.time() == pytest.approx(8)


async def test_a_pause_lasts_no_longer_than_it_was_asked_for():
    _, _, guard = made()
    await guard.pause(7)
    assert asyncio.get_running_loop().time() == pytest.approx(7)
