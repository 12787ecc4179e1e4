"""Mirror pods, their status and events, on a real API server as the node that they are of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.client import connection, port, reflector
from staticlet.kube import core
from staticlet.node import complaints, eventsender, mirrors, tending
from staticlet.pods import events, wanted
from staticlet.testing import anyserver, apiloop, apiserver, kubeconfigs, wantedpods

NODE = "node1"
KEY = wanted.PodKey("default", "web-node1")
PODS = "/api/v1/namespaces/default/pods"
MIRROR = f"{PODS}/{KEY.name}"
MERGE = {"Content-Type": "application/merge-patch+json"}


class Owner:
    """The own Node, as the test tells it."""

    def __init__(self) -> None:
        self.uid = ""
        self.changes = fanout.Fanout[str]()


@dataclass
class View:
    """An agent with the pods that the test gives it."""

    changes: fanout.Fanout[wanted.PodKey] = field(default_factory=fanout.Fanout)
    news: fanout.Fanout[str] = field(default_factory=fanout.Fanout)
    shown: dict[wanted.PodKey, core.Pod] = field(default_factory=dict)
    ready: bool = True
    recorder: events.Recorder = field(init=False)

    def __post_init__(self) -> None:
        self.recorder = events.Recorder(
            NODE, self.time, heard=lambda: self.news.publish("something")
        )

    def put(self, pod: core.Pod) -> None:
        self.shown[KEY] = pod
        self.changes.publish(KEY)

    def remove(self) -> None:
        self.shown.pop(KEY)
        self.changes.publish(KEY)

    def pods(self) -> list[core.Pod]:
        return [*self.shown.values()]

    def pod(self, key: wanted.PodKey) -> core.Pod | None:
        return self.shown.get(key)

    def manifests(self) -> wanted.Wanted:
        made = {
            key: wanted.WantedPod(
                key=key,
                uid="u",
                revision="r",
                pod=pod,
                source="file",
                origin="/m/web.yaml",
                seen=self.time(),
            )
            for key, pod in self.shown.items()
            if pod.metadata and pod.metadata.deletionTimestamp is None
        }
        names = frozenset(("file",))
        return wanted.Wanted(pods=made, sources=names, ready=names if self.ready else frozenset())

    def happened(self) -> tuple[events.Event, ...]:
        return self.recorder.events()

    def time(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  the real thing's time


def static(content: str = "one", *, phase: str = "Running", **meta: Any) -> core.Pod:
    notes = {
        "kubernetes.io/config.hash": content,
        "kubernetes.io/config.seen": "2030-01-01T00:00:00Z",
        "kubernetes.io/config.source": "file",
    }
    made = wantedpods.wanted(name=KEY.name, labels={"app": "web"}, annotations=notes).pod
    spec = made.spec
    assert spec is not None
    metadata = core.ObjectMeta(
        name=KEY.name,
        namespace=KEY.namespace,
        labels={"app": "web"},
        annotations=notes,
        **meta,
    )
    return core.Pod(
        metadata=metadata,
        spec=msgspec.structs.replace(spec, nodeName=NODE, hostNetwork=True),
        status=core.PodStatus(phase=phase),
    )


@dataclass
class Joined:
    """A node's side of a server that runs in this loop."""

    admin: apiloop.Client
    view: View
    owner: Owner
    told: list[str]

    async def get(self, path: str = MIRROR) -> Any:
        return (await self.admin.ask("GET", path)).body

    async def mirror(self, holds: Callable[[Any], bool]) -> Any:
        """The mirror once it is as it should be."""
        return await self.until(lambda: self.get(), lambda m: m["kind"] == "Pod" and holds(m))

    async def until(self, look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(10):
            while True:
                if holds(found := await look()):
                    return found
                await asyncio.sleep(0.02)

    async def gone(self) -> None:
        await self.until(self.get, lambda m: m["kind"] == "Status")


@asynccontextmanager
async def working(place: Path, server: anyserver.AnyServer, view: View) -> AsyncIterator[Joined]:
    clock, owner = clocks.SystemClock(), Owner()
    told: list[str] = []
    path = kubeconfigs.write(
        place,
        server.client.url,
        cluster={"certificate-authority": str(server.places.ca)},
        user={"token": apiserver.TOKENS["node"]},
    )
    api = connection.Connection(path, clock=clock)
    there = reflector.Reflector(
        api,
        "/api/v1/pods",
        clock=clock,
        random=random.random,  # noqa: TID251  the real thing
        query={"fieldSelector": f"spec.nodeName={NODE}"},
        pause=api.pause,
    )
    keeper = mirrors.Mirrors(
        api,
        node=NODE,
        owner=owner,
        agent=view,
        there=there,
        clock=clock,
        random=random.random,  # noqa: TID251  the real thing
        pause=api.pause,
        tell=lambda reason, words: told.append(f"{reason}: {words}"),
    )
    sender = eventsender.EventSender(
        api,
        view,
        view.news,
        clock,
        random=random.random,  # noqa: TID251  the real thing
        pause=api.pause,
    )
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(work.run(), name="work") for work in (there, keeper, sender)
            ]
            yield Joined(admin=server.client, view=view, owner=owner, told=told)
            for task in tasks:
                task.cancel()
    finally:
        await api.aclose()


@pytest.fixture
async def joined(any_server: anyserver.AnyServer, tmp_path: Path) -> AsyncIterator[Joined]:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
    made = await any_server.client.ask("POST", "/api/v1/nodes", node)
    async with working(tmp_path, any_server, View()) as found:
        found.owner.uid = made.body["metadata"]["uid"]
        found.owner.changes.publish(NODE)
        yield found


async def test_a_static_pod_gets_its_mirror_owned_by_the_node_and_its_status(joined):
    joined.view.put(static())
    found = await joined.mirror(lambda m: m["status"]["phase"] == "Running")
    notes = found["metadata"]["annotations"]
    assert notes["kubernetes.io/config.mirror"] == notes["kubernetes.io/config.hash"] == "one"
    (owner,) = found["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Node", NODE, joined.owner.uid)


async def test_its_status_follows_and_the_newest_counts(joined):
    joined.view.put(static(phase="Pending"))
    await joined.mirror(lambda m: True)
    for phase in ("Running", "Pending", "Running", "Failed"):
        joined.view.put(static(phase=phase))
    assert (await joined.mirror(lambda m: m["status"]["phase"] == "Failed"))["kind"] == "Pod"


@pytest.mark.parametrize("grace", ["0", "30"])
async def test_a_deleted_mirror_comes_back_at_once_with_another_uid(joined, grace):
    joined.view.put(static())
    before = (await joined.mirror(lambda m: m["status"]["phase"] == "Running"))["metadata"]["uid"]
    await joined.admin.ask("DELETE", f"{MIRROR}?gracePeriodSeconds={grace}")
    after = await joined.mirror(
        lambda m: m["metadata"]["uid"] != before and m["status"]["phase"] == "Running"
    )
    assert "deletionTimestamp" not in after["metadata"]


@pytest.mark.parametrize(
    "edit",
    [
        {"metadata": {"labels": {"app": "other"}}},
        {"metadata": {"labels": {"more": "here"}}},
        {"metadata": {"annotations": {"kubernetes.io/config.source": "api"}}},
        {"spec": {"containers": [{"name": "c", "image": "evil:1"}]}},
    ],
)
async def test_an_edit_is_undone(joined, edit):
    joined.view.put(static())
    before = await joined.mirror(lambda m: m["status"]["phase"] == "Running")
    done = await joined.admin.ask(
        "PATCH",
        MIRROR,
        edit,
        headers={"Content-Type": "application/strategic-merge-patch+json"},
    )
    assert done.code == 200, done.body
    uid = before["metadata"]["uid"]
    after = await joined.mirror(lambda m: m["metadata"]["uid"] != uid)
    assert after["metadata"]["labels"] == {"app": "web"}
    assert after["spec"]["containers"][0]["image"] == before["spec"]["containers"][0]["image"]
    assert after["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"


async def test_an_edit_soon_after_another_is_undone_too_without_any_other_news(joined):
    joined.view.put(static())
    mirror = await joined.mirror(lambda m: m["status"]["phase"] == "Running")
    for _ in range(3):
        uid = mirror["metadata"]["uid"]
        body = {"metadata": {"labels": {"app": "other"}}}
        await joined.admin.ask("PATCH", MIRROR, body, headers=MERGE)
        mirror = await joined.mirror(
            lambda m, uid=uid: m["metadata"]["uid"] != uid and m["status"]["phase"] == "Running"
        )
        assert mirror["metadata"]["labels"] == {"app": "web"}


async def test_a_status_that_somebody_edits_is_put_right(joined):
    joined.view.put(static())
    await joined.mirror(lambda m: m["status"]["phase"] == "Running")
    await joined.admin.ask(
        "PATCH", f"{MIRROR}/status", {"status": {"phase": "Failed"}}, headers=MERGE
    )
    await joined.mirror(lambda m: m["status"]["phase"] == "Running")


async def test_a_changed_manifest_has_another_mirror_and_a_removed_one_none(joined):
    joined.view.put(static("one"))
    before = (await joined.mirror(lambda m: True))["metadata"]["uid"]
    joined.view.put(static("two"))
    after = await joined.mirror(lambda m: m["metadata"]["uid"] != before)
    assert after["metadata"]["annotations"]["kubernetes.io/config.mirror"] == "two"
    joined.view.remove()
    await joined.gone()


async def test_a_server_that_says_of_what_is_there_that_it_is_not_is_asked_again(
    joined, monkeypatch
):
    joined.view.put(static("one"))
    before = (await joined.mirror(lambda m: True))["metadata"]["uid"]
    ask, lies = connection.Connection.ask, [404, 409]

    async def lying(self: connection.Connection, method: str, path: str, *args: Any, **more: Any):
        if method == "DELETE" and lies:
            raise port.Refused(lies.pop(), "", "no such pod")
        return await ask(self, method, path, *args, **more)

    monkeypatch.setattr(connection.Connection, "ask", lying)
    joined.view.put(static("two"))
    await joined.mirror(lambda m: m["metadata"]["uid"] != before)
    assert not lies
    assert not joined.told


async def test_a_pod_that_is_being_stopped_keeps_its_mirror_until_it_has_ended(joined):
    joined.view.put(static())
    before = (await joined.mirror(lambda m: m["status"]["phase"] == "Running"))["metadata"]["uid"]
    joined.view.put(static(phase="Succeeded", deletionTimestamp=joined.view.time()))
    after = await joined.mirror(lambda m: m["status"]["phase"] == "Succeeded")
    assert after["metadata"]["uid"] == before
    joined.view.put(static(phase="Pending", deletionTimestamp=joined.view.time()))
    await asyncio.sleep(0.3)
    assert (await joined.get())["status"]["phase"] == "Succeeded"
    joined.view.remove()
    await joined.gone()


async def test_nothing_is_made_while_there_is_no_node_and_all_once_there_is(joined):
    uid, joined.owner.uid = joined.owner.uid, ""
    joined.view.put(static())
    await asyncio.sleep(0.3)
    assert (await joined.get())["kind"] == "Status"
    joined.owner.uid = uid
    joined.owner.changes.publish(NODE)
    await joined.mirror(lambda m: True)


async def test_a_missing_namespace_is_told_once_and_waited_for(joined, monkeypatch):
    monkeypatch.setattr(tending, "MOST_ABSENT_S", 0.2)
    monkeypatch.setattr(complaints, "PATIENCE_S", 0.2)
    pod = static()
    assert pod.metadata is not None
    elsewhere = wanted.PodKey("later", KEY.name)
    moved = msgspec.structs.replace(
        pod, metadata=msgspec.structs.replace(pod.metadata, namespace="later")
    )
    joined.view.shown[elsewhere] = moved
    joined.view.changes.publish(elsewhere)

    async def told() -> list[str]:
        return joined.told

    await joined.until(told, bool)
    await asyncio.sleep(0.5)
    (words,) = joined.told
    assert words == (
        "FailedMirrorPod: static pod later/web-node1 has no mirror pod: the API server refuses "
        'it: namespaces "later" not found'
    )
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}}
    await joined.admin.ask("POST", "/api/v1/namespaces", namespace)
    path = f"/api/v1/namespaces/later/pods/{KEY.name}"
    await joined.until(lambda: joined.get(path), lambda m: m["kind"] == "Pod")


async def test_a_pod_of_the_api_with_the_name_is_spared_and_told(joined, monkeypatch):
    monkeypatch.setattr(complaints, "PATIENCE_S", 0.2)
    taken = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": KEY.name},
        "spec": {"nodeName": NODE, "containers": [{"name": "c", "image": "x"}]},
    }
    assert (await joined.admin.ask("POST", PODS, taken)).code == 201
    joined.view.put(static())

    async def told() -> list[str]:
        return joined.told

    (words,) = await joined.until(told, bool)
    assert "a pod of the API has its name" in words
    assert (await joined.get())["spec"]["containers"][0]["image"] == "x"


async def test_a_mirror_that_a_finalizer_keeps_is_told_and_comes_back_once_it_is_gone(
    joined, monkeypatch
):
    monkeypatch.setattr(complaints, "PATIENCE_S", 0.2)
    joined.view.put(static())
    before = await joined.mirror(lambda m: True)
    kept = {"metadata": {"finalizers": ["example.com/x"]}}
    await joined.admin.ask("PATCH", MIRROR, kept, headers=MERGE)
    await joined.admin.ask("DELETE", MIRROR)

    async def told() -> list[str]:
        return joined.told

    (words,) = await joined.until(told, bool)
    assert words.endswith("is kept by finalizers, which must be removed: example.com/x")
    await joined.admin.ask("PATCH", MIRROR, {"metadata": {"finalizers": None}}, headers=MERGE)
    uid = before["metadata"]["uid"]
    await joined.mirror(lambda m: m["metadata"]["uid"] != uid)


async def test_an_orphan_goes_once_all_manifests_are_known(joined):
    joined.view.put(static())
    await joined.mirror(lambda m: True)
    joined.view.ready = False
    joined.view.remove()
    await asyncio.sleep(0.3)
    assert (await joined.get())["kind"] == "Pod"
    joined.view.ready = True
    joined.view.changes.publish(KEY)
    await joined.gone()


async def listed(joined: Joined) -> list[Any]:
    """The events that the agent has told; a control plane tells of its own, too."""
    found = (await joined.get("/api/v1/namespaces/default/events"))["items"]
    return [one for one in found if one["source"].get("component") == "staticlet"]


async def test_what_happens_is_told_to_the_server_and_counted_up(joined):
    subject = events.of_pod(KEY, "static-uid")
    joined.view.recorder.record(subject, "Normal", "Started", "Container started")
    (first,) = await joined.until(lambda: listed(joined), bool)
    assert first["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "default",
        "name": KEY.name,
        "uid": "static-uid",
    }
    assert (first["reason"], first["count"]) == ("Started", 1)
    assert first["source"] == {"component": "staticlet", "host": NODE}
    for _ in range(2):
        joined.view.recorder.record(subject, "Normal", "Started", "Container started")
    (again,) = await joined.until(lambda: listed(joined), lambda found: found[0]["count"] == 3)
    assert again["metadata"]["uid"] == first["metadata"]["uid"]


async def test_trouble_with_a_manifest_is_an_event_on_the_node(joined):
    subject = events.of_manifest("/m/bad.yaml")
    joined.view.recorder.record(subject, "Warning", "FailedValidation", "line 3: no")
    (told,) = await joined.until(lambda: listed(joined), bool)
    about = {"apiVersion": "v1", "kind": "Node", "name": NODE, "uid": NODE}
    assert told["involvedObject"] == about
    assert told["message"] == "/m/bad.yaml: line 3: no"
