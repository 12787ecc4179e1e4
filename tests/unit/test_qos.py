"""Quality of service classes."""

import pytest

from staticlet.pods import qos
from staticlet.testing import wantedpods

BOTH = {"cpu": "1", "memory": "1Gi"}


def of(*resources, **spec):
    containers = [
        wantedpods.container(f"c{index}", resources=one) for index, one in enumerate(resources)
    ]
    return qos.qos_class(wantedpods.wanted(*containers, **spec).pod).value


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "0"}}], "BestEffort"),
        ([{"requests": {"ephemeral-storage": "1Gi"}}], "BestEffort"),
        ([{"limits": BOTH, "requests": BOTH}], "Guaranteed"),
        ([{"limits": BOTH}], "Guaranteed"),
        ([{"limits": BOTH, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], "Guaranteed"),
        ([{"limits": BOTH, "requests": {"cpu": "500m", "memory": "1Gi"}}], "Burstable"),
        ([{"limits": {"cpu": 1}, "requests": {"cpu": 1}}], "Burstable"),
        ([{"requests": BOTH}], "Burstable"),
        ([{"limits": BOTH}, {}], "Burstable"),
    ],
)
def test_a_class_follows_from_what_containers_ask(resources, expected):
    assert of(*resources) == expected


def test_an_init_container_without_limits_makes_a_pod_burstable():
    found = of({"limits": BOTH}, initContainers=[wantedpods.container("init")])
    assert found == "Burstable"


def test_resources_of_the_pod_stand_for_those_of_its_containers():
    assert of({}, resources={"limits": BOTH}) == "Guaranteed"
    assert of({"limits": BOTH}, resources={"requests": {"cpu": "1"}}) == "Burstable"
