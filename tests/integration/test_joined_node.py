"""The Node of this machine, kept against an API server with a node's rights."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from staticlet.aio import clock
from staticlet.client import connection
from staticlet.config.settings import Settings
from staticlet.kube import release
from staticlet.node import joined, lease
from staticlet.testing import fake_runtime

NODE = "/api/v1/nodes/node1"
LEASE = f"{lease.PATH}/node1"
DEADLINE_S = 10.0


@pytest.fixture
def client(any_server):
    return any_server.client


@pytest.fixture
def kubeconfig(any_server):
    return any_server.places.node_conf


@contextlib.asynccontextmanager
async def agent(kubeconfig, settings):
    """A Node that is kept, and the events about it."""
    time = clock.SystemClock()
    api = connection.Connection(kubeconfig, clock=time)
    runtime = fake_runtime.FakeRuntime(time)
    told = []
    node = joined.Node(
        api,
        settings,
        runtime=runtime,
        images=runtime.images,
        tell=lambda *event: told.append(event),
        clock=time,
        random=lambda: 0.5,
        pause=api.pause,
    )
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(node.run(), name="node")
            try:
                yield node, told
            finally:
                task.cancel()
    finally:
        await api.aclose()


async def until(client, path, holds):
    """The object at a path, once something holds of it."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            answer = await client.ask("GET", path)
            if answer.code == 200 and holds(answer.body):
                return answer.body
            await asyncio.sleep(0.02)


async def known(node, holds):
    """Return once something holds of what the agent knows of its Node."""
    with node.own.changes.subscribed() as changes:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                await changes.next()


def ready(node):
    conditions = {one["type"]: one["status"] for one in node["status"].get("conditions", ())}
    return conditions.get("Ready") == "True"


def settings(tmp_path, **more):
    return Settings(node_name="node1", root_dir=tmp_path, **more)


async def test_a_node_registers_and_lives_with_a_nodes_rights(client, kubeconfig, tmp_path):
    taint = {"key": "edge", "value": "yes", "effect": "NoSchedule"}
    told = settings(tmp_path, node_labels={"tier": "edge"}, register_with_taints=(taint,))
    async with agent(kubeconfig, told) as (node, events):
        there = await until(client, NODE, ready)
        sign = await until(client, LEASE, lambda one: one["spec"].get("renewTime"))
        assert there["metadata"]["labels"]["tier"] == "edge"
        assert taint in there["spec"]["taints"]
        assert there["status"]["nodeInfo"]["kubeletVersion"] == release.VERSION
        assert int(there["status"]["capacity"]["cpu"]) > 0
        assert sign["metadata"]["ownerReferences"][0]["uid"] == there["metadata"]["uid"]
        assert node.own.uid == there["metadata"]["uid"]
        assert node.findings() == ()
        assert ("Normal", "NodeReady", "Node node1 status is now: NodeReady") in events


async def test_a_node_that_is_deleted_comes_back_at_once(client, kubeconfig, tmp_path):
    async with agent(kubeconfig, settings(tmp_path)) as (node, _):
        before = await until(client, NODE, ready)
        await client.ask("DELETE", NODE)
        after = await until(client, NODE, ready)
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
        await known(node, lambda: node.own.uid == after["metadata"]["uid"])


async def test_a_change_of_the_status_by_somebody_else_is_put_right(client, kubeconfig, tmp_path):
    async with agent(kubeconfig, settings(tmp_path)):
        there = await until(client, NODE, ready)
        there["status"]["conditions"] = [
            one | {"status": "Unknown"} for one in there["status"]["conditions"]
        ]
        there["metadata"].pop("resourceVersion")
        there["metadata"].pop("managedFields", None)
        put = await client.ask("PUT", f"{NODE}/status", there)
        assert put.code == 200, put.body
        assert not ready(put.body)
        await until(client, NODE, ready)


async def test_a_new_start_with_other_labels_changes_those_of_the_machine_only(
    client, kubeconfig, tmp_path
):
    zone = "topology.kubernetes.io/zone"
    first = settings(tmp_path, node_labels={zone: "a", "tier": "edge"})
    async with agent(kubeconfig, first):
        await until(client, NODE, ready)
    second = replace(first, node_labels={zone: "b", "tier": "core"})
    async with agent(kubeconfig, second):
        there = await until(client, NODE, lambda node: node["metadata"]["labels"].get(zone) == "b")
        assert there["metadata"]["labels"]["tier"] == "edge"


@pytest.mark.parametrize("text", ["pods", "memory"])
async def test_what_is_allocatable_is_known_to_those_who_admit_pods(
    client, kubeconfig, tmp_path, text
):
    async with agent(kubeconfig, settings(tmp_path, max_pods=7)) as (node, _):
        there = await until(client, NODE, ready)
        await known(node, node.allocatable)
        assert node.allocatable()[text] == there["status"]["allocatable"][text]
        assert node.allocatable()["pods"] == "7"
