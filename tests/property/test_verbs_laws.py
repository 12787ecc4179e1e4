"""Whatever clients do to objects, some things always hold."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import looptime
from hypothesis import given, settings
from hypothesis import strategies as st

from staticlet.apiserver.store import port
from staticlet.apiserver.verbs import answers
from staticlet.kube import refusal
from staticlet.testing import verbcalls

NAMES = st.sampled_from(["a", "b", "c"])
RESOURCES = st.sampled_from(["configmaps", "pods"])
LABELS = st.dictionaries(st.sampled_from(["l", "m"]), st.sampled_from(["x", "y"]), max_size=2)
FINALIZERS = st.sampled_from([None, [], ["example.com/hold"]])
Step = tuple[Any, ...]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), RESOURCES, NAMES, LABELS, FINALIZERS),
        st.tuples(st.just("update"), RESOURCES, NAMES, LABELS, FINALIZERS),
        st.tuples(st.just("patch"), RESOURCES, NAMES, LABELS, FINALIZERS),
        st.tuples(st.just("delete"), RESOURCES, NAMES, st.sampled_from(["", "0", "5", "9"])),
        st.tuples(st.just("deletecollection"), RESOURCES, st.sampled_from(["", "l=x"])),
        st.tuples(st.just("bind"), NAMES),
        st.tuples(st.just("evict"), NAMES),
    ),
    max_size=25,
)


def made(resource: str, name: str, labels: Any, finalizers: Any) -> dict[str, Any]:
    meta = {"name": name, "labels": labels, "finalizers": finalizers}
    if resource == "configmaps":
        return {"metadata": meta}
    return {"metadata": meta, "spec": {"containers": [{"name": "c", "image": "x"}]}}


async def do(api: verbcalls.Api, step: Step) -> None:
    match step:
        case ("create" | "update" as verb, resource, name, labels, finalizers):
            body = made(resource, name, labels, finalizers)
            if verb == "update" and resource == "pods":
                body = await api.one("get", "pods", name)
                body["metadata"] |= {"labels": labels, "finalizers": finalizers}
            await api.ask(verb, resource, name if verb == "update" else "", body=body)
        case ("patch", resource, name, labels, finalizers):
            body = {"metadata": {"labels": labels, "finalizers": finalizers}}
            await api.ask("patch", resource, name, body=body, media=verbcalls.MERGE)
        case ("delete", resource, name, grace):
            await api.ask("delete", resource, name, gracePeriodSeconds=grace)
        case ("deletecollection", resource, selector):
            await api.ask("deletecollection", resource, labelSelector=selector)
        case ("bind", name):
            body = {"metadata": {"name": name}, "target": {"name": "n"}}
            await api.ask("create", "pods/binding", name, body=body)
        case ("evict", name):
            await api.ask("create", "pods/eviction", name, body={"metadata": {"name": name}})


class Watched:
    """What a watcher knows: it applies what it is told, and checks that it makes sense."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.newest = 0

    def told(self, event: answers.Event) -> None:
        record = event.record
        assert record is not None
        name = record.key.name
        assert (event.type == "ADDED") is (name not in self.objects), event.type
        revision = int(record.object()["metadata"]["resourceVersion"])
        assert revision == record.revision
        assert revision > self.newest
        self.newest = revision
        if event.type == "DELETED":
            del self.objects[name]
        else:
            self.objects[name] = record.encoded


async def replayed(api: verbcalls.Api, resource: str, **query: str) -> Watched:
    """What a watcher knows that began before anything was there."""
    known = Watched()
    stream = await api.ask(
        "watch",
        resource,
        resourceVersion=str(api.backend.store.oldest),
        timeoutSeconds="1",
        **query,
    )
    assert isinstance(stream, answers.Stream)
    async for events in stream.batches:
        for event in events:
            known.told(event)
    return known


async def refusal_of(doing: Awaitable[object]) -> refusal.Refusal | None:
    try:
        await doing
    except refusal.Refusal as error:
        return error
    return None


async def played(steps: list[Step]) -> None:
    async with verbcalls.served() as api:
        born: dict[port.Key, tuple[str, str]] = {}
        for step in steps:
            before = api.backend.store.revision
            refused = await refusal_of(do(api, step))
            if refused is not None:
                assert 400 <= refused.code < 500, refused.message
                if step[0] != "deletecollection":
                    assert api.backend.store.revision == before
            there = {}
            for resource in ("configmaps", "pods"):
                for record in api.backend.store.list(resource).records:
                    meta = record.object()["metadata"]
                    there[record.key] = (meta["uid"], meta["creationTimestamp"])
                    going = "deletionTimestamp" in meta
                    waits = meta.get("finalizers") or meta.get("deletionGracePeriodSeconds")
                    assert not going or waits
            for key, identity in there.items():
                uids = {uid for other, (uid, _) in born.items() if other != key}
                assert identity[0] not in uids
                same = born.get(key)
                assert same is None or same == identity
            born = there
        for resource in ("configmaps", "pods"):
            for query in ({}, {"labelSelector": "l=x"}):
                known = await replayed(api, resource, **query)
                answer = await api.ask("list", resource, **query)
                assert isinstance(answer, answers.Many)
                assert known.objects == {
                    record.key.name: record.encoded for record in answer.records
                }


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_uids_stay_versions_grow_and_a_watch_replays_to_the_list(steps: list[Step]) -> None:
    run(played(steps))


def run(doing: Any) -> None:
    """Run on a loop whose time does not pass by itself."""
    loop = looptime.new_event_loop()
    try:
        loop.run_until_complete(doing)
    finally:
        loop.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "metadata",
                    "spec",
                    "status",
                    "name",
                    "labels",
                    "data",
                    "kind",
                    "op",
                    "path",
                    "value",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
QUERIES = st.dictionaries(
    st.sampled_from(
        [
            "limit",
            "continue",
            "resourceVersion",
            "resourceVersionMatch",
            "labelSelector",
            "fieldSelector",
            "dryRun",
            "fieldManager",
            "fieldValidation",
            "gracePeriodSeconds",
            "propagationPolicy",
            "force",
            "sendInitialEvents",
            "timeoutSeconds",
        ]
    ),
    st.text(max_size=6) | st.sampled_from(["0", "1", "All", "Exact", "NotOlderThan", "true"]),
    max_size=4,
)
VERBS = st.sampled_from(
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
)
PATHS = st.sampled_from(
    [
        "pods",
        "pods/status",
        "pods/binding",
        "pods/eviction",
        "pods/ephemeralcontainers",
        "configmaps",
        "namespaces",
        "namespaces/finalize",
        "bindings",
        "events.events.k8s.io",
    ]
)
MEDIA = st.sampled_from(
    [verbcalls.JSON, verbcalls.MERGE, verbcalls.STRATEGIC, verbcalls.JSON_PATCH, verbcalls.APPLY]
)


@given(VERBS, PATHS, st.sampled_from(["", "web"]), JSON | st.binary(max_size=20), MEDIA, QUERIES)
@settings(max_examples=400, deadline=None)
def test_no_request_is_more_than_refused(
    verb: str, path: str, name: str, body: Any, media: str, query: dict[str, str]
) -> None:
    async def asked() -> None:
        async with verbcalls.served() as api:
            await api.ask("create", "pods", body=verbcalls.pod())
            doing = api.ask(verb, path, name, body=body, media=media, **query)
            refused = await refusal_of(doing)
            if refused is not None:
                assert refused.code in range(400, 500) or refused.code == 504, refused.message
                assert refused.status()["message"]

    run(asked())
