"""Controllers put right what has changed, by requests like anybody's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from staticlet.apiserver.controllers import (
    accounts,
    eventttl,
    leaving,
    namespaces,
    news,
    owners,
    podgc,
    registry,
    scheduler,
)
from staticlet.apiserver.resources import registry as resources
from staticlet.apiserver.store import opening
from staticlet.apiserver.store.port import Key, Put, Remove, Store
from staticlet.kube import names, refusal
from staticlet.testing import fakes

NOW = fakes.START
KINDS = resources.kinds()
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
STORED = [kind for kind in KINDS if "list" in kind.verbs and not kind.stored_as]


class RecordingHands:
    """Notes what a controller asks for, and does the deletions."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[tuple[str, str, Any]] = []

    async def create(self, kind: Any, namespace: str, obj: Mapping[str, Any]) -> None:
        self.asked.append(("create", kind.kind, {**obj, "in": namespace}))
        await put(self.store, kind.plural, namespace, obj["metadata"]["name"], **obj)

    async def delete(self, kind: Any, key: Key, uid: str, *, grace_s: int | None = None) -> None:
        self.asked.append(("delete", key.name, grace_s))
        record = self.store.get(key)
        assert record is not None
        assert record.object()["metadata"]["uid"] == uid
        gone = record.object()
        await self.store.write(key, lambda _: Remove(gone))

    async def update(self, kind: Any, key: Key, obj: Mapping[str, Any]) -> None:
        self.asked.append(("update", key.name, obj))

    async def create_below(self, kind: Any, key: Key, sub: str, obj: Mapping[str, Any]) -> bool:
        self.asked.append((sub, key.name, obj))
        return True

    async def update_below(self, kind: Any, key: Key, sub: str, obj: Mapping[str, Any]) -> None:
        self.asked.append((sub, key.name, obj))

    async def patch_status(self, kind: Any, key: Key, status: Mapping[str, Any]) -> None:
        self.asked.append(("status", key.name, status))


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with opening.opened(None, fields=KINDS.fields) as opened:
        yield opened


@pytest.fixture
def hands(store: Store) -> Any:
    return RecordingHands(store)


async def put(store: Store, resource: str, namespace: str, name: str, **parts: Any) -> Key:
    key = Key(resource, namespace, name)
    meta = {"name": name, "uid": f"uid-{name}", "creationTimestamp": "2026-01-01T11:00:00Z"}
    if namespace:
        meta["namespace"] = namespace
    kind = next(kind for kind in STORED if kind.key_resource == resource)
    obj = {"apiVersion": kind.api_version, "kind": kind.kind} | parts
    obj["metadata"] = meta | parts.get("metadata", {})
    await store.write(key, lambda _: Put(obj))
    return key


async def remove(store: Store, key: Key) -> None:
    record = store.get(key)
    assert record is not None
    gone = record.object()
    await store.write(key, lambda _: Remove(gone))


def a_scheduler(store: Store, hands: Any) -> scheduler.Scheduler:
    clock = fakes.ManualClock()
    told = news.News(store, hands, clock, "default-scheduler")
    return scheduler.Scheduler(store, hands, told, clock)


async def test_a_pod_without_a_node_is_bound_to_the_one_that_is_ready(store, hands):
    await put(store, "nodes", "", "one", spec={}, status=READY)
    key = await put(store, "pods", "default", "web", spec={"containers": []}, status={})
    assert await a_scheduler(store, hands).settle([key]) is None
    (verb, name, binding), (_, kind, event) = hands.asked
    assert (verb, name, binding["target"]["name"]) == ("binding", "web", "one")
    assert binding["metadata"]["uid"] == "uid-web"
    assert (kind, event["reason"]) == ("Event", "Scheduled")
    assert event["message"] == "Successfully assigned default/web to one"


async def test_a_pod_that_no_node_suits_is_told_why_and_once(store, hands):
    key = await put(store, "pods", "default", "web", spec={"containers": []}, status={})
    await a_scheduler(store, hands).settle([key])
    (verb, _, status), (_, _, event) = hands.asked
    assert verb == "status"
    assert status["conditions"] == [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "no nodes available to schedule pods",
            "lastTransitionTime": "2030-01-01T00:00:00Z",
        }
    ]
    assert (event["type"], event["reason"]) == ("Warning", "FailedScheduling")
    hands.asked.clear()
    await put(store, "pods", "default", "web", spec={"containers": []}, status=status)
    await a_scheduler(store, hands).settle([key])
    assert hands.asked == []


def test_what_a_scheduler_tells_has_the_form_of_kube_schedulers_events():
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "7"},
    }
    told = {"kind": "Warning", "reason": "FailedScheduling", "action": "Scheduling"}
    first = news.event(pod, message="é" * 600, component="default-scheduler", now=NOW, **told)
    assert first["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "web",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "7",
    }
    assert first["eventTime"] == "2030-01-01T00:00:00.000000Z"
    assert (first["action"], first["reportingComponent"]) == ("Scheduling", "default-scheduler")
    assert first["message"] == "é" * 512, "a message has 1024 bytes at most"
    assert not {"firstTimestamp", "lastTimestamp", "count", "source"} & first.keys()
    later = news.repeated(news.repeated(first, NOW), NOW + timedelta(seconds=2))
    assert later["eventTime"] == first["eventTime"]
    assert later["series"] == {"count": 3, "lastObservedTime": "2030-01-01T00:00:02.000000Z"}


def test_events_are_in_the_order_of_their_names_and_have_names_always():
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a" * 235 + ".b", "uid": "u"}}
    told = {"kind": "Normal", "reason": "R", "action": "A", "message": "", "component": "c"}
    first, later = (
        news.event(obj, now=NOW + timedelta(microseconds=after), **told)["metadata"]["name"]
        for after in (0, 1)
    )
    assert first < later
    assert first.startswith("a" * 235 + ".1")
    assert not [*names.dns_subdomain(first)]


async def test_what_repeats_becomes_a_series_and_what_is_forgotten_begins_anew(store, hands):
    async def told(which: int) -> tuple[str, Any]:
        await teller.about(pod(which), "Warning", "R", "words", action="A")
        verb, _, obj = hands.asked[-1]
        return verb, (obj.get("series") or {}).get("count")

    def pod(which: int) -> dict[str, Any]:
        meta = {"name": f"p{which}", "namespace": "default", "uid": f"u{which}"}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta}

    clock = fakes.ManualClock()
    teller = news.News(store, hands, clock, "c")
    assert await told(0) == ("create", None)
    assert await told(0) == ("update", 2)
    for which in range(1, 1025):
        await told(which)
    clock.advance(1.0)
    assert await told(0) == ("create", None)


async def test_a_pod_is_bound_even_where_nothing_may_be_told_of_it(store, hands):
    async def refused(*_: Any) -> None:
        raise refusal.forbidden(refusal.GroupResource("", "events"), "web.1", "it is going")

    hands.create = refused
    await put(store, "nodes", "", "one", spec={}, status=READY)
    for name in ("web", "more"):
        await put(store, "pods", "default", name, spec={"containers": []}, status={})
    await a_scheduler(store, hands).settle([])
    assert {(verb, name) for verb, name, _ in hands.asked} == {
        ("binding", "web"),
        ("binding", "more"),
    }


async def test_a_pod_that_is_refused_keeps_no_other_waiting(store, hands):
    bind = hands.create_below

    async def picky(kind: Any, key: Key, sub: str, obj: Mapping[str, Any]) -> bool:
        if key.name == "bad":
            raise refusal.internal("no")
        return bool(await bind(kind, key, sub, obj))

    hands.create_below = picky
    await put(store, "nodes", "", "one", spec={}, status=READY)
    for name in ("bad", "good"):
        await put(store, "pods", "default", name, spec={"containers": []}, status={})
    with pytest.raises(refusal.Refusal, match="no"):
        await a_scheduler(store, hands).settle([])
    assert [name for verb, name, _ in hands.asked if verb == "binding"] == ["good"]


async def test_a_pod_that_another_has_bound_is_not_told_of(store, hands):
    async def late(*_: Any) -> bool:
        return False

    hands.create_below = late
    await put(store, "nodes", "", "one", spec={}, status=READY)
    await put(store, "pods", "default", "web", spec={"containers": []}, status={})
    await a_scheduler(store, hands).settle([])
    assert hands.asked == []


async def test_two_pods_for_one_free_port_do_not_both_get_it(store, hands):
    ports = {"containers": [{"name": "c", "ports": [{"hostPort": 80}]}]}
    await put(store, "nodes", "", "one", spec={}, status=READY)
    for name in ("first", "second"):
        await put(store, "pods", "default", name, spec=ports, status={})
    await a_scheduler(store, hands).settle([])
    assert [name for verb, name, _ in hands.asked if verb == "binding"] == ["first"]
    assert [name for verb, name, _ in hands.asked if verb == "status"] == ["second"]


async def test_pods_that_have_a_node_are_left_alone(store, hands):
    await put(store, "nodes", "", "one", spec={}, status=READY)
    await put(store, "pods", "default", "web", spec={"nodeName": "other"}, status={})
    await a_scheduler(store, hands).settle([])
    assert hands.asked == []


async def test_a_terminating_namespace_is_emptied_and_then_let_go(store, hands):
    name = await put(
        store,
        "namespaces",
        "",
        "gone",
        spec={"finalizers": ["kubernetes", "mine"]},
        status={"phase": "Terminating"},
    )
    await put(store, "configmaps", "gone", "cm")
    await put(store, "configmaps", "kept", "cm")
    await put(store, "pods", "gone", "web", spec={}, status={})
    inside = [kind for kind in STORED if kind.namespaced]
    await namespaces.Namespaces(store, hands, inside, fakes.ManualClock()).settle([name])
    assert sorted(hands.asked[:2], key=str) == [("delete", "cm", None), ("delete", "web", None)]
    verb, _, obj = hands.asked[2]
    assert (verb, obj["spec"]["finalizers"]) == ("finalize", ["mine"])
    assert store.get(Key("configmaps", "kept", "cm")) is not None


class CountingHands(RecordingHands):
    """Counts how many deletions are under way, and refuses some."""

    def __init__(self, store: Store, *refused: str) -> None:
        super().__init__(store)
        self.refused = refused
        self.now = self.most = 0

    async def delete(self, kind: Any, key: Key, uid: str, *, grace_s: int | None = None) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0)
            if key.name in self.refused:
                raise refusal.internal(f"{key.name} stays")
            await super().delete(kind, key, uid, grace_s=grace_s)
        finally:
            self.now -= 1


def gone_with(store: Store, does: Any) -> namespaces.Namespaces:
    inside = [kind for kind in STORED if kind.namespaced]
    return namespaces.Namespaces(store, does, inside, fakes.ManualClock())


async def test_a_full_namespace_is_emptied_some_objects_at_a_time(store):
    does: Any = CountingHands(store)
    await put(store, "namespaces", "", "gone", status={"phase": "Terminating"})
    for number in range(3 * namespaces.AT_ONCE):
        await put(store, "configmaps", "gone", f"cm-{number}")
    assert await gone_with(store, does).settle([]) is None
    assert not store.list("configmaps").records
    assert does.most == namespaces.AT_ONCE


async def test_one_object_that_stays_keeps_none_beside_it(store):
    does: Any = CountingHands(store, "cm-1")
    await put(store, "namespaces", "", "gone", status={"phase": "Terminating"})
    for number in range(namespaces.AT_ONCE):
        await put(store, "configmaps", "gone", f"cm-{number}")
    with pytest.raises(refusal.Refusal, match="cm-1 stays"):
        await gone_with(store, does).settle([])
    assert [one.key.name for one in store.list("configmaps").records] == ["cm-1"]


async def test_a_namespace_waits_for_what_is_still_going(store, hands):
    await put(store, "namespaces", "", "gone", status={"phase": "Terminating"})
    going = {"deletionTimestamp": "2030-01-01T00:00:00Z"}
    await put(store, "pods", "gone", "web", metadata=going, spec={}, status={})
    inside = [kind for kind in STORED if kind.namespaced]
    wait_s = await namespaces.Namespaces(store, hands, inside, fakes.ManualClock()).settle([])
    assert wait_s == namespaces.LOOK_S
    ((verb, name, status),) = hands.asked
    assert (verb, name) == ("status", "gone")
    remaining = {one["type"]: one["message"] for one in status["conditions"]}
    assert remaining["NamespaceContentRemaining"] == (
        "Some resources are remaining: pods. has 1 resource instances"
    )


def test_what_holds_a_namespace_is_told_as_kube_controller_manager_tells_it():
    of = {kind.plural: kind for kind in STORED}
    held = {"metadata": {"finalizers": ["example.com/b", "example.com/a"]}}
    left = [(of["configmaps"], held), (of["configmaps"], held), (of["leases"], {"metadata": {}})]
    told = leaving.conditions({}, left, NOW)
    assert {one["lastTransitionTime"] for one in told} == {"2030-01-01T00:00:00Z"}
    content, finalizers = told[-2:]
    assert (content["type"], content["status"]) == ("NamespaceContentRemaining", "True")
    assert content["message"] == (
        "Some resources are remaining: configmaps. has 2 resource instances, "
        "leases.coordination.k8s.io has 1 resource instances"
    )
    assert (finalizers["type"], finalizers["status"]) == ("NamespaceFinalizersRemaining", "True")
    assert finalizers["message"] == (
        "Some content in the namespace has finalizers remaining: "
        "example.com/a in 2 resource instances, example.com/b in 2 resource instances"
    )
    assert {one["status"] for one in told[:-2]} == {"False"}


def test_what_was_told_of_a_namespace_is_not_told_again_and_keeps_its_times():
    of = {kind.plural: kind for kind in STORED}
    one, two = [(of["configmaps"], {"metadata": {}})], [(of["secrets"], {"metadata": {}})]
    told = leaving.conditions({}, one, NOW)
    later = NOW + timedelta(minutes=1)
    assert leaving.conditions({"status": {"conditions": told}}, one, later) is None
    again = leaving.conditions({"status": {"conditions": told}}, two, later)
    assert {each["lastTransitionTime"] for each in again} == {"2030-01-01T00:00:00Z"}
    assert [each["reason"] for each in again[-2:]] == [
        "SomeResourcesRemain",
        "ContentHasNoFinalizers",
    ]


async def test_an_active_namespace_keeps_its_content(store, hands):
    await put(store, "namespaces", "", "here", status={"phase": "Active"})
    await put(store, "configmaps", "here", "cm")
    inside = [kind for kind in STORED if kind.namespaced]
    assert (
        await namespaces.Namespaces(store, hands, inside, fakes.ManualClock()).settle([]) is None
    )
    assert hands.asked == []


async def test_a_new_namespace_gets_its_account_and_gets_it_back(store, hands):
    keeper = accounts.Accounts(store, hands)
    name = await put(store, "namespaces", "", "new", status={"phase": "Active"})
    await keeper.settle([name])
    assert [(verb, kind, obj["in"]) for verb, kind, obj in hands.asked] == [
        ("create", "ServiceAccount", "new")
    ]
    account = Key("serviceaccounts", "new", "default")
    await keeper.settle([account])
    assert len(hands.asked) == 1
    await remove(store, account)
    await keeper.settle([account])
    assert len(hands.asked) == 2


async def test_a_namespace_that_is_going_gets_no_account(store, hands):
    name = await put(store, "namespaces", "", "gone", status={"phase": "Terminating"})
    await accounts.Accounts(store, hands).settle([name, Key("serviceaccounts", "no", "x")])
    assert hands.asked == []


def owned_by(kind: str, name: str, version: str = "v1", uid: str = "") -> dict[str, Any]:
    owner = {"apiVersion": version, "kind": kind, "name": name, "uid": uid or f"uid-{name}"}
    return {"ownerReferences": [owner]}


async def test_mirror_pods_go_with_their_node_at_once(store, hands):
    node = await put(store, "nodes", "", "one")
    mirror = await put(store, "pods", "kube-system", "web-one", metadata=owned_by("Node", "one"))
    collector = owners.Owners(store, hands, STORED)
    await collector.settle([node, mirror])
    assert hands.asked == []
    await remove(store, node)
    await collector.settle([node])
    assert hands.asked == [("delete", "web-one", 0)]


async def test_an_owner_of_the_same_name_and_another_uid_is_another(store, hands):
    await put(store, "configmaps", "default", "owner")
    key = await put(
        store, "secrets", "default", "s", metadata=owned_by("ConfigMap", "owner", uid="older")
    )
    await owners.Owners(store, hands, STORED).settle([key])
    assert hands.asked == [("delete", "s", None)]


async def test_one_owner_of_several_keeps_an_object(store, hands):
    await put(store, "configmaps", "default", "owner")
    both = owned_by("ConfigMap", "owner")["ownerReferences"]
    both += owned_by("ConfigMap", "absent")["ownerReferences"]
    key = await put(store, "secrets", "default", "s", metadata={"ownerReferences": both})
    await owners.Owners(store, hands, STORED).settle([key])
    assert hands.asked == []


async def test_an_owner_that_nobody_here_knows_is_taken_for_alive(store, hands):
    owner = owned_by("ReplicaSet", "web", "apps/v1")
    key = await put(store, "pods", "default", "web-x", metadata=owner)
    await owners.Owners(store, hands, STORED).settle([key])
    assert hands.asked == []


async def test_pods_of_a_node_that_stays_away_are_removed(store, hands):
    clock = fakes.ManualClock()
    await put(store, "pods", "default", "web", spec={"nodeName": "away"}, status={})
    collector = podgc.PodCollector(store, hands, clock)
    assert await collector.settle([]) == podgc.QUARANTINE_S
    clock.advance(podgc.QUARANTINE_S - 1)
    assert await collector.settle([]) == pytest.approx(1)
    assert hands.asked == []
    clock.advance(1)
    await collector.settle([])
    assert hands.asked == [("delete", "web", 0)]


async def test_all_pods_are_looked_at_once_a_second_however_fast_they_come(store, hands):
    clock = fakes.ManualClock()
    collector = podgc.PodCollector(store, hands, clock, most_ended=0)
    await collector.settle([])
    ended = await put(store, "pods", "default", "web", spec={}, status={"phase": "Failed"})
    clock.advance(podgc.PAUSE_S / 4)
    assert await collector.settle([ended]) == pytest.approx(podgc.PAUSE_S * 3 / 4)
    assert hands.asked == []
    clock.advance(podgc.PAUSE_S)
    await collector.settle([])
    assert hands.asked == [("delete", "web", 0)]


async def test_a_node_that_comes_back_in_time_keeps_its_pods(store, hands):
    clock = fakes.ManualClock()
    await put(store, "pods", "default", "web", spec={"nodeName": "one"}, status={})
    collector = podgc.PodCollector(store, hands, clock)
    await collector.settle([])
    clock.advance(podgc.QUARANTINE_S - 1)
    node = await put(store, "nodes", "", "one")
    assert await collector.settle([node]) is None
    await remove(store, node)
    clock.advance(2)
    assert await collector.settle([node]) == podgc.QUARANTINE_S
    assert hands.asked == []


async def test_of_ended_pods_the_oldest_go_beyond_the_limit(store, hands):
    for number in range(5):
        dated = {"creationTimestamp": f"2026-01-01T0{9 - number}:00:00Z"}
        ended = {"phase": "Succeeded" if number % 2 else "Failed"}
        await put(store, "pods", "default", f"p{number}", metadata=dated, spec={}, status=ended)
    await put(store, "pods", "default", "runs", spec={}, status={"phase": "Running"})
    await podgc.PodCollector(store, hands, fakes.ManualClock(), most_ended=3).settle([])
    assert hands.asked == [("delete", "p4", 0), ("delete", "p3", 0)]


async def test_an_event_lives_an_hour_from_its_last_time(store, hands):
    clock = fakes.ManualClock()
    old = await put(store, "events", "default", "old", lastTimestamp="2029-12-31T23:30:00Z")
    new = await put(store, "events", "default", "new", lastTimestamp="2029-12-31T23:59:00Z")
    life = eventttl.EventLife(store, hands, clock)
    assert await life.settle([old, new]) is not None
    assert hands.asked == []
    clock.advance(timedelta(minutes=31).total_seconds())
    await life.settle([])
    assert hands.asked == [("delete", "old", None)]


def test_every_time_of_an_event_counts_but_none_in_the_future():
    event = {
        "metadata": {"creationTimestamp": "2026-01-01T10:00:00Z"},
        "eventTime": "2026-01-01T10:30:00.123456Z",
        "series": {"lastObservedTime": "2026-01-01T11:00:00.000001Z"},
        "lastTimestamp": None,
    }
    assert eventttl.last_seen(event, NOW) == datetime(2026, 1, 1, 11, 0, 0, 1, tzinfo=UTC)
    event["lastTimestamp"] = "2036-01-01T00:00:00Z"
    assert eventttl.last_seen(event, NOW) == NOW
    assert eventttl.last_seen({"metadata": {}}, NOW) == NOW


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        ("*", registry.NAMES),
        ("none", ()),
        ("", ()),
        ("scheduler", ("scheduler",)),
        ("scheduler, podgc", ("podgc", "scheduler")),
        ("*,-scheduler", tuple(n for n in registry.NAMES if n != "scheduler")),
        ("scheduler,-scheduler", ()),
    ],
)
def test_controllers_are_chosen_by_a_list(wish, names):
    assert registry.chosen(wish) == names


def test_a_controller_that_is_none_is_told_with_those_that_are():
    with pytest.raises(registry.UnknownController, match=r'no "deployment".*scheduler'):
        registry.chosen("*,deployment")
