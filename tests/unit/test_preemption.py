"""Which pods end so that a critical one finds room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from staticlet.kube import quantity
from staticlet.pods import preemption, shortage, wanted
from staticlet.pods.qos import QosClass
from staticlet.testing import wantedpods

G, B, E = QosClass.GUARANTEED, QosClass.BURSTABLE, QosClass.BEST_EFFORT


def missing(**amounts: str) -> list[shortage.Shortage]:
    zero = quantity.ZERO
    return [
        shortage.Shortage(name=name, asked=quantity.parse(amount), used=zero, there=zero)
        for name, amount in amounts.items()
    ]


def one(name: str, qos: QosClass, **amounts: str) -> preemption.Candidate:
    taken = {"pods": "1", **amounts}
    return preemption.Candidate(
        key=wanted.PodKey("default", name),
        qos=qos,
        amounts={each: quantity.parse(amount) for each, amount in taken.items()},
    )


def chosen(needs: list[shortage.Shortage], *candidates: preemption.Candidate) -> list[str] | None:
    found = preemption.victims(needs, candidates)
    return None if found is None else [key.name for key in found]


def test_where_all_together_would_not_be_enough_nobody_ends():
    assert chosen(missing(cpu="2"), one("a", B, cpu="1"), one("b", G, cpu="500m")) is None
    assert chosen(missing(cpu="1", memory="1Gi"), one("a", B, cpu="2")) is None
    assert chosen(missing(cpu="1")) is None


def test_no_more_end_than_are_needed_and_the_nearest_one_does():
    assert chosen(
        missing(cpu="1"), one("a", B, cpu="3"), one("b", B, cpu="1"), one("c", B, cpu="900m")
    ) == ["b"]
    assert chosen(missing(cpu="2"), *(one(name, B, cpu="1") for name in "abc")) == ["a", "b"]


def test_guaranteed_pods_end_only_where_all_others_are_not_enough():
    others = [one("b", B, cpu="1"), one("e", E)]
    assert chosen(missing(cpu="1"), one("g", G, cpu="1"), *others) == ["b"]
    assert chosen(missing(cpu="2"), one("g", G, cpu="1"), *others) == ["g", "b"]


def test_for_a_place_among_the_pods_one_of_best_effort_ends():
    assert chosen(missing(pods="1"), one("g", G), one("b", B), one("e", E)) == ["e"]


def test_each_missing_resource_weighs_the_same():
    needs = missing(cpu="1", memory="1Gi")
    assert chosen(
        needs,
        one("much-cpu", B, cpu="1", memory="1Mi"),
        one("both", B, cpu="1", memory="1Gi"),
        one("much-memory", B, cpu="1m", memory="1Gi"),
    ) == ["both"]


def test_of_two_that_come_as_near_the_smaller_ends():
    assert chosen(
        missing(cpu="1"),
        one("a", B, cpu="1", memory="2Gi"),
        one("b", B, cpu="1", memory="1Gi"),
    ) == ["b"]


def static(**spec: object) -> wanted.WantedPod:
    return wantedpods.wanted(**spec)


def of_api(**spec: object) -> wanted.WantedPod:
    return replace(wantedpods.wanted(**spec), source=wanted.API)


@pytest.mark.parametrize(
    ("by", "pod", "may"),
    [
        (static(), of_api(), True),
        (static(), of_api(priority=1_999_999_999), True),
        (static(), of_api(priority=2_000_000_000), False),
        (static(priority=2_000_001_000), of_api(priority=2_000_000_000), True),
        (static(priority=5), of_api(priority=2_000_000_000), False),
        (static(), static(), False),
        (static(priority=7), static(priority=5), False),
        (of_api(), of_api(), False),
        (of_api(priority=2_000_000_000), of_api(), True),
    ],
)
def test_who_may_end_whom(by, pod, may):
    assert preemption.may_end(by, pod) == may
