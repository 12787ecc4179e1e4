"""Controllers put right what has changed, by requests like anybody's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from staticlet.apiserver.controllers import accounts, eventttl, podgc, registry
from staticlet.apiserver.store.port import Key, Store
from staticlet.testing import controlled, fakes
from staticlet.testing.controlled import put, remove

NOW = fakes.START


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with controlled.store() as opened:
        yield opened


@pytest.fixture
def hands(store: Store) -> controlled.RecordingHands:
    return controlled.RecordingHands(store)


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
