"""What is written of pods, to servers that forget, drop fields or say what is not so."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from typing import Any

import pytest

from staticlet.client import port
from staticlet.node import podwrites
from staticlet.pods import wanted
from staticlet.testing import fakeapi, fakes, watched

pytestmark = pytest.mark.looptime

KEY = wanted.PodKey("default", "web")
POD = "/api/v1/namespaces/default/pods/web"
STATUS = f"PATCH {POD}/status"
WANTED = {"phase": "Running", "hostIPs": [{"ip": "192.0.2.1"}]}


class OneCondition(fakeapi.FakeApi):
    """A server that keeps the first condition alone."""

    def _keep(self, event: str, path: str, thing: dict[str, Any]) -> dict[str, Any]:
        status = dict(thing.get("status") or {})
        status["conditions"] = (status.get("conditions") or [])[:1]
        return super()._keep(event, path, {**thing, "status": status})


def lacking(status: Mapping[str, Any]) -> podwrites.Change:
    """Those fields of a status that an object does not have."""

    def change(obj: Mapping[str, Any]) -> dict[str, Any] | None:
        there = obj.get("status") or {}
        found = {name: value for name, value in status.items() if there.get(name) != value}
        return found or None

    return change


class World:
    """A server with one pod, and who writes it."""

    def __init__(self, api: fakeapi.FakeApi | None = None, *, unknown: str = "") -> None:
        self.api = api or fakeapi.FakeApi()
        self.api.unknown = frozenset((unknown,))
        self.there = watched.Watched()
        self.pods = podwrites.PodWrites(self.api, self.there, fakes.LoopClock(), lambda: 1.0)

    async def make(self) -> str:
        """Have the pod made by somebody; its uid."""
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
        made = await self.api.ask("POST", POD.rpartition("/")[0], body)
        self.see()
        return str(made["metadata"]["uid"])

    def see(self) -> None:
        """Have the watch bring what there is."""
        obj = self.api.objects.get(POD)
        if obj is None:
            self.there.objects.pop(KEY, None)
            return
        self.there.objects[KEY] = copy.deepcopy(obj)
        self.there.revision = int(obj["metadata"]["resourceVersion"])

    async def tell(self, status: Mapping[str, Any] = WANTED) -> bool:
        found = self.pods.newest(KEY)
        assert found is not None
        return await self.pods.tell(KEY, found, lacking(status)) == 0

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.objects[POD]["status"]
        return found

    def written(self) -> int:
        return self.api.calls.count(STATUS)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_status_is_written_once_and_known_before_the_watch_brings_it(world):
    await world.make()
    assert await world.tell()
    assert world.status == WANTED
    assert not await world.tell()
    assert world.written() == 1


async def test_a_pod_that_was_replaced_is_spared_and_counts_as_gone(world):
    old = await world.make()
    world.api.remove(POD)
    new = await world.make()
    world.there.objects[KEY]["metadata"]["uid"] = old
    assert await world.tell()
    assert world.pods.newest(KEY) is None
    assert "status" not in world.api.objects[POD]
    world.see()
    assert world.pods.newest(KEY)["metadata"]["uid"] == new


async def test_what_is_removed_is_gone_though_the_watch_has_it_still(world):
    uid = await world.make()
    await world.pods.remove(KEY, uid)
    assert POD not in world.api.objects
    assert world.pods.newest(KEY) is None


async def test_another_pod_of_the_name_is_not_removed(world):
    await world.make()
    await world.pods.remove(KEY, "another")
    assert POD in world.api.objects


@pytest.mark.parametrize("code", [404, 409])
async def test_a_server_that_says_a_pod_is_gone_that_is_there_is_not_believed(world, code):
    uid = await world.make()
    lie = fakeapi.refused(code, "pods not found")
    world.api.trouble = lambda method, path: lie if method in ("DELETE", "PATCH") else None
    with pytest.raises(port.Unreachable, match="and yet it is there"):
        await world.pods.remove(KEY, uid)
    with pytest.raises(port.Unreachable, match="and yet it is there"):
        await world.tell()
    assert world.pods.newest(KEY) is not None


async def test_a_pod_that_must_not_be_looked_at_may_be_gone_and_is_no_refusal(world):
    """As a Node authorizer has it, which knows of no relation to what is not there."""
    uid = await world.make()
    world.api.remove(POD)
    forbidden = fakeapi.refused(403, "no relationship found between node and this object")
    world.api.trouble = lambda method, path: forbidden if method == "GET" else None
    with pytest.raises(port.Unreachable, match="may be gone"):
        await world.pods.remove(KEY, uid)
    world.see()
    assert world.pods.newest(KEY) is None


async def test_what_a_server_does_not_keep_is_sent_once():
    world = World(unknown="hostIPs")
    await world.make()
    assert await world.tell()
    for _ in range(5):
        world.see()
        assert not await world.tell()
    assert world.written() == 1
    assert world.status == {"phase": "Running"}


async def test_a_change_is_written_once_though_something_else_is_not_kept():
    world = World(unknown="hostIPs")
    await world.make()
    await world.tell()
    later = {**WANTED, "phase": "Succeeded"}
    assert await world.tell(later)
    assert not await world.tell(later)
    assert world.written() == 2
    assert world.status == {"phase": "Succeeded"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"phase": "Pending"}, {"phase": "Running"}),
        ({"phase": "Pending"}, {"phase": "Pending", "podIP": "192.0.2.9"}),
        (
            {"conditions": [{"type": "Ready", "status": "False"}]},
            {"conditions": [{"type": "Ready", "status": "True"}]},
        ),
        (
            {"containerStatuses": [{"name": "main", "restartCount": 0}]},
            {"containerStatuses": [{"name": "main", "restartCount": 1}]},
        ),
    ],
)
async def test_what_changes_while_it_is_written_is_written_after_it(world, before, after):
    await world.make()
    now = dict(before)

    def meanwhile(method: str, path: str) -> None:
        now.update(after)

    world.api.trouble = meanwhile
    assert await world.tell(now)
    assert await world.tell(now)
    assert world.status == after
    assert not await world.tell(now)


async def test_a_condition_that_a_server_does_not_keep_is_sent_once():
    wanted = [{"type": "Ready", "status": "True"}, {"type": "New", "status": "True"}]

    def change(obj: Mapping[str, Any]) -> dict[str, Any] | None:
        there = (obj.get("status") or {}).get("conditions") or []
        missing = [one for one in wanted if one not in there]
        return {"conditions": missing} if missing else None

    world = World(OneCondition())
    await world.make()
    for _ in range(3):
        found = world.pods.newest(KEY)
        await world.pods.tell(KEY, found, change)
        world.see()
    assert world.written() == 1


async def test_what_somebody_overwrites_is_put_right_though_something_else_is_not_kept():
    world = World(unknown="hostIPs")
    await world.make()
    for count in (1, 2, 3):
        await world.tell()
        assert world.written() == count
        assert world.status == {"phase": "Running"}
        world.api.change(POD, {"status": {"phase": "Unknown"}})
        world.see()
        await asyncio.sleep(10)


async def test_who_overwrites_a_status_again_and_again_is_put_right_ever_more_slowly(world):
    await world.make()
    await world.tell()
    left = []
    for _ in range(4):
        world.api.change(POD, {"status": {"phase": "Unknown"}})
        world.see()
        again_s = await world.pods.tell(KEY, world.pods.newest(KEY), lacking(WANTED))
        left.append(again_s)
        await asyncio.sleep(again_s)
        await world.tell()
        assert world.status == WANTED
    assert left == pytest.approx([0, 0, 1, 2], abs=0.1)


async def test_a_status_that_changes_to_and_fro_is_written_at_once(world):
    await world.make()
    for phase in ("Pending", "Running") * 20:
        assert await world.tell({"phase": phase})
    assert world.written() == 40


async def test_what_was_kept_once_is_put_right_whenever_it_is_missing(world):
    await world.make()
    for count in (1, 2, 3):
        await world.tell()
        assert world.written() == count
        world.api.change(POD, {"status": {"hostIPs": None}})
        world.see()
        await asyncio.sleep(10)


async def test_after_a_new_list_a_server_is_tried_again_with_all_of_it():
    world = World(unknown="hostIPs")
    await world.make()
    await world.tell()
    world.api.unknown = frozenset()
    world.there.listings += 1
    world.see()
    assert await world.tell()
    assert world.status == WANTED
    assert not await world.tell()


async def test_a_namesake_is_told_of_though_the_last_one_was():
    world = World(unknown="hostIPs")
    await world.make()
    await world.tell()
    world.api.remove(POD)
    await world.make()
    await world.tell()
    assert world.status == {"phase": "Running"}


async def test_an_answer_that_is_no_pod_is_none(world, monkeypatch):
    await world.make()
    monkeypatch.setattr(world.api, "_patch", lambda *_, **__: {"kind": "Pod", "status": []})
    with pytest.raises(port.Unreachable, match="something else"):
        await world.tell()
    assert world.pods.newest(KEY) is world.there.objects[KEY]
