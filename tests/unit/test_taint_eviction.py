"""Pods leave a node whose taints they do not tolerate, at once or after a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from staticlet.apiserver.controllers import hands, news, tainteviction
from staticlet.apiserver.store.port import Key, Put
from staticlet.testing import fakes, verbcalls

TAINT = {"key": "only", "value": "gpu", "effect": "NoExecute"}
OTHER = {"key": "other", "effect": "NoExecute"}


def tolerating(*keys: str, seconds: int | None = None) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [{"key": key, "operator": "Exists"} for key in keys]
    return made if seconds is None else [{**one, "tolerationSeconds": seconds} for one in made]


@pytest.mark.parametrize(
    ("tolerations", "stays"),
    [
        ([], 0.0),
        (tolerating("only"), 0.0),
        (tolerating("only", "other"), None),
        (tolerating("only", "other", seconds=30), 30.0),
        ([*tolerating("only", seconds=30), *tolerating("other", seconds=7)], 7.0),
        (tolerating("only", "other", seconds=-5), 0.0),
        ([*tolerating("only", "other"), *tolerating("only", seconds=9)], None),
        ([{"operator": "Exists"}], None),
    ],
)
def test_how_long_a_pod_stays(tolerations, stays):
    pod = {"spec": {"tolerations": tolerations}}
    assert tainteviction.stays_s(pod, [TAINT, OTHER]) == stays


def test_only_one_effect_sends_pods_away():
    taints = [TAINT, {"key": "k", "effect": "NoSchedule"}, {"key": "k"}]
    assert tainteviction.sending({"spec": {"taints": taints}}) == [TAINT]


class Cluster:
    """A node, pods on it, and the controller."""

    def __init__(self, backend: Any) -> None:
        self.store = backend.store
        self.clock = fakes.ManualClock()
        does = hands.Hands(backend, "taint-eviction")
        told = news.News(backend.store, does, self.clock, tainteviction.COMPONENT)
        self.controller = tainteviction.TaintEviction(self.store, does, told, self.clock)

    async def put(self, kind: str, key: Key, spec: dict[str, Any], **meta: Any) -> None:
        body = {"name": key.name, "uid": f"u-{key.name}", **meta}
        body["creationTimestamp"] = "2029-12-31T00:00:00Z"
        if key.namespace:
            body["namespace"] = key.namespace
        made = {"apiVersion": "v1", "kind": kind, "metadata": body, "spec": spec, "status": {}}
        await self.store.write(key, lambda _: Put(made))

    async def taint(self, *taints: dict[str, Any]) -> None:
        await self.put("Node", Key("nodes", "", "n1"), {"taints": [*taints]})

    async def run(self, name: str, *tolerations: dict[str, Any], **meta: Any) -> None:
        spec = {
            "nodeName": "n1",
            "containers": [{"name": "c", "image": "i"}],
            "tolerations": [*tolerations],
            "terminationGracePeriodSeconds": 30,
        }
        await self.put("Pod", Key("pods", "default", name), spec, **meta)

    def going(self) -> dict[str, Any]:
        """The pods that are deleted, with the reason of what was done to them."""
        found = [one.object() for one in self.store.list("pods").records]
        return {
            one["metadata"]["name"]: one["status"]["conditions"][0]["reason"]
            for one in found
            if "deletionTimestamp" in one["metadata"]
        }


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    async with verbcalls.served() as api:
        yield Cluster(api.backend)


async def test_pods_go_at_once_that_do_not_tolerate_a_taint(cluster):
    await cluster.taint(TAINT)
    await cluster.run("web")
    await cluster.run("tolerant", *tolerating("only"))
    assert await cluster.controller.settle(()) is None
    assert cluster.going() == {"web": "DeletionByTaintManager"}
    (event,) = (one.object() for one in cluster.store.list("events").records)
    assert event["message"] == "Marking for deletion Pod default/web"


async def test_pods_go_when_they_have_tolerated_it_for_as_long_as_they_do(cluster):
    await cluster.taint(TAINT)
    await cluster.run("web", *tolerating("only", seconds=300))
    assert await cluster.controller.settle(()) == 300.0
    cluster.clock.advance(299)
    assert await cluster.controller.settle(()) == 1.0
    assert cluster.going() == {}
    cluster.clock.advance(1)
    assert await cluster.controller.settle(()) is None
    assert cluster.going() == {"web": "DeletionByTaintManager"}


async def test_a_taint_that_goes_in_time_sends_nobody_away(cluster):
    await cluster.taint(TAINT)
    await cluster.run("web", *tolerating("only", seconds=300))
    await cluster.controller.settle(())
    cluster.clock.advance(200)
    await cluster.taint()
    assert await cluster.controller.settle(()) is None
    cluster.clock.advance(200)
    await cluster.taint(TAINT)
    assert await cluster.controller.settle(()) == 300.0
    assert cluster.going() == {}


async def test_a_mirror_pod_stays_whatever_it_tolerates(cluster):
    await cluster.taint(TAINT)
    await cluster.run("static-n1", annotations={"kubernetes.io/config.mirror": "h"})
    assert await cluster.controller.settle(()) is None
    assert cluster.going() == {}


async def test_pods_of_other_nodes_stay(cluster):
    await cluster.put("Node", Key("nodes", "", "n2"), {"taints": [TAINT]})
    await cluster.taint()
    await cluster.run("web")
    assert await cluster.controller.settle(()) is None
    assert cluster.going() == {}
