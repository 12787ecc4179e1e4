"""Namespaces that are deleted are emptied, and told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from staticlet.apiserver.controllers import leaving, namespaces
from staticlet.apiserver.store.port import Key, Store
from staticlet.kube import refusal
from staticlet.testing import controlled, fakes
from staticlet.testing.controlled import STORED, put

NOW = fakes.START


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with controlled.store() as opened:
        yield opened


@pytest.fixture
def hands(store: Store) -> controlled.RecordingHands:
    return controlled.RecordingHands(store)


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


class CountingHands(controlled.RecordingHands):
    """Counts how many deletions are under way, and refuses some."""

    def __init__(self, store: Store, *refused: str) -> None:
        super().__init__(store)
        self.refused = refused
        self.now = self.most = 0

    async def delete(self, kind: Any, key: Key, uid: str, **how: Any) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0)
            if key.name in self.refused:
                raise refusal.internal(f"{key.name} stays")
            await super().delete(kind, key, uid, **how)
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
