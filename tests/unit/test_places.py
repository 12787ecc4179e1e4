"""Who has a place on the node, who waits for one, and who ends for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from staticlet.pods import node, obstacles, places, wanted
from staticlet.testing import wantedpods

OFFER = node.Offer(
    name="n1",
    labels={"kubernetes.io/os": "linux", "disk": "hdd"},
    allocatable={"cpu": "4", "memory": "1Gi", "pods": "110"},
)


class Node:
    """A node with its places; notes who was woken and who was ended."""

    def __init__(self, offer: node.Offer = OFFER) -> None:
        self.offer = offer
        self.places = places.Places(lambda: self.offer)
        self.woken: list[str] = []
        self.ended: list[str] = []

    def take(self, pod: wanted.WantedPod) -> obstacles.Obstacle | None:
        name = pod.key.name
        return self.places.take(
            pod.key, pod, lambda: self.woken.append(name), lambda: self.ended.append(name)
        )

    def waits(self) -> list[str]:
        return [key.name for key, _ in self.places.waiting()]


def pod(
    name: str, *, source: str = "file", requests: dict[str, str] | None = None, **spec: Any
) -> wanted.WantedPod:
    more = {"resources": {"requests": requests}} if requests else {}
    host = spec.pop("host_port", 0)
    if host:
        more["ports"] = [{"containerPort": host, "hostPort": host}]
    made = wantedpods.wanted(wantedpods.container(**more), name=name, uid=f"uid-of-{name}", **spec)
    return replace(made, source=source)


def cpus(name: str, amount: str, **more: Any) -> wanted.WantedPod:
    return pod(name, requests={"cpu": amount}, **more)


def of_api(name: str, amount: str, **more: Any) -> wanted.WantedPod:
    return cpus(name, amount, source=wanted.API, **more)


def test_a_port_is_had_by_one_and_free_when_nothing_of_its_pod_lives():
    here = Node()
    assert here.take(pod("a", host_port=80)) is None
    found = here.take(pod("b", host_port=80))
    assert found is not None
    assert str(found) == "NodePorts: host port 80/TCP is in use by pod default/a"
    here.places.lives(wanted.PodKey("default", "a"), pod("a", host_port=80).pod)
    here.places.going(wanted.PodKey("default", "a"))
    assert here.take(pod("b", host_port=80)) is not None
    here.woken.clear()
    here.places.leave(wanted.PodKey("default", "a"))
    assert here.woken == ["b"]
    assert here.take(pod("b", host_port=80)) is None
    assert here.waits() == []


def test_a_pod_of_the_api_waits_for_its_port_too():
    here = Node()
    here.take(pod("a", host_port=80))
    assert here.take(of_api("b", "9", host_port=80)) is not None
    here.places.leave(wanted.PodKey("default", "a"))
    assert here.take(of_api("b", "9", host_port=80)) is None
    assert here.take(pod("a", host_port=80)) is not None


def test_a_pod_of_the_api_that_waited_for_its_port_has_it_from_when_it_is_let_in():
    here, waits = Node(), of_api("b", "1", host_port=80)
    here.take(pod("a", host_port=80))
    assert here.take(waits) is not None
    here.places.leave(wanted.PodKey("default", "a"))
    assert here.take(waits) is None, "its worker asks with the very pod that waited"
    assert here.take(pod("c", host_port=80)) is not None, "and nothing of it lives yet"


def test_what_has_its_place_may_ask_for_it_again():
    here = Node()
    assert here.take(cpus("a", "4", host_port=80)) is None
    assert here.take(cpus("a", "4", host_port=80)) is None


def test_what_lives_has_its_place_whatever_else_is_so():
    here = Node()
    here.take(cpus("a", "4", host_port=80))
    other = cpus("b", "4", host_port=80, nodeSelector={"disk": "ssd"})
    here.places.lives(other.key, other.pod)
    here.places.keep(other.key, other)
    assert here.waits() == []
    here.places.leave(wanted.PodKey("default", "a"))
    assert here.take(pod("a", host_port=80)) is not None


def test_a_static_pod_without_room_waits_and_is_tried_again_when_one_goes():
    here = Node()
    assert here.take(cpus("a", "3")) is None
    found = here.take(cpus("b", "2"))
    assert found is not None
    assert str(found) == (
        "OutOfcpu: this node has too little cpu: 2 requested, 3 of 4 taken, 1 missing; "
        "no pod that may be ended for it would be enough"
    )
    assert not found.soon
    here.places.going(wanted.PodKey("default", "a"))
    assert here.woken == ["b"]
    assert here.take(cpus("b", "2")) is None


def test_the_room_of_a_static_pod_that_is_stopping_is_free_but_not_its_ports():
    here = Node()
    going = cpus("a", "4", host_port=80)
    here.take(going)
    here.places.lives(going.key, going.pod)
    here.places.going(going.key)
    assert here.take(cpus("b", "4")) is None
    assert here.take(pod("c", host_port=80)) is not None


def test_a_pod_of_the_api_ends_where_a_static_one_needs_its_room():
    here = Node()
    here.take(of_api("web", "3"))
    found = here.take(cpus("a", "2"))
    assert found is not None
    assert found.soon
    assert str(found) == (
        "OutOfcpu: this node has too little cpu: 2 requested, 3 of 4 taken, 1 missing; "
        "default/web is being ended for it"
    )
    assert here.ended == ["web"]
    assert here.take(cpus("a", "2")) is not None
    assert here.ended == ["web"], "it is ended once"
    here.places.leave(wanted.PodKey("default", "web"))
    assert here.woken == ["a"]
    assert here.take(cpus("a", "2")) is None


def test_what_is_ending_anyway_is_waited_for_and_nobody_else_ends():
    here = Node()
    here.take(of_api("going", "2"))
    here.take(of_api("web", "2"))
    here.places.going(wanted.PodKey("default", "going"))
    found = here.take(cpus("a", "2"))
    assert found is not None
    assert found.soon
    assert here.ended == []


@pytest.mark.parametrize(
    "other",
    [cpus("web", "3"), of_api("web", "3", priority=2_000_000_000)],
    ids=["a static pod", "a critical pod of the API"],
)
def test_who_may_not_be_ended_is_not(other):
    here = Node()
    here.take(other)
    assert here.take(cpus("a", "2")) is not None
    assert here.ended == []


def test_nobody_ends_where_that_would_not_be_enough():
    here = Node()
    here.take(of_api("web", "3"))
    found = here.take(cpus("a", "5"))
    assert found is not None
    assert not found.soon
    assert here.ended == []


def test_nobody_ends_for_a_pod_that_something_else_keeps_outside():
    here = Node()
    here.take(of_api("web", "3"))
    assert here.take(cpus("a", "2", nodeSelector={"disk": "ssd"})) is not None
    assert here.ended == []


def test_a_pod_of_the_api_is_not_asked_for_room_which_the_node_has_given_it():
    here = Node()
    here.take(cpus("a", "4"))
    assert here.take(of_api("web", "3", nodeSelector={"disk": "ssd"})) is None
    assert here.take(of_api("more", "3")) is None


def test_labels_of_the_node_that_are_not_asked_for_keep_a_pod_outside_until_they_are():
    here = Node()
    found = here.take(pod("a", nodeSelector={"disk": "ssd", "zone": "b"}))
    assert found is not None
    assert str(found) == (
        "NodeAffinity: the labels of this node are not those that the pod asks for "
        "(disk=ssd, zone=b); here: disk=hdd, no zone"
    )
    here.offer = replace(OFFER, api_labels={"disk": "ssd", "zone": "b"})
    here.places.retry()
    assert here.woken == ["a"]
    assert here.take(pod("a", nodeSelector={"disk": "ssd", "zone": "b"})) is None


def test_a_label_that_the_node_was_started_with_counts_whatever_the_api_has():
    here = Node(replace(OFFER, api_labels={"disk": "ssd"}))
    assert here.take(pod("a", nodeSelector={"disk": "hdd"})) is None


def test_required_affinity_counts_and_taints_do_not_exist():
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    here = Node()
    assert here.take(pod("a", affinity={"nodeAffinity": required})) is not None
    preferred = {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term}]
    }
    assert here.take(pod("b", affinity={"nodeAffinity": preferred})) is None


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (pod("a", os={"name": "windows"}), "PodOSNotSupported"),
        (pod("a", labels={"kubernetes.io/os": "windows"}), "PodOSSelectorNodeLabelDoesNotMatch"),
    ],
)
def test_a_pod_for_another_operating_system_stays_outside(made, reason):
    found = Node().take(made)
    assert found is not None
    assert found.reason == reason


def test_a_changed_pod_is_asked_anew_and_keeps_what_it_has_where_it_does_not_fit():
    here = Node()
    here.take(cpus("a", "2", host_port=80))
    changed = replace(cpus("a", "5", host_port=80), uid="new", revision="new")
    assert here.take(changed) is not None
    assert here.take(pod("b", host_port=80)) is not None
    assert here.take(cpus("c", "3")) is not None
    fits = replace(cpus("a", "4"), uid="newer", revision="newer")
    assert here.take(fits) is None


def test_what_is_adopted_has_its_place_before_anybody_asks():
    here = Node()
    mine = cpus("a", "3", host_port=80)
    here.places.adopt(mine.key, [wantedpods.sandbox(mine)], mine)
    assert here.take(pod("b", host_port=80)) is not None
    assert here.take(cpus("c", "2")) is not None
    assert here.take(mine) is None


def test_of_what_is_adopted_and_not_wanted_the_ports_alone_are_taken():
    here = Node()
    old = cpus("a", "3", host_port=80)
    here.places.adopt(old.key, [wantedpods.sandbox(old)], None)
    assert here.take(pod("b", host_port=80)) is not None
    assert here.take(cpus("c", "4")) is None


def test_a_static_pod_that_waits_is_a_finding_of_its_manifest():
    here = Node()
    here.take(pod("one", host_port=80))
    waiting = pod("web", host_port=80)
    here.take(waiting)
    want = wanted.Wanted(pods={waiting.key: waiting})
    (found,) = obstacles.findings(want, here.places.waiting())
    assert str(found) == (
        f"{waiting.origin}: spec.containers: default/web waits: host port 80/TCP is in use by pod "
        "default/one; give one of them another port, or end that pod"
    )
    assert [*obstacles.findings(wanted.Wanted(), here.places.waiting())] == []


def test_how_much_is_taken_is_no_news_but_another_reason_is():
    here = Node()
    here.take(cpus("a", "3"))
    first = here.take(cpus("b", "2"))
    here.take(cpus("c", "1"))
    second = here.take(cpus("b", "2"))
    assert first is not None
    assert second is not None
    assert first != second
    assert second.is_like(first)
    other = here.take(pod("b", nodeSelector={"disk": "ssd"}))
    assert other is not None
    assert not other.is_like(second)


def test_what_was_adopted_can_be_ended_once_its_worker_has_said_how():
    here = Node()
    web = of_api("web", "3")
    here.places.adopt(web.key, [wantedpods.sandbox(web)], web)
    found = here.take(cpus("a", "2"))
    assert found is not None
    assert not found.soon
    here.places.keep(web.key, web, lambda: here.ended.append("web"))
    assert here.woken == ["a"]
    here.take(cpus("a", "2"))
    assert here.ended == ["web"]


def test_a_pod_that_is_changed_to_take_less_lets_others_in():
    here = Node()
    here.take(cpus("a", "3"))
    assert here.take(cpus("b", "2")) is not None
    less = replace(cpus("a", "1"), revision="another")
    assert here.take(less) is None
    assert here.woken == ["b"]
    assert here.take(cpus("b", "2")) is None
