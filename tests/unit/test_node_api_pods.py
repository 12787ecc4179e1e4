"""Pods of the API, in virtual time, with a server that does what a test says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from staticlet.client import reflector
from staticlet.kube import core
from staticlet.node import apipods, own
from staticlet.pods import events, wanted
from staticlet.testing import fakeapi, fakes, fakeview

pytestmark = pytest.mark.looptime

NODE = "node1"
KEY = wanted.PodKey("default", "web")
PODS = "/api/v1/namespaces/default/pods"
POD = f"{PODS}/web"


class World:
    """A server, an agent, and who serves the one's pods with the other."""

    def __init__(self) -> None:
        self.api = fakeapi.FakeApi()
        self.clock = fakes.LoopClock()
        self.view = fakeview.FakeView(self.clock)
        self.node = own.OwnNode(NODE)
        self.told: list[str] = []
        common: dict[str, Any] = {
            "clock": self.clock,
            "random": lambda: 0.5,
            "pause": asyncio.sleep,
        }
        self.there = reflector.Reflector(self.api, "/api/v1/pods", query={}, **common)
        self.serves = apipods.ApiPods(
            self.api,
            agent=self.view,
            there=self.there,
            node=self.node,
            publish=self.view.publish,
            record=self.record,
            **common,
        )

    def record(self, subject: events.Subject, kind: str, reason: str, message: str) -> None:
        self.told.append(f"{kind} {subject.name} {reason}: {message}")

    async def bind(self) -> str:
        """Have a pod be bound here and admitted; its uid."""
        spec = {"nodeName": NODE, "containers": [{"name": "c", "image": "busybox:1"}]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
        body["metadata"] |= {"namespace": "default", "creationTimestamp": "2030-01-01T00:00:00Z"}
        made = await self.api.ask("POST", PODS, body)
        await asyncio.sleep(1)
        uid = str(made["metadata"]["uid"])
        assert uid in self.view.wants()
        return uid

    def show(self, uid: str, phase: str) -> None:
        meta = core.ObjectMeta(name=KEY.name, namespace=KEY.namespace, uid=uid)
        self.view.left.add(uid)
        self.view.show(KEY, core.Pod(metadata=meta, status=core.PodStatus(phase=phase)))

    def clear(self, uid: str) -> None:
        self.view.left.discard(uid)
        self.view.show(KEY, None)

    def phase(self) -> str:
        return str((self.api.objects[POD].get("status") or {}).get("phase"))


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[World]:
    world = World()
    node = {"metadata": {"name": NODE, "uid": "n"}, "status": {"allocatable": {"pods": "10"}}}
    world.node.grant(granted=True)
    world.node.settle(node)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run(), name="work") for one in (world.there, world.serves)]
        await asyncio.sleep(1)
        try:
            yield world
        finally:
            for task in tasks:
                task.cancel()


async def test_a_pod_that_ended_is_removed_though_the_first_delete_was_answered_404():
    async with serving() as world:
        uid = await world.bind()
        world.show(uid, "Running")
        await asyncio.sleep(1)
        assert world.phase() == "Running"
        lies = [fakeapi.refused(404, 'pods "web" not found')]
        world.api.trouble = lambda method, path: (
            lies.pop() if method == "DELETE" and lies else None
        )
        world.api.change(POD, {"metadata": {"deletionTimestamp": "2030-01-01T00:00:30Z"}})
        await asyncio.sleep(1)
        world.clear(uid)
        await asyncio.sleep(5)
        assert not lies
        assert POD not in world.api.objects


async def test_a_status_is_written_though_the_first_patch_was_answered_404():
    async with serving() as world:
        uid = await world.bind()
        lies = [fakeapi.refused(404, 'pods "web" not found')]
        world.api.trouble = lambda method, path: lies.pop() if method == "PATCH" and lies else None
        world.show(uid, "Running")
        await asyncio.sleep(5)
        assert not lies
        assert world.phase() == "Running"


async def test_a_pod_that_somebody_removed_is_asked_about_once():
    async with serving() as world:
        uid = await world.bind()
        world.show(uid, "Running")
        await asyncio.sleep(1)
        del world.api.objects[POD]  # and the watch says nothing
        world.api.calls.clear()
        for phase in ("Pending", "Succeeded"):
            world.show(uid, phase)
            await asyncio.sleep(60)
        assert world.api.calls.count(f"PATCH {POD}/status") == 1
        assert world.api.calls.count(f"GET {POD}") == 1


def delete(world: World, grace_s: int) -> None:
    meta = {"deletionTimestamp": "2030-01-01T00:00:30Z", "deletionGracePeriodSeconds": grace_s}
    world.api.change(POD, {"metadata": meta})


async def test_the_grace_of_a_deletion_is_the_newest_and_none_is_left_for_what_is_forced():
    async with serving() as world:
        uid = await world.bind()
        world.show(uid, "Running")
        await asyncio.sleep(1)
        assert world.serves.graces == {}
        delete(world, 30)
        await asyncio.sleep(1)
        assert world.serves.graces == {uid: 30}
        delete(world, 5)
        await asyncio.sleep(1)
        assert world.serves.graces == {uid: 5}
        await world.api.ask("DELETE", POD)
        await asyncio.sleep(1)
        assert world.serves.graces == {uid: 0}
        world.clear(uid)
        await world.bind()
        assert world.serves.graces == {}


async def test_a_pod_that_is_removed_at_once_keeps_its_own_grace():
    async with serving() as world:
        uid = await world.bind()
        world.show(uid, "Running")
        await asyncio.sleep(1)
        await world.api.ask("DELETE", POD)
        await asyncio.sleep(1)
        assert world.serves.graces == {}


async def test_what_changes_while_a_status_is_written_is_written_after_it():
    async with serving() as world:
        uid = await world.bind()
        later = ["Succeeded"]

        def meanwhile(method: str, path: str) -> None:
            if method == "PATCH" and later:
                world.show(uid, later.pop())

        world.api.trouble = meanwhile
        world.show(uid, "Running")
        await asyncio.sleep(1)
        assert world.phase() == "Succeeded"
        assert world.api.calls.count(f"PATCH {POD}/status") == 2


async def test_a_status_that_somebody_overwrites_without_end_is_put_right_ever_more_slowly():
    async with serving() as world:
        uid = await world.bind()
        world.show(uid, "Running")
        await asyncio.sleep(1)
        before = world.api.calls.count(f"PATCH {POD}/status")
        for _ in range(600):
            world.api.change(POD, {"status": {"phase": "Unknown"}})
            await asyncio.sleep(1)
        assert 20 < world.api.calls.count(f"PATCH {POD}/status") - before < 60
        await asyncio.sleep(31)
        assert world.phase() == "Running"


async def test_what_nobody_told_of_is_seen_within_a_minute():
    async with serving() as world:
        uid = await world.bind()
        world.show(uid, "Pending")
        world.view.shown[KEY].status.phase = "Running"
        world.api.change(POD, {"metadata": {"deletionTimestamp": "2030-01-01T00:00:30Z"}})
        await asyncio.sleep(1)
        world.view.left.discard(uid)
        await asyncio.sleep(60)
        assert POD not in world.api.objects


async def test_what_was_bound_while_another_agent_had_the_name_is_admitted_when_it_is_ours_again():
    async with serving() as world:
        world.node.grant(granted=False)
        spec = {"nodeName": NODE, "containers": [{"name": "c", "image": "busybox:1"}]}
        meta = {"name": "web", "namespace": "default"}
        meta["creationTimestamp"] = "2030-01-01T00:00:00Z"
        made = await world.api.ask("POST", PODS, {"kind": "Pod", "metadata": meta, "spec": spec})
        await asyncio.sleep(30)
        assert world.view.wants() == {}
        world.node.grant(granted=True)
        await asyncio.sleep(1)
        assert made["metadata"]["uid"] in world.view.wants()


@pytest.mark.parametrize(
    "lie",
    [
        {"spec": "fine"},
        {"spec": {"containers": [7]}},
        {"spec": {"containers": [{"name": "c", "resources": {"requests": ["much"]}}]}},
        {"spec": {"nodeSelector": 5}},
        {"spec": {"tolerations": [[]]}},
        {"status": []},
        {"status": {"conditions": [{"type": []}]}},
    ],
    ids=str,
)
async def test_what_is_no_pod_keeps_no_pod_waiting(lie):
    async with serving() as world:
        meta = {"name": "lie", "namespace": "default", "uid": "l", "resourceVersion": "1"}
        meta["creationTimestamp"] = "2020-01-01T00:00:00Z"
        world.api.tell("ADDED", f"{PODS}/lie", {"metadata": meta} | lie)
        await asyncio.sleep(1)
        uid = await world.bind()
        world.show(uid, "Running")
        await asyncio.sleep(1)
        assert world.phase() == "Running"
        assert world.view.wants().keys() == {uid}
