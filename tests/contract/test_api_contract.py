"""What the node's side counts on in an API server, of the fake and of the embedded one."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from staticlet.aio import clock
from staticlet.client import connection, port
from staticlet.testing import apiloop, fakeapi

NODES = "/api/v1/nodes"
NODE = f"{NODES}/node1"
PODS = "/api/v1/namespaces/default/pods"
POD = f"{PODS}/web"
FINE = {"type": "Ready", "status": "True", "reason": "r", "message": "m"}


@contextlib.asynccontextmanager
async def fake(tmp_path):
    del tmp_path
    yield fakeapi.FakeApi()


@contextlib.asynccontextmanager
async def embedded(tmp_path):
    async with apiloop.serving(tmp_path):
        made = connection.Connection(tmp_path / "api" / "admin.conf", clock=clock.SystemClock())
        try:
            yield made
        finally:
            await made.aclose()


@pytest.fixture(params=[fake, embedded], ids=["fake", "embedded"])
async def api(request, tmp_path):
    async with request.param(tmp_path) as made:
        yield made


def node(**status):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}, "status": status}


def pod(name="web"):
    """A mirror pod, for which no service account has to be there."""
    meta = {"name": name, "annotations": {"kubernetes.io/config.mirror": "hash"}}
    spec = {"nodeName": "node1", "containers": [{"name": "c", "image": "busybox:1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


async def refused(asking):
    with pytest.raises(port.Refused) as caught:
        await asking
    return caught.value.code, caught.value.reason


async def test_what_is_not_there_is_not_found(api):
    assert await refused(api.ask("GET", NODE)) == (404, "NotFound")
    patch = {"status": {"conditions": [FINE]}}
    asking = api.ask("PATCH", f"{NODE}/status", patch, media=port.STRATEGIC_PATCH)
    assert await refused(asking) == (404, "NotFound")


async def test_what_is_there_is_not_made_again(api):
    made = await api.ask("POST", NODES, node())
    assert made["metadata"]["uid"]
    assert await refused(api.ask("POST", NODES, node())) == (409, "AlreadyExists")


async def test_an_old_version_is_a_conflict(api):
    made = await api.ask("POST", NODES, node())
    labelled = {**made, "metadata": {**made["metadata"], "labels": {"a": "b"}}}
    changed = await api.ask("PUT", NODE, labelled)
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    assert await refused(api.ask("PUT", NODE, labelled)) == (409, "Conflict")


async def test_a_patch_for_another_life_of_the_object_is_refused(api):
    await api.ask("POST", NODES, node())
    patch = {"metadata": {"uid": "another", "labels": {"a": "b"}}}
    code, _ = await refused(api.ask("PATCH", NODE, patch, media=port.MERGE_PATCH))
    assert code in (409, 422)


async def test_only_the_life_of_an_object_that_is_named_is_deleted(api):
    made = await api.ask("POST", PODS, pod())
    now = {"gracePeriodSeconds": 0, "preconditions": {"uid": "another"}}
    assert await refused(api.ask("DELETE", POD, now)) == (409, "Conflict")
    now["preconditions"] = {"uid": made["metadata"]["uid"]}
    await api.ask("DELETE", POD, now)
    assert await refused(api.ask("DELETE", POD, now)) == (404, "NotFound")


async def test_a_list_of_all_namespaces_has_those_of_each(api):
    await api.ask("POST", PODS, pod())
    await api.ask("POST", PODS.replace("default", "kube-system"), pod("other"))
    listed = await api.ask("GET", "/api/v1/pods")
    assert {one["metadata"]["name"] for one in listed["items"]} == {"web", "other"}


async def test_conditions_are_merged_by_type_and_addresses_replaced_when_told_so(api):
    addresses = [{"type": "InternalIP", "address": "192.0.2.1"}]
    await api.ask("POST", NODES, node(conditions=[FINE], addresses=addresses))
    other = {**FINE, "type": "MemoryPressure", "status": "False"}
    now = {"type": "InternalIP", "address": "192.0.2.2"}
    patch = {"status": {"conditions": [other], "addresses": [now, {"$patch": "replace"}]}}
    got = await api.ask("PATCH", f"{NODE}/status", patch, media=port.STRATEGIC_PATCH)
    assert {one["type"] for one in got["status"]["conditions"]} == {"Ready", "MemoryPressure"}
    assert got["status"]["addresses"] == [now]


async def test_a_patch_of_the_status_leaves_the_rest_alone(api):
    await api.ask("POST", NODES, node())
    patch = {"spec": {"unschedulable": True}, "status": {"conditions": [FINE]}}
    await api.ask("PATCH", f"{NODE}/status", patch, media=port.STRATEGIC_PATCH)
    got = await api.ask("GET", NODE)
    assert "unschedulable" not in got.get("spec", {})
    assert [one["type"] for one in got["status"]["conditions"]] == ["Ready"]


async def test_a_watch_tells_of_all_that_happens_after_a_list(api):
    listed = await api.ask("GET", NODES)
    query = {"resourceVersion": listed["metadata"]["resourceVersion"]}
    stream = api.watch(NODES, query=query, silence_s=30)
    seen = []

    async def follow():
        async for event in stream:
            if event.type != "BOOKMARK":
                seen.append((event.type, event.object["metadata"]["name"]))
            if len(seen) == 3:
                return

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(follow(), name="watch")
        await asyncio.sleep(0.05)  # the fake tells only those who watch already
        await api.ask("POST", NODES, node())
        await api.ask("PATCH", NODE, {"metadata": {"labels": {"a": "b"}}}, media=port.MERGE_PATCH)
        await api.ask("DELETE", NODE)
    assert seen == [("ADDED", "node1"), ("MODIFIED", "node1"), ("DELETED", "node1")]
    await stream.aclose()
