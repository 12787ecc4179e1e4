"""The scheduler binds pods, and tells why it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from staticlet.apiserver.controllers import news, scheduler
from staticlet.apiserver.store.port import Key, Store
from staticlet.kube import names, refusal
from staticlet.testing import controlled, fakes
from staticlet.testing.controlled import put

NOW = fakes.START
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with controlled.store() as opened:
        yield opened


@pytest.fixture
def hands(store: Store) -> controlled.RecordingHands:
    return controlled.RecordingHands(store)


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
