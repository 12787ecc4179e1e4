"""Whether a node takes a pod that was bound to it, in the kubelet's words."""

from __future__ import annotations

from typing import Any

import pytest

from staticlet.pods import admission

ROOMY = {"cpu": "2", "memory": "1Gi", "pods": "3"}


def node(labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "n1", "labels": labels or {}},
        "spec": spec,
        "status": {"allocatable": ROOMY},
    }


def pod(**spec: Any) -> dict[str, Any]:
    spec.setdefault("containers", [{"name": "c", "image": "x"}])
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": spec}


def asking(**requests: str) -> dict[str, Any]:
    return pod(containers=[{"name": "c", "image": "x", "resources": {"requests": requests}}])


def on_port(port: int, **more: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "c", "ports": [{"hostPort": port, **more}]}])


def evicting(**more: Any) -> list[dict[str, Any]]:
    return [{"key": "k", "effect": "NoExecute", **more}]


def test_a_pod_that_asks_for_nothing_is_taken():
    assert admission.admit(pod(), node(), [pod(), pod()]) is None


@pytest.mark.parametrize(
    ("wanted", "there", "others", "reason", "message"),
    [
        (
            asking(cpu="1500m"),
            node(),
            [asking(cpu="1")],
            "OutOfcpu",
            "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
        ),
        (
            asking(memory="2Gi"),
            node(),
            [],
            "OutOfmemory",
            (
                "Node didn't have enough resource: memory, requested: 2147483648, used: 0, "
                "capacity: 1073741824"
            ),
        ),
        (
            pod(),
            node(),
            [pod(), pod(), pod()],
            "OutOfpods",
            "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
        ),
        (
            pod(nodeSelector={"disk": "ssd"}),
            node(),
            [],
            "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        ),
        (
            on_port(80),
            node(),
            [on_port(80)],
            "NodePorts",
            (
                "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod "
                "ports"
            ),
        ),
        (
            pod(),
            node(taints=evicting()),
            [],
            "TaintToleration",
            "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
        ),
        (
            pod(os={"name": "windows"}),
            node(),
            [],
            "PodOSNotSupported",
            "Failed to admit pod as the OS field doesn't match node OS",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_the_kubelets_words(
    wanted, there, others, reason, message
):
    found = admission.admit(wanted, there, others)
    assert found == admission.Refusal(reason=reason, message=message)


def test_a_pod_that_is_labelled_for_another_system_is_refused():
    made = pod()
    made["metadata"]["labels"] = {"kubernetes.io/os": "windows"}
    found = admission.admit(made, node(), [])
    assert found is not None
    assert found.reason == "PodOSSelectorNodeLabelDoesNotMatch"


@pytest.mark.parametrize(
    ("wanted", "there", "others"),
    [
        (on_port(80), node(), [on_port(81), on_port(80, protocol="UDP")]),
        (on_port(80, hostIP="10.0.0.1"), node(), [on_port(80, hostIP="10.0.0.2")]),
        (pod(), node(taints=[{"key": "k", "effect": "NoSchedule"}], unschedulable=True), []),
        (
            pod(tolerations=[{"key": "k", "operator": "Exists", "effect": "NoExecute"}]),
            node(taints=evicting()),
            [],
        ),
        (pod(nodeSelector={"disk": "ssd"}), node({"disk": "ssd"}), []),
        (pod(os={"name": "linux"}), node(), []),
        (asking(cpu="2"), node(), [asking(memory="1Gi")]),
        (asking(**{"vendor.example/gpu": "1"}), node(), []),
    ],
)
def test_what_the_kubelet_takes_is_taken(wanted, there, others):
    assert admission.admit(wanted, there, others) is None


def test_a_resource_of_every_machine_that_the_node_does_not_tell_is_lacking():
    found = admission.admit(asking(**{"ephemeral-storage": "1Gi"}), node(), [])
    assert found is not None
    assert found.reason == "OutOfephemeral-storage"


def test_of_several_obstacles_resources_are_told_first():
    wanted = asking(cpu="3")
    wanted["spec"]["nodeSelector"] = {"disk": "ssd"}
    found = admission.admit(wanted, node(taints=evicting()), [])
    assert found is not None
    assert found.reason == "OutOfcpu"


def test_the_name_of_a_static_pod_is_its_own():
    found = admission.admit(pod(), node(), [], holder="/m/web.yaml")
    assert found == admission.Refusal(
        reason="UnexpectedAdmissionError",
        message="a static pod of this node has its name: /m/web.yaml",
    )
