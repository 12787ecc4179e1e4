"""Pods of the API on a real API server: admitted, told of, and removed once they are gone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.client import connection, reflector
from staticlet.host import certs
from staticlet.kube import core
from staticlet.node import apipods, mirrors
from staticlet.pods import events, wanted
from staticlet.testing import apiloop, apiserver, kubeconfigs, wantedpods

NODE = "node1"
KEY = wanted.PodKey("default", "web")
PODS = "/api/v1/namespaces/default/pods"
POD = f"{PODS}/web"
MERGE = {"Content-Type": "application/merge-patch+json"}
LONG_S = 0.3
"""So long nothing must happen."""


class Owner:
    """The own Node, as the test tells it."""

    def __init__(self) -> None:
        self.node: Any = None
        self.granted = True
        self.uid = ""
        self.changes = fanout.Fanout[str]()

    def tell(self, node: Any) -> None:
        self.node, self.uid = node, node["metadata"]["uid"]
        self.changes.publish(NODE)


@dataclass
class View:
    """An agent with the pods that the test gives it."""

    changes: fanout.Fanout[wanted.PodKey] = field(default_factory=fanout.Fanout)
    works: asyncio.Event = field(default_factory=asyncio.Event)
    shown: dict[wanted.PodKey, core.Pod] = field(default_factory=dict)
    static: dict[wanted.PodKey, wanted.WantedPod] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    asked: wanted.Snapshot | None = None
    told: list[str] = field(default_factory=list)

    def publish(self, snapshot: wanted.Snapshot) -> None:
        self.asked = snapshot

    def record(self, subject: events.Subject, kind: str, reason: str, message: str) -> None:
        self.told.append(f"{kind} {subject.name} {reason}: {message}")

    def wants(self) -> dict[str, wanted.WantedPod]:
        manifests = self.asked.manifests if self.asked else ()
        return {pod.uid: pod for one in manifests for pod in one.pods}

    def show(self, uid: str, phase: str, key: wanted.PodKey = KEY) -> None:
        """What the agent has of a pod: it runs, or has ended."""
        self.left.add(uid)
        self.shown[key] = core.Pod(
            metadata=core.ObjectMeta(name=key.name, namespace=key.namespace, uid=uid),
            status=core.PodStatus(phase=phase),
        )
        self.changes.publish(key)

    def clear(self, uid: str, key: wanted.PodKey = KEY) -> None:
        self.left.discard(uid)
        self.shown.pop(key, None)
        self.changes.publish(key)

    def pods(self) -> list[core.Pod]:
        return [*self.shown.values()]

    def pod(self, key: wanted.PodKey) -> core.Pod | None:
        return self.shown.get(key)

    def is_gone(self, key: wanted.PodKey, uid: str) -> bool:
        return self.works.is_set() and uid not in self.left and uid not in self.wants()

    def manifests(self) -> wanted.Wanted:
        of_api = {pod.key: pod for pod in self.wants().values()}
        return wanted.Wanted(pods={**of_api, **self.static})

    def held_up(self):
        return {}

    def happened(self) -> tuple[events.Event, ...]:
        return ()

    def time(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the real thing's time


@dataclass
class Joined:
    """A node's side of a server that runs in this loop."""

    admin: apiloop.Client
    view: View
    owner: Owner

    async def bind(self, name: str = "web", **spec: Any) -> str:
        """Have a pod that is bound here; its uid."""
        spec.setdefault("containers", [{"name": "c", "image": "busybox:1"}])
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"nodeName": NODE, **spec},
        }
        made = await self.admin.ask("POST", PODS, body)
        assert made.code == 201, made.body
        return str(made.body["metadata"]["uid"])

    async def wanted(self, uid: str) -> wanted.WantedPod:
        return (await self.until(self._wants, lambda found: uid in found))[uid]

    async def _wants(self) -> dict[str, wanted.WantedPod]:
        return self.view.wants()

    async def get(self, path: str = POD) -> Any:
        return (await self.admin.ask("GET", path)).body

    async def phase(self, phase: str, path: str = POD) -> Any:
        return await self.until(
            lambda: self.get(path), lambda p: (p.get("status") or {}).get("phase") == phase
        )

    async def delete(self, grace_s: int = 30, path: str = POD) -> None:
        await self.admin.ask("DELETE", f"{path}?gracePeriodSeconds={grace_s}")

    async def gone(self, path: str = POD) -> None:
        await self.until(lambda: self.get(path), lambda p: p["kind"] == "Status")

    async def until(self, look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(10):
            while True:
                if holds(found := await look()):
                    return found
                await asyncio.sleep(0.02)


@asynccontextmanager
async def working(
    place: Path, admin: apiloop.Client, view: View, owner: Owner
) -> AsyncIterator[Joined]:
    clock = clocks.SystemClock()
    ca = certs.Places(place / "api").ca
    path = kubeconfigs.write(
        place,
        admin.url,
        cluster={"certificate-authority": str(ca)},
        user={"token": apiserver.TOKENS["node"]},
    )
    api = connection.Connection(path, clock=clock)
    common: dict[str, Any] = {
        "clock": clock,
        "random": random.random,  # noqa: TID251  the real thing
        "pause": api.pause,
    }
    there = reflector.Reflector(
        api, "/api/v1/pods", query={"fieldSelector": f"spec.nodeName={NODE}"}, **common
    )
    keeper = mirrors.Mirrors(
        api,
        node=NODE,
        owner=owner,
        agent=view,
        there=there,
        tell=lambda reason, words: None,
        **common,
    )
    keeps = apipods.ApiPods(
        api,
        agent=view,
        there=there,
        node=owner,
        publish=view.publish,
        record=view.record,
        **common,
    )
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work.run(), name="work") for work in (there, keeper, keeps)]
            yield Joined(admin=admin, view=view, owner=owner)
            for task in tasks:
                task.cancel()
    finally:
        await api.aclose()


@dataclass
class World:
    """A server with a node, and agents of it one after the other."""

    place: Path
    admin: apiloop.Client
    node: Any

    @asynccontextmanager
    async def agent(self, *, known: bool = True, works: bool = True) -> AsyncIterator[Joined]:
        view, owner = View(), Owner()
        if known:
            owner.tell(self.node)
        if works:
            view.works.set()
        async with working(self.place, self.admin, view, owner) as found:
            yield found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with apiloop.serving(tmp_path, controllers="none") as admin:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await admin.ask("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": NODE},
            "status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "10"}},
        }
        made = await admin.ask("POST", "/api/v1/nodes", node)
        yield World(place=tmp_path, admin=admin, node=made.body)


@pytest.fixture
async def joined(world: World) -> AsyncIterator[Joined]:
    async with world.agent() as found:
        yield found


async def test_a_pod_that_is_bound_here_is_wanted_and_its_status_told(joined):
    uid = await joined.bind()
    pod = await joined.wanted(uid)
    assert (pod.key, pod.source, pod.over) == (KEY, "api", False)
    assert joined.view.asked.ready
    joined.view.show(uid, "Running")
    await joined.phase("Running")


async def test_of_many_statuses_the_newest_counts(joined):
    uid = await joined.bind()
    await joined.wanted(uid)
    for phase in ("Running", "Pending", "Running", "Succeeded"):
        joined.view.show(uid, phase)
    await joined.phase("Succeeded")


async def test_a_status_that_somebody_edits_is_put_right_but_an_end_is_an_end(joined):
    uid = await joined.bind()
    await joined.wanted(uid)
    joined.view.show(uid, "Running")
    await joined.phase("Running")
    await joined.admin.ask(
        "PATCH", f"{POD}/status", {"status": {"phase": "Unknown"}}, headers=MERGE
    )
    await joined.phase("Running")
    await joined.admin.ask(
        "PATCH", f"{POD}/status", {"status": {"phase": "Failed"}}, headers=MERGE
    )
    await joined.until(joined._wants, lambda found: found[uid].over)
    await asyncio.sleep(LONG_S)
    assert (await joined.get())["status"]["phase"] == "Failed"


async def test_a_deleted_pod_is_removed_from_the_api_once_it_is_gone_here(joined):
    uid = await joined.bind()
    await joined.wanted(uid)
    joined.view.show(uid, "Running")
    await joined.phase("Running")
    await joined.delete(7)
    await joined.until(joined._wants, lambda found: uid not in found)
    await asyncio.sleep(LONG_S)
    assert (await joined.get())["metadata"]["deletionGracePeriodSeconds"] == 7
    joined.view.show(uid, "Succeeded")
    await joined.phase("Succeeded")
    joined.view.clear(uid)
    await joined.gone()


async def test_a_pod_that_a_finalizer_keeps_is_removed_once_and_goes_with_the_finalizer(joined):
    uid = await joined.bind()
    await joined.wanted(uid)
    kept = {"metadata": {"finalizers": ["example.com/x"]}}
    await joined.admin.ask("PATCH", POD, kept, headers=MERGE)
    await joined.delete(7)
    await joined.until(
        joined.get, lambda pod: pod["metadata"].get("deletionGracePeriodSeconds") == 0
    )
    version = (await joined.get())["metadata"]["resourceVersion"]
    joined.view.changes.publish(KEY)
    await asyncio.sleep(LONG_S)
    assert (await joined.get())["metadata"]["resourceVersion"] == version
    await joined.admin.ask("PATCH", POD, {"metadata": {"finalizers": None}}, headers=MERGE)
    await joined.gone()


async def test_what_was_deleted_meanwhile_goes_once_the_runtime_was_looked_at(world):
    async with world.agent() as before:
        uid = await before.bind()
        await before.wanted(uid)
        before.view.show(uid, "Running")
        await before.phase("Running")
    await world.admin.ask("DELETE", f"{POD}?gracePeriodSeconds=5")
    async with world.agent(works=False) as after:
        await after.until(after._wants, lambda _: after.view.asked is not None)
        await asyncio.sleep(LONG_S)
        assert (await after.get())["kind"] == "Pod"
        after.view.works.set()
        await after.gone()


async def test_a_namesake_that_came_meanwhile_is_another_pod(world):
    async with world.agent() as before:
        old = await before.bind()
        await before.wanted(old)
    await world.admin.ask("DELETE", f"{POD}?gracePeriodSeconds=0")
    async with world.agent() as after:
        after.view.show(old, "Running")
        new = await after.bind()
        await after.wanted(new)
        await asyncio.sleep(LONG_S)
        assert (await after.get())["status"]["phase"] == "Pending"
        after.view.clear(old)
        after.view.show(new, "Running")
        found = await after.phase("Running")
        assert found["metadata"]["uid"] == new


async def test_a_refused_pod_has_failed_and_is_not_run(joined):
    asks = {"resources": {"requests": {"cpu": "2"}}}
    uid = await joined.bind(containers=[{"name": "c", "image": "busybox:1", **asks}])
    words = "Node didn't have enough resource: cpu, requested: 2000, used: 0, capacity: 1000"
    status = (await joined.phase("Failed"))["status"]
    assert (status["reason"], status["message"]) == ("OutOfcpu", f"Pod was rejected: {words}")
    assert joined.view.told == [f"Warning web OutOfcpu: {words}"]
    found = joined.view.wants().get(uid)
    assert found is None or found.over
    await joined.delete(5)
    await joined.gone()


async def test_of_two_that_cannot_both_run_the_first_does(joined):
    ports = [{"containerPort": 80, "hostPort": 80}]
    spec = {"containers": [{"name": "c", "image": "busybox:1", "ports": ports}]}
    first = await joined.bind("first", **spec)
    await joined.wanted(first)
    await joined.bind("second", **spec)
    status = (await joined.phase("Failed", f"{PODS}/second"))["status"]
    assert status["reason"] == "NodePorts"
    assert not (await joined.wanted(first)).over


async def test_a_pod_that_has_ended_is_never_wanted_to_run_again(world):
    async with world.agent() as before:
        uid = await before.bind(restartPolicy="Never")
        await before.wanted(uid)
        before.view.show(uid, "Succeeded")
        await before.phase("Succeeded")
        await before.until(before._wants, lambda found: found[uid].over)
    async with world.agent() as after:
        assert (await after.wanted(uid)).over
        after.view.show(uid, "Running")
        await asyncio.sleep(LONG_S)
        assert (await after.get())["status"]["phase"] == "Succeeded"


async def test_a_pod_with_a_static_pods_name_is_refused(joined):
    joined.view.static[KEY] = wantedpods.wanted(name="web")
    await joined.bind()
    status = (await joined.phase("Failed"))["status"]
    assert status["reason"] == "UnexpectedAdmissionError"
    assert "a static pod of this node has its name: /etc/kubernetes" in status["message"]


async def test_a_static_pod_that_comes_later_takes_its_name_all_the_same(joined):
    uid = await joined.bind()
    await joined.wanted(uid)
    joined.view.show(uid, "Running")
    await joined.phase("Running")
    joined.view.static[KEY] = wantedpods.wanted(name="web")
    joined.view.clear(uid)
    status = (await joined.phase("Failed"))["status"]
    assert status["reason"] == "UnexpectedAdmissionError"
    assert not any(one["ready"] for one in status.get("containerStatuses", ()))
    assert len(joined.view.told) == 1


async def test_a_pod_that_only_claims_to_be_a_mirror_is_never_run_and_goes(joined):
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": {"kubernetes.io/config.mirror": "x"}},
        "spec": {"nodeName": NODE, "containers": [{"name": "c", "image": "busybox:1"}]},
    }
    made = await joined.admin.ask("POST", PODS, body)
    if made.code == 201:
        joined.view.changes.publish(KEY)
        await asyncio.sleep(LONG_S)
    assert joined.view.wants() == {}


async def test_nothing_is_admitted_before_the_node_is_there(world):
    async with world.agent(known=False) as joined:
        uid = await joined.bind()
        await asyncio.sleep(LONG_S)
        assert joined.view.wants() == {}
        assert not joined.view.asked.ready
        joined.owner.tell(world.node)
        await joined.wanted(uid)
        assert joined.view.asked.ready


async def test_nothing_is_admitted_while_another_agent_has_the_nodes_name(world):
    async with world.agent(known=False) as joined:
        joined.owner.granted = False
        joined.owner.tell(world.node)
        uid = await joined.bind()
        await asyncio.sleep(LONG_S)
        assert joined.view.wants() == {}
        joined.owner.granted = True
        joined.owner.changes.publish(NODE)
        await joined.wanted(uid)


async def test_while_the_api_is_away_what_is_wanted_stays_and_the_newest_is_told_after(tmp_path):
    async with apiloop.serving(tmp_path, controllers="none") as admin:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await admin.ask("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
        made = await admin.ask("POST", "/api/v1/nodes", node)
        port = int(admin.url.rpartition(":")[2])
        first = World(place=tmp_path, admin=admin, node=made.body)
        agent = first.agent()
        joined = await agent.__aenter__()
        uid = await joined.bind()
        await joined.wanted(uid)
    try:
        joined.view.show(uid, "Pending")
        joined.view.show(uid, "Running")
        await asyncio.sleep(LONG_S)
        assert uid in joined.view.wants()
        assert joined.view.asked.ready
        async with apiloop.serving(tmp_path, controllers="none", port=port) as again:
            joined.admin = again
            await joined.phase("Running")
    finally:
        await agent.__aexit__(None, None, None)
