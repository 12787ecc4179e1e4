"""Nodes that fall silent become Unknown, and their taints follow from how they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from staticlet.apiserver.controllers import hands, news, nodehealth, nodelifecycle
from staticlet.apiserver.store.port import Key, Put, Remove
from staticlet.kube import rfc3339
from staticlet.testing import fakes, verbcalls

NOW = fakes.START
DATE = "2030-01-01T00:00:00Z"
NODE = Key("nodes", "", "n1")
LEASE = Key("leases.coordination.k8s.io", "kube-node-lease", "n1")
UNREACHABLE = "node.kubernetes.io/unreachable"
NOT_READY = "node.kubernetes.io/not-ready"


def condition(kind: str, status: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastTransitionTime": "2029-12-31T00:00:00Z", **more}


def node(*conditions: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "n1", "uid": "u1", "creationTimestamp": "2029-12-30T00:00:00Z"},
        "spec": spec,
        "status": {"conditions": [*conditions]},
    }


def lease(renewed: str) -> dict[str, Any]:
    return {"spec": {"renewTime": renewed}}


# What shows life.


def test_a_lease_that_is_renewed_is_a_sign_of_life():
    first = nodehealth.signs(node(), lease("2030-01-01T00:00:00.000000Z"))
    second = nodehealth.signs(node(), lease("2030-01-01T00:00:10.000000Z"))
    seen = nodehealth.observed({}, {"n1": first}, 0.0)
    assert nodehealth.observed(seen, {"n1": second}, 10.0)["n1"].at_s == 10.0
    assert nodehealth.observed(seen, {"n1": first}, 10.0)["n1"].at_s == 0.0


def test_a_lease_whose_time_went_back_is_one_too():
    before = nodehealth.signs(node(), lease("2030-01-01T00:00:00.000000Z"))
    after = nodehealth.signs(node(), lease("2020-01-01T00:00:00.000000Z"))
    seen = nodehealth.observed({}, {"n1": before}, 0.0)
    assert nodehealth.observed(seen, {"n1": after}, 30.0)["n1"].at_s == 30.0


def test_a_heartbeat_is_one_and_any_other_change_of_the_node_is_none():
    ready = condition("Ready", "True", lastHeartbeatTime="2030-01-01T00:00:00Z")
    first = nodehealth.signs(node(ready), None)
    touched = nodehealth.signs(node({**ready, "status": "Unknown"}, unschedulable=True), None)
    assert touched == first
    beat = nodehealth.signs(node({**ready, "lastHeartbeatTime": DATE}), None)
    assert beat == first
    later = nodehealth.signs(node({**ready, "lastHeartbeatTime": "2030-01-01T00:05:00Z"}), None)
    assert later != first


def test_a_node_that_was_made_anew_is_another():
    first = nodehealth.signs(node(), None)
    other = nodehealth.signs({**node(), "metadata": {"name": "n1", "uid": "u2"}}, None)
    seen = nodehealth.observed({}, {"n1": first}, 0.0)
    assert nodehealth.observed(seen, {"n1": other}, 99.0)["n1"].at_s == 99.0


def test_a_node_that_has_never_told_its_state_has_more_time():
    seen = nodehealth.Seen(nodehealth.signs(node(), None), 100.0)
    grace = nodehealth.Grace()
    assert grace.over_s(node(condition("Ready", "True")), seen) == 150.0
    assert grace.over_s(node(), seen) == 160.0


# What is said of one that shows none.


def test_the_conditions_of_a_silent_node_are_unknown_in_the_known_words():
    ready = condition(
        "Ready", "True", reason="KubeletReady", message="fine", lastHeartbeatTime="2029"
    )
    mine = condition("Cooling", "True")
    made = nodehealth.silent(node(ready, mine, condition("DiskPressure", "False")), NOW)
    by_type = {one["type"]: one for one in made}
    assert by_type["Ready"] == {
        "type": "Ready",
        "status": "Unknown",
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
        "lastHeartbeatTime": "2029",
        "lastTransitionTime": DATE,
    }
    assert by_type["Cooling"] == mine
    assert by_type["DiskPressure"]["status"] == "Unknown"
    assert by_type["PIDPressure"] == {
        "type": "PIDPressure",
        "status": "Unknown",
        "reason": "NodeStatusNeverUpdated",
        "message": "Kubelet never posted node status.",
        "lastHeartbeatTime": "2029-12-30T00:00:00Z",
        "lastTransitionTime": DATE,
    }


def test_a_silent_node_is_told_of_once():
    told = node(*nodehealth.silent(node(condition("Ready", "True")), NOW))
    assert nodehealth.silent(told, NOW) is None


# Taints.


@pytest.mark.parametrize(
    ("kind", "status", "key"),
    [
        ("Ready", "False", NOT_READY),
        ("Ready", "Unknown", UNREACHABLE),
        ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
        ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
        ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
        ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ],
)
def test_a_condition_that_is_bad_taints_the_node(kind, status, key):
    made = nodehealth.taints(node(condition(kind, status)), NOW, hold_back=True)
    assert made == [{"key": key, "effect": "NoSchedule", "timeAdded": DATE}]


def test_pods_are_sent_away_from_nodes_that_are_not_ready_alone():
    bad = node(condition("Ready", "Unknown"), condition("DiskPressure", "True"))
    made = nodehealth.taints(bad, NOW, hold_back=False)
    sent = [one["key"] for one in made if one["effect"] == "NoExecute"]
    assert sent == [UNREACHABLE]


def test_a_taint_that_does_not_hold_any_more_goes_and_others_stay():
    mine = {"key": "only", "value": "gpu", "effect": "NoSchedule"}
    manual = {"key": NOT_READY, "effect": "PreferNoSchedule"}
    stale = [
        {"key": UNREACHABLE, "effect": effect, "timeAdded": DATE}
        for effect in ("NoSchedule", "NoExecute")
    ]
    ready = node(condition("Ready", "True"), taints=[mine, *stale, manual])
    assert nodehealth.taints(ready, NOW, hold_back=False) == [mine, manual]


def test_a_node_that_answers_but_is_not_ready_changes_its_taint():
    old = [{"key": UNREACHABLE, "effect": "NoSchedule", "timeAdded": "2029-01-01T00:00:00Z"}]
    made = nodehealth.taints(node(condition("Ready", "False"), taints=old), NOW, hold_back=True)
    assert made == [{"key": NOT_READY, "effect": "NoSchedule", "timeAdded": DATE}]


def test_taints_that_are_right_are_left_with_their_time():
    old = [{"key": UNREACHABLE, "effect": "NoSchedule", "timeAdded": "2029-01-01T00:00:00Z"}]
    unknown = node(condition("Ready", "Unknown"), taints=old)
    assert nodehealth.taints(unknown, NOW, hold_back=True) is None


def test_a_cordoned_node_has_the_taint_of_one():
    (made,) = nodehealth.taints(
        node(condition("Ready", "True"), unschedulable=True), NOW, hold_back=False
    )
    assert made["key"] == "node.kubernetes.io/unschedulable"


def test_where_no_node_is_ready_no_pod_is_sent_away():
    ready, gone = node(condition("Ready", "True")), node(condition("Ready", "Unknown"))
    assert nodehealth.none_is_ready([gone, node()])
    assert not nodehealth.none_is_ready([gone, ready])


# The controller.


class Cluster:
    """A backend with the controller on it, and a clock that the test moves."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.clock = fakes.ManualClock()
        does = hands.Hands(backend, "nodelifecycle")
        self.controller = nodelifecycle.NodeLifecycle(
            backend.store,
            does,
            news.News(backend.store, does, self.clock, "node-controller"),
            self.clock,
            grace=nodehealth.Grace(),
        )

    async def look(self) -> float | None:
        """Settle until nothing changes any more."""
        for _ in range(5):
            revision = self.backend.store.revision
            wait_s = await self.controller.settle(())
            if self.backend.store.revision == revision:
                return wait_s
        raise AssertionError("it does not come to rest")

    async def join(self, name: str = "n1") -> None:
        """A node that is ready, with a Lease."""
        made = node(condition("Ready", "True", lastHeartbeatTime=DATE))
        meta = {**made["metadata"], "name": name, "uid": f"u-{name}"}
        made |= {"apiVersion": "v1", "kind": "Node", "metadata": meta}
        await self.put(Key("nodes", "", name), made)
        await self.renew(name)

    async def renew(self, name: str = "n1") -> None:
        """The node's agent shows life."""
        meta = {"name": name, "namespace": "kube-node-lease", "uid": f"l-{name}"}
        made = {**lease(rfc3339.micro(self.clock.now())), "metadata": meta}
        made |= {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        await self.put(Key(LEASE.resource, LEASE.namespace, name), made)

    async def run(self, name: str, on: str = "n1") -> Key:
        """A pod that is ready."""
        key = Key("pods", "default", name)
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "uid": f"p-{name}"},
            "spec": {"nodeName": on, "containers": [{"name": "c", "image": "i"}]},
            "status": {"phase": "Running", "conditions": [condition("Ready", "True")]},
        }
        pod["metadata"]["creationTimestamp"] = DATE
        await self.put(key, pod)
        return key

    async def put(self, key: Key, obj: dict[str, Any]) -> None:
        await self.backend.store.write(key, lambda _: Put(obj))

    def object(self, key: Key) -> dict[str, Any]:
        record = self.backend.store.get(key)
        assert record is not None
        return record.object()

    def state(self, key: Key = NODE) -> str:
        """The status of the condition Ready."""
        conditions = self.object(key)["status"]["conditions"]
        return next(one["status"] for one in conditions if one["type"] == "Ready")

    def taints(self, key: Key = NODE) -> set[tuple[str, str]]:
        found = self.object(key)["spec"].get("taints", ())
        return {(one["key"], one["effect"]) for one in found}

    def events(self) -> list[tuple[str, str, str]]:
        found = [one.object() for one in self.backend.store.list("events").records]
        return [(one["involvedObject"]["kind"], one["type"], one["message"]) for one in found]


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with verbcalls.served() as api:
        yield Cluster(api.backend)


async def test_a_node_that_shows_life_stays_as_it_is(cluster):
    await cluster.join()
    before = cluster.object(NODE)
    assert await cluster.look() == 50.0
    for _ in range(12):
        cluster.clock.advance(40)
        await cluster.renew()
        assert await cluster.look() == 50.0
    assert cluster.object(NODE) == before


async def test_a_node_that_falls_silent_is_unknown_after_fifty_seconds(cluster):
    await cluster.join()
    await cluster.look()
    cluster.clock.advance(49)
    assert await cluster.look() == 1.0
    assert cluster.state() == "True"
    cluster.clock.advance(1)
    assert await cluster.look() is None
    assert cluster.state() == "Unknown"
    assert cluster.taints() == {(UNREACHABLE, "NoSchedule")}
    assert cluster.events() == [("Node", "Normal", "Node n1 status is now: NodeNotReady")]


async def test_beside_a_node_that_is_ready_the_pods_of_a_silent_one_are_to_go(cluster):
    await cluster.join()
    await cluster.join("n2")
    await cluster.look()
    cluster.clock.advance(45)
    await cluster.renew("n2")
    await cluster.look()
    cluster.clock.advance(5)
    await cluster.look()
    assert cluster.taints() == {(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")}
    assert cluster.taints(Key("nodes", "", "n2")) == set()


async def test_the_pods_of_a_silent_node_are_not_ready_any_more_and_those_of_others_are(cluster):
    await cluster.join()
    await cluster.join("n2")
    mine, other = await cluster.run("mine"), await cluster.run("other", on="n2")
    await cluster.look()
    cluster.clock.advance(45)
    await cluster.renew("n2")
    await cluster.look()
    cluster.clock.advance(5)
    await cluster.look()
    assert (cluster.state(mine), cluster.state(other)) == ("False", "True")
    assert ("Pod", "Warning", "Node is not ready") in cluster.events()


async def test_what_an_agent_writes_when_it_is_back_is_not_undone(cluster):
    await cluster.join()
    pod = await cluster.run("web")
    await cluster.look()
    cluster.clock.advance(50)
    await cluster.look()
    status = cluster.object(pod)["status"]
    ready = {
        **cluster.object(pod),
        "status": {**status, "conditions": [condition("Ready", "True")]},
    }
    await cluster.put(pod, ready)
    await cluster.look()
    assert cluster.state(pod) == "True"
    await cluster.renew()
    beat = condition("Ready", "True", lastHeartbeatTime="2030-01-01T00:00:50Z")
    await cluster.put(NODE, {**cluster.object(NODE), "status": {"conditions": [beat]}})
    assert await cluster.look() == 50.0
    assert (cluster.state(), cluster.taints(), cluster.state(pod)) == ("True", set(), "True")


async def test_a_server_that_starts_gives_every_node_all_the_time(cluster):
    await cluster.join()
    cluster.clock.advance(7 * 24 * 3600)
    assert await cluster.look() == 50.0
    assert cluster.state() == "True"


async def test_a_server_that_was_stopped_for_a_while_blames_no_node(cluster):
    await cluster.join()
    await cluster.look()
    cluster.clock.advance(3600)
    assert await cluster.look() == 50.0
    assert cluster.state() == "True"


async def test_a_node_that_goes_is_forgotten_and_a_new_one_of_the_name_has_all_its_time(cluster):
    await cluster.join()
    await cluster.look()
    gone = cluster.object(NODE)
    await cluster.backend.store.write(NODE, lambda _: Remove(gone))
    cluster.clock.advance(60)
    assert await cluster.look() is None
    await cluster.join()
    assert await cluster.look() == 50.0
    assert cluster.state() == "True"


async def test_a_status_that_comes_at_the_same_moment_is_not_overwritten(cluster):
    await cluster.join()
    await cluster.look()
    cluster.clock.advance(50)
    stale = cluster.object(NODE)
    beat = condition("Ready", "True", lastHeartbeatTime="2030-01-01T00:00:50Z")
    await cluster.put(NODE, {**stale, "status": {"conditions": [beat]}})
    await cluster.controller._doubt(stale)
    assert cluster.state() == "True"
