"""Mirror pods in virtual time, with a server that does what a test says."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from staticlet.client import reflector
from staticlet.kube import core
from staticlet.node import complaints, mirrors, own
from staticlet.pods import wanted
from staticlet.testing import fakeapi, fakes, fakeview, wantedpods

pytestmark = pytest.mark.looptime

NODE = "node1"
KEY = wanted.PodKey("default", "web-node1")
PODS = "/api/v1/namespaces/default/pods"
MIRROR = f"{PODS}/{KEY.name}"
NO_CLASS = fakeapi.refused(403, 'no PriorityClass "high"')


def static(content: str = "one", *, phase: str = "Running") -> core.Pod:
    notes = {"kubernetes.io/config.hash": content, "kubernetes.io/config.source": "file"}
    made = wantedpods.wanted(name=KEY.name, labels={"app": "web"}, annotations=notes).pod
    assert made.metadata is not None
    return msgspec.structs.replace(
        made,
        metadata=core.ObjectMeta(
            name=KEY.name, namespace=KEY.namespace, labels={"app": "web"}, annotations=notes
        ),
        status=core.PodStatus(phase=phase, hostIPs=[core.HostIP(ip="192.0.2.1")]),
    )


class World:
    """A server, an agent, and who keeps the one's mirrors in the other."""

    def __init__(self, api: fakeapi.FakeApi | None = None, *, unknown: str = "") -> None:
        self.api = api or fakeapi.FakeApi()
        self.api.unknown = frozenset((unknown,))
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
        self.keeps = mirrors.Mirrors(
            self.api,
            node=NODE,
            owner=self.node,
            agent=self.view,
            there=self.there,
            tell=lambda reason, words: self.told.append(f"{reason}: {words}"),
            **common,
        )

    @property
    def mirror(self) -> dict[str, Any] | None:
        return self.api.objects.get(MIRROR)

    def change(self, **parts: Any) -> None:
        """Change the mirror as somebody else."""
        self.api.change(MIRROR, parts)

    def count(self, method: str) -> int:
        return sum(call.startswith(method) for call in self.api.calls)


@contextlib.asynccontextmanager
async def keeping(world: World) -> AsyncIterator[World]:
    world.node.grant(granted=True)
    world.node.settle({"metadata": {"name": NODE, "uid": "n"}})
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.run(), name="work") for one in (world.there, world.keeps)]
        await asyncio.sleep(1)
        try:
            yield world
        finally:
            for task in tasks:
                task.cancel()


async def test_a_mirror_is_made_and_its_status_written_once():
    async with keeping(World()) as world:
        world.view.show(KEY, static())
        await asyncio.sleep(300)
        assert world.mirror["status"]["phase"] == "Running"
        assert (world.count("POST"), world.count("PATCH"), world.count("DELETE")) == (1, 1, 0)


async def test_a_refusal_that_mends_itself_at_the_start_is_not_told(caplog):
    async with keeping(World()) as world:
        world.api.trouble = lambda method, path: NO_CLASS if method == "POST" else None
        world.view.show(KEY, static())
        await asyncio.sleep(2)
        assert world.count("POST") > 1
        world.api.trouble = lambda method, path: None
        await asyncio.sleep(60)
        assert world.mirror is not None
        assert world.told == []
        assert not [one for one in caplog.records if one.levelname == "WARNING"]


async def test_a_refusal_that_lasts_is_told_once_and_tried_on_ever_more_slowly():
    async with keeping(World()) as world:
        world.api.trouble = lambda method, path: NO_CLASS if method == "POST" else None
        world.view.show(KEY, static())
        await asyncio.sleep(complaints.PATIENCE_S + 2)
        words = (
            "FailedMirrorPod: static pod default/web-node1 has no mirror pod: the API server "
            'refuses it: no PriorityClass "high"'
        )
        assert world.told == [words]
        await asyncio.sleep(600)
        assert world.told == [words]
        assert 40 < world.count("POST") < 60
        world.api.trouble = lambda method, path: None
        await asyncio.sleep(16)
        assert world.mirror["status"]["phase"] == "Running"


async def test_a_status_that_is_refused_is_told_as_what_it_is():
    async with keeping(World()) as world:
        world.api.trouble = lambda method, path: (
            fakeapi.refused(422, "status.phase: no") if method == "PATCH" else None
        )
        world.view.show(KEY, static())
        await asyncio.sleep(20)
        (words,) = world.told
        assert words == (
            "FailedMirrorPod: static pod default/web-node1 has a mirror pod that is not kept "
            "true: the API server refuses it: status.phase: no"
        )


async def test_a_pod_in_the_way_is_told_after_a_moment_though_nothing_more_happens():
    async with keeping(World()) as world:
        meta = {"name": KEY.name, "namespace": KEY.namespace}
        await world.api.ask("POST", PODS, {"kind": "Pod", "metadata": meta})
        world.view.show(KEY, static())
        await asyncio.sleep(complaints.PATIENCE_S - 1)
        assert world.told == []
        await asyncio.sleep(2)
        (words,) = world.told
        assert "has no mirror pod: a pod of the API has its name" in words
        await asyncio.sleep(300)
        assert len(world.told) == 1


async def test_a_mirror_that_is_missing_is_a_finding_of_its_manifest_until_it_is_there():
    async with keeping(World()) as world:
        meta = {"name": KEY.name, "namespace": KEY.namespace}
        ended = {"kind": "Pod", "metadata": meta, "status": {"phase": "Failed"}}
        await world.api.ask("POST", PODS, ended)
        world.view.static[KEY] = wantedpods.wanted(name=KEY.name)
        world.view.show(KEY, static())
        await asyncio.sleep(1)
        assert [*world.keeps.findings(world.view.static)] == []
        await asyncio.sleep(5)
        (found,) = world.keeps.findings(world.view.static)
        assert str(found) == (
            f"/etc/kubernetes/manifests/{KEY.name}.yaml: static pod {KEY} has no mirror pod: a "
            "pod of the API has its name, which has ended and stays until: kubectl delete pod -n "
            f"{KEY.namespace} {KEY.name}"
        )
        await world.api.ask("DELETE", f"{PODS}/{KEY.name}")
        await asyncio.sleep(5)
        assert [*world.keeps.findings(world.view.static)] == []
        assert world.mirror


async def test_a_server_that_keeps_not_all_of_a_status_is_not_asked_to_again_and_again():
    async with keeping(World(unknown="hostIPs")) as world:
        world.view.show(KEY, static())
        await asyncio.sleep(10)
        assert world.mirror["status"] == {"phase": "Running"}
        assert world.count("PATCH") == 1
        world.view.show(KEY, static(phase="Pending"))
        await asyncio.sleep(10)
        assert world.mirror["status"] == {"phase": "Pending"}
        assert world.count("PATCH") == 2
        world.change(status={"phase": "Unknown"})
        await asyncio.sleep(10)
        assert world.mirror["status"] == {"phase": "Pending"}
        assert world.count("PATCH") == 3


async def test_a_status_is_put_right_at_once_and_against_somebody_without_end_ever_more_slowly():
    async with keeping(World()) as world:
        world.view.show(KEY, static())
        await asyncio.sleep(5)
        world.change(status={"phase": "Unknown"})
        await asyncio.sleep(0.05)
        assert world.mirror["status"]["phase"] == "Running"
        before = world.count("PATCH")
        for _ in range(600):
            world.change(status={"phase": "Unknown"})
            await asyncio.sleep(1)
        assert 20 < world.count("PATCH") - before < 60
        await asyncio.sleep(31)
        assert world.mirror["status"]["phase"] == "Running"


async def test_what_nobody_told_of_is_seen_within_a_minute():
    async with keeping(World()) as world:
        world.view.show(KEY, static(phase="Pending"))
        await asyncio.sleep(5)
        world.view.shown[KEY] = static()
        await asyncio.sleep(60)
        assert world.mirror["status"]["phase"] == "Running"


async def test_before_the_runtime_was_looked_at_the_status_stays_as_the_api_has_it():
    world = World()
    async with keeping(world):
        world.view.show(KEY, static())
        await asyncio.sleep(5)
    pod = static(phase="Pending")
    wants = dataclasses.replace(wantedpods.wanted(name=KEY.name), key=KEY, pod=pod)
    again = World(world.api)
    again.view.static[KEY] = wants
    async with keeping(again):
        await asyncio.sleep(30)
        assert again.mirror["status"]["phase"] == "Running"
        again.view.show(KEY, pod)
        await asyncio.sleep(1)
        assert again.mirror["status"]["phase"] == "Pending"


async def test_a_mirror_is_made_before_the_runtime_was_looked_at():
    async with keeping(World()) as world:
        pod = wantedpods.wanted(name=KEY.name)
        world.view.static[KEY] = dataclasses.replace(pod, key=KEY, pod=static(phase="Pending"))
        world.view.changes.publish(KEY)
        await asyncio.sleep(1)
        assert world.mirror is not None
        assert "status" not in world.mirror


async def test_who_deletes_a_mirror_gets_to_see_it_go():
    async with keeping(World()) as world:
        world.view.show(KEY, static())
        await asyncio.sleep(5)
        before = world.mirror["metadata"]["uid"]
        world.change(metadata={"deletionTimestamp": "2030-01-01T00:00:30Z"})
        await asyncio.sleep(mirrors.WATCHED_WITHIN_S - 0.05)
        world.view.show(KEY, static(phase="Pending"))  # other news do not shorten it
        await asyncio.sleep(0.04)
        assert world.mirror["metadata"]["uid"] == before
        await asyncio.sleep(0.05)
        assert world.mirror["metadata"]["uid"] != before
        assert "deletionTimestamp" not in world.mirror["metadata"]


async def test_a_mirror_that_is_gone_at_once_is_back_at_once():
    async with keeping(World()) as world:
        world.view.show(KEY, static())
        await asyncio.sleep(5)
        world.api.remove(MIRROR)
        await asyncio.sleep(0.05)
        assert world.mirror is not None


async def test_an_edit_is_undone_at_once_and_edits_without_end_ever_more_slowly():
    async with keeping(World()) as world:
        world.view.show(KEY, static())
        await asyncio.sleep(5)
        world.change(metadata={"labels": {"app": "other"}})
        await asyncio.sleep(0.05)
        assert world.mirror["metadata"]["labels"] == {"app": "web"}
        for number in range(600):
            world.change(metadata={"labels": {"app": f"other{number}"}})
            await asyncio.sleep(1)
        assert world.count("DELETE") < 50
        await asyncio.sleep(31)
        assert world.mirror["metadata"]["labels"] == {"app": "web"}


LIES: list[dict[str, Any]] = [
    {},
    {"metadata": {"name": KEY.name, "uid": "u"}, "status": "fine"},
    {"metadata": {"name": KEY.name, "uid": "u", "labels": [1]}},
    {"metadata": {"name": KEY.name, "uid": None}},
    {"metadata": {"name": "another", "uid": "u"}},
    {"metadata": {"name": KEY.name, "uid": "u"}, "status": {"conditions": [7]}},
    {"metadata": {"name": KEY.name, "uid": "u"}, "spec": {"containers": [7]}},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
async def test_answers_that_are_no_pods_are_not_believed(lie):
    world = World()
    real = world.api.ask

    async def lying(method: str, path: str, *given: Any, **more: Any) -> dict[str, Any]:
        await asyncio.sleep(0.001)
        return await real(method, path, *given, **more) if path == "/api/v1/pods" else lie

    async with keeping(world):
        world.api.ask = lying  # type: ignore[method-assign]  what the server says from now on
        world.view.show(KEY, static())
        await asyncio.sleep(60)
        world.api.ask = real  # type: ignore[method-assign]
        await asyncio.sleep(60)
        assert world.mirror["status"]["phase"] == "Running"


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie and "uid" in str(lie)], ids=str)
async def test_a_watch_that_shows_what_is_no_pod_stops_no_other_mirror(lie):
    async with keeping(World()) as world:
        world.view.show(KEY, static())
        await asyncio.sleep(5)
        meta = lie["metadata"] | {"namespace": KEY.namespace, "resourceVersion": "1000"}
        world.api.tell("MODIFIED", MIRROR, lie | {"metadata": meta})
        await asyncio.sleep(5)
        other = wanted.PodKey("default", "other-node1")
        pod = static()
        assert pod.metadata is not None
        meta = msgspec.structs.replace(pod.metadata, name=other.name)
        world.view.show(other, msgspec.structs.replace(pod, metadata=meta))
        await asyncio.sleep(5)
        assert f"{PODS}/{other.name}" in world.api.objects
        world.api.objects[MIRROR]["metadata"]["resourceVersion"] = "1001"
        world.change(metadata={"labels": {"app": "other"}})
        await asyncio.sleep(60)
        assert world.mirror["metadata"]["labels"] == {"app": "web"}
