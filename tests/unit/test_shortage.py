"""What a node has too little of, in the kubelet's arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from staticlet.kube import quantity
from staticlet.pods import shortage

THERE = {"cpu": "2", "memory": "1Gi", "pods": "3"}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **spec}}


def asking(**requests: str) -> dict[str, Any]:
    return {"name": "c", "resources": {"requests": requests}}


def lacking(asked: dict[str, Any], *others: dict[str, Any]) -> list[str]:
    used = shortage.together(map(shortage.of_pod, others))
    return [str(one) for one in shortage.shortages(shortage.of_pod(asked), used, THERE)]


@pytest.mark.parametrize(
    ("asked", "others"),
    [
        (pod(asking(cpu="2", memory="1Gi")), []),
        (pod(asking(cpu="1")), [pod(asking(cpu="600m"), asking(cpu="400m"))]),
        (pod(asking(memory="1Gi")), [pod(asking(cpu="2"))]),
        (pod(asking(cpu="0")), [pod(asking(cpu="3"))]),
        (pod(asking(**{"vendor.example/gpu": "1"})), []),
        (pod(asking(cpu="1"), initContainers=[asking(cpu="2")]), []),
    ],
)
def test_what_fits_exactly_fits(asked, others):
    assert lacking(asked, *others) == []


@pytest.mark.parametrize(
    ("asked", "others", "said"),
    [
        (
            pod(asking(cpu="1500m")),
            [pod(asking(cpu="1"))],
            ["cpu: 1500m requested, 1 of 2 taken, 500m missing"],
        ),
        (
            pod(asking(memory="2Gi")),
            [],
            ["memory: 2Gi requested, 0 of 1Gi taken, 1Gi missing"],
        ),
        (pod(), [pod()] * 3, ["pods: 1 requested, 3 of 3 taken, 1 missing"]),
        (
            pod(asking(cpu="3", memory="2Gi")),
            [],
            [
                "cpu: 3 requested, 0 of 2 taken, 1 missing",
                "memory: 2Gi requested, 0 of 1Gi taken, 1Gi missing",
            ],
        ),
        (
            pod(asking(cpu="1"), initContainers=[asking(cpu="3")]),
            [],
            ["cpu: 3 requested, 0 of 2 taken, 1 missing"],
        ),
        (
            pod(
                asking(cpu="1"),
                initContainers=[{**asking(cpu="1500m"), "restartPolicy": "Always"}],
            ),
            [],
            ["cpu: 2500m requested, 0 of 2 taken, 500m missing"],
        ),
        (
            pod(asking(cpu="2"), overhead={"cpu": "100m"}),
            [],
            ["cpu: 2100m requested, 0 of 2 taken, 100m missing"],
        ),
        (
            pod(asking(cpu="1"), resources={"requests": {"cpu": "4"}}),
            [],
            ["cpu: 4 requested, 0 of 2 taken, 2 missing"],
        ),
        (
            pod(asking(**{"hugepages-2Mi": "2Mi"})),
            [],
            ["hugepages-2Mi: 2Mi requested, 0 of 0 taken, 2Mi missing"],
        ),
    ],
)
def test_what_is_missing_is_told_with_how_much(asked, others, said):
    assert lacking(asked, *others) == said


def test_a_node_that_tells_nothing_of_itself_is_held_against_nobody():
    assert shortage.shortages(shortage.of_pod(pod(asking(cpu="99"))), {}, {}) == ()


def test_what_others_have_overdrawn_matters_to_who_asks_for_it_alone():
    used = {"cpu": quantity.parse("5")}
    assert shortage.shortages(shortage.of_pod(pod(asking(memory="1Gi"))), used, THERE) == ()
