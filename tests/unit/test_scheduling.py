"""Where a pod without a node goes, in the scheduler's words."""

from __future__ import annotations

from typing import Any

import pytest

from staticlet.kube.scheduling import placement, room

READY = [{"type": "Ready", "status": "True"}]
ROOMY = {"cpu": "2", "memory": "1Gi", "pods": "3"}


def node(name: str = "one", **parts: Any) -> dict[str, Any]:
    status = {"conditions": parts.pop("conditions", READY), "allocatable": ROOMY}
    labels = parts.pop("labels", {})
    return {"metadata": {"name": name, "labels": labels}, "spec": parts, "status": status}


def pod(**spec: Any) -> dict[str, Any]:
    spec.setdefault("containers", [{"name": "c", "image": "x"}])
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": spec}


def asking(**requests: str) -> dict[str, Any]:
    return pod(containers=[{"name": "c", "image": "x", "resources": {"requests": requests}}])


def on_port(port: int, **more: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "c", "ports": [{"hostPort": port, **more}]}])


def why(wanted: dict[str, Any], *nodes: dict[str, Any], others: Any = ()) -> str:
    found = placement.place(wanted, nodes, {"one": others})
    assert found.node == ""
    assert found.reason == placement.UNSCHEDULABLE
    return found.message


def test_a_pod_goes_to_the_one_node_that_is_ready():
    assert placement.place(pod(), [node()], {}) == placement.Placement(node="one")


def test_without_a_node_there_is_none_to_schedule_to():
    assert why(pod()) == "no nodes available to schedule pods"


@pytest.mark.parametrize(
    ("wanted", "there", "words"),
    [
        (pod(), node(unschedulable=True), "1 node(s) were unschedulable"),
        (
            pod(),
            node(conditions=[{"type": "Ready", "status": "False"}]),
            "1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }",
        ),
        (
            pod(),
            node(taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}]),
            "1 node(s) had untolerated taint {k: v}",
        ),
        (
            pod(nodeSelector={"disk": "ssd"}),
            node(labels={"disk": "hdd"}),
            "1 node(s) didn't match Pod's node affinity/selector",
        ),
    ],
)
def test_a_node_that_does_not_suit_is_told_with_the_filter_that_it_fails(wanted, there, words):
    assert why(wanted, there) == (
        f"0/1 nodes are available: {words}. "
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )


@pytest.mark.parametrize(
    ("wanted", "others", "words"),
    [
        (asking(cpu="3"), (), "1 Insufficient cpu"),
        (asking(cpu="1"), [asking(cpu="1500m")], "1 Insufficient cpu"),
        (asking(cpu="3", memory="2Gi"), (), "1 Insufficient cpu, 1 Insufficient memory"),
        (asking(**{"example.com/gpu": "1"}), (), "1 Insufficient example.com/gpu"),
        (pod(), [pod(), pod(), pod()], "1 Too many pods"),
        (
            on_port(80),
            [on_port(80, hostIP="127.0.0.1")],
            "1 node(s) didn't have free ports for the requested pod ports",
        ),
    ],
)
def test_a_node_without_room_is_told_with_what_it_lacks(wanted, others, words):
    assert why(wanted, node(), others=others) == (
        f"0/1 nodes are available: {words}. preemption: 0/1 nodes are available: "
        "1 No preemption victims found for incoming pod."
    )


@pytest.mark.parametrize(
    "toleration",
    [
        {"operator": "Exists"},
        {"key": "k", "operator": "Exists"},
        {"key": "k", "value": "v"},
        {"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"},
    ],
)
def test_a_tolerated_taint_keeps_nobody_away(toleration):
    tainted = node(taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}])
    assert placement.place(pod(tolerations=[toleration]), [tainted], {}).node == "one"


@pytest.mark.parametrize(
    "toleration",
    [
        {"key": "other", "operator": "Exists"},
        {"key": "k", "value": "w"},
        {"value": "v"},
        {"key": "k", "operator": "Exists", "effect": "NoExecute"},
        {"key": "k", "operator": "Never"},
    ],
)
def test_a_toleration_of_something_else_does_not_help(toleration):
    tainted = node(taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}])
    assert "untolerated taint {k: v}" in why(pod(tolerations=[toleration]), tainted)


def test_a_taint_that_only_prefers_is_no_obstacle():
    tainted = node(taints=[{"key": "k", "effect": "PreferNoSchedule"}])
    assert placement.place(pod(), [tainted], {}).node == "one"


def required(*terms: dict[str, Any]) -> dict[str, Any]:
    wanted = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [*terms]}}
    return pod(affinity={"nodeAffinity": wanted})


@pytest.mark.parametrize(
    ("term", "suits"),
    [
        ({"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}, True),
        ({"matchExpressions": [{"key": "disk", "operator": "NotIn", "values": ["ssd"]}]}, False),
        ({"matchExpressions": [{"key": "gpu", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["3"]}]}, True),
        ({"matchExpressions": [{"key": "cores", "operator": "Lt", "values": ["3"]}]}, False),
        (
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["one"]}]},
            True,
        ),
        ({}, False),
    ],
)
def test_required_node_affinity_is_met_or_not(term, suits):
    there = node(labels={"disk": "ssd", "cores": "4"})
    assert (placement.place(required(term), [there], {}).node == "one") is suits


def test_one_term_of_several_is_enough():
    never = {"matchExpressions": [{"key": "x", "operator": "Exists"}]}
    always = {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}
    assert placement.place(required(never, always), [node()], {}).node == "one"


def test_a_gated_pod_waits():
    found = placement.place(pod(schedulingGates=[{"name": "g"}]), [node()], {})
    assert (found.node, found.reason) == ("", placement.GATED)


def test_between_two_that_would_do_nothing_chooses():
    assert "one, two" in why(pod(), node("two"), node("one"))


def test_of_two_nodes_the_one_that_suits_is_taken():
    assert placement.place(pod(), [node("two", unschedulable=True), node()], {}).node == "one"


def test_a_node_that_was_uncordoned_takes_pods_before_its_taint_is_gone():
    taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    assert placement.place(pod(), [node(taints=[taint])], {}).node == "one"
    assert "were unschedulable" in why(pod(), node(taints=[taint], unschedulable=True))


def test_a_node_that_cannot_be_reached_has_one_taint_for_that():
    unknown = node(
        conditions=[{"type": "Ready", "status": "Unknown"}],
        taints=[{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}],
    )
    assert "{node.kubernetes.io/unreachable: }" in why(pod(), unknown)
    tolerant = pod(tolerations=[{"key": "node.kubernetes.io/unreachable", "operator": "Exists"}])
    assert placement.place(tolerant, [unknown], {}).node == "one"


def test_pods_that_have_a_node_another_scheduler_or_an_end_are_left_alone():
    assert placement.is_ours(pod())
    assert placement.is_ours(pod(schedulerName="default-scheduler"))
    assert not placement.is_ours(pod(nodeName="one"))
    assert not placement.is_ours(pod(schedulerName="mine"))
    assert not placement.is_ours(pod() | {"status": {"phase": "Failed"}})
    deleted = pod()
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not placement.is_ours(deleted)


def test_init_containers_and_overhead_count_for_what_a_pod_asks_for():
    def one(cpu: str, **more: str) -> dict[str, Any]:
        return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}

    wanted = pod(
        containers=[one("500m")],
        initContainers=[one("100m", restartPolicy="Always"), one("700m")],
        overhead={"cpu": "50m"},
    )
    assert str(room.requests(wanted)["cpu"]) == "850m"


def test_another_protocol_or_address_is_another_port():
    assert room.ports_taken(on_port(80), [on_port(80)])
    assert not room.ports_taken(on_port(80), [on_port(80, protocol="UDP")])
    assert not room.ports_taken(on_port(80, hostIP="127.0.0.1"), [on_port(80, hostIP="127.0.0.2")])
