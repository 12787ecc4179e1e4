"""Whether this node takes a pod that an API server has bound to it. Pure.

Follows the kubelet's admission: node name and labels, taints that a pod does not tolerate,
resources, host ports. The reasons are the kubelet's, so that controllers that look at them make
another pod elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staticlet.kube import quantity
from staticlet.kube.plain import objects
from staticlet.kube.scheduling import affinity, room, tolerations

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a pod is not admitted.

    Attributes:
        reason: One word, for the status and the event.
        message: The same for people.
    """

    reason: str
    message: str


def admit(pod: Object, node: Object, others: Sequence[Object]) -> Refusal | None:
    """Why a node does not take a pod; None when it does.

    Args:
        pod: The pod.
        node: The Node, as the API has it.
        others: The pods that run there, static ones too.
    """
    os_wanted = ((pod.get("spec") or {}).get("os") or {}).get("name")
    if os_wanted not in (None, "linux"):
        return Refusal(
            reason="PodOSNotSupported",
            message=f"Failed to admit pod as the OS field doesn't match node OS: {os_wanted}",
        )
    if not affinity.suits(pod, node):
        return Refusal(
            reason="NodeAffinity",
            message="Predicate NodeAffinity failed: node(s) didn't match "
            "Pod's node affinity/selector",
        )
    taints = objects(node.get("spec") or {}, "taints")
    if tolerations.untolerated(pod, taints, (tolerations.NO_EXECUTE,)) is not None:
        return Refusal(
            reason="TaintToleration",
            message="Predicate TaintToleration failed: node(s) had taints that the pod didn't "
            "tolerate",
        )
    if room.ports_taken(pod, others):
        return Refusal(
            reason="NodePorts",
            message="Predicate NodePorts failed: node(s) didn't have free "
            "ports for the requested pod ports",
        )
    lacking = room.lacking(pod, node, others)
    return _out_of(lacking[0], pod, node, others) if lacking else None


def _out_of(lacking: str, pod: Object, node: Object, others: Sequence[Object]) -> Refusal:
    """The kubelet's words for a resource of which there is too little."""
    if lacking == "Too many pods":
        name, asked, used = "pods", "1", str(len(others))
    else:
        name = lacking.removeprefix("Insufficient ")
        asked = str(room.requests(pod).get(name, quantity.parse("0")))
        taken = quantity.parse("0")
        for other in others:
            taken += room.requests(other).get(name, quantity.parse("0"))
        used = str(taken)
    there = ((node.get("status") or {}).get("allocatable") or {}).get(name, "0")
    return Refusal(
        reason=f"OutOf{name}",
        message=f"Node didn't have enough resource: {name}, requested: {asked}, used: {used}, "
        f"capacity: {there}",
    )
