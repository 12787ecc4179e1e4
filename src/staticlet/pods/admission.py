"""Whether this node takes a pod: a static one, or one that an API server has bound to it. Pure.

Follows the kubelet's admission in its order: operating system, resources, node selector and
affinity, host ports, taints that evict. The reasons are the kubelet's, so that controllers that
look at them make another pod elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from staticlet.kube import quantity
from staticlet.kube.plain import objects
from staticlet.kube.scheduling import affinity, room, tolerations
from staticlet.pods import node as nodes
from staticlet.pods import shortage

Object = Mapping[str, Any]

OS_LABEL = "kubernetes.io/os"
OUR_OS = "linux"

_PREDICATES = {
    "NodeAffinity": "node(s) didn't match Pod's node affinity/selector",
    "NodePorts": "node(s) didn't have free ports for the requested pod ports",
    "TaintToleration": "node(s) had taints that the pod didn't tolerate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a pod is not admitted.

    Attributes:
        reason: One word, for the status and the event.
        message: The same for people.
    """

    reason: str
    message: str


def admit(
    pod: Object, node: Object, others: Iterable[Object] | room.Taken, *, holder: str = ""
) -> Refusal | None:
    """Why a node does not take a pod; None when it does.

    Args:
        pod: The pod.
        node: The Node, as the API has it.
        others: The pods that run there, static ones too; or what they take.
        holder: The manifest of a static pod that has the pod's name; empty where there is none.
    """
    if holder:
        return Refusal(
            reason="UnexpectedAdmissionError",
            message=f"a static pod of this node has its name: {holder}",
        )
    taken = others if isinstance(others, room.Taken) else room.Taken(others)
    return _other_os(pod) or _lacking(pod, node, taken) or _predicate(pod, node, taken)


def admit_static(pod: Object, offer: nodes.Offer) -> Refusal | None:
    """Why this node can never take a static pod, as it is; None when only room is to be found.

    Taints do not matter to a static pod. What the kubelet takes is taken: labels that the Node has
    in the API alone count as well as those that it was started with.
    """
    labels = (offer.labels, {**offer.labels, **offer.api_labels})
    nodes_seen = ({"metadata": {"name": offer.name, "labels": each}} for each in labels)
    refused = _other_os(pod)
    if refused is None and not any(affinity.suits(pod, each) for each in nodes_seen):
        failed = "NodeAffinity"
        message = f"Predicate {failed} failed: {_PREDICATES[failed]}"
        return Refusal(reason=failed, message=message)
    return refused


def _other_os(pod: Object) -> Refusal | None:
    labelled = ((pod.get("metadata") or {}).get("labels") or {}).get(OS_LABEL, OUR_OS)
    if labelled != OUR_OS:
        return Refusal(
            reason="PodOSSelectorNodeLabelDoesNotMatch",
            message="Failed to admit pod as the `kubernetes.io/os` label doesn't match node label",
        )
    wanted = ((pod.get("spec") or {}).get("os") or {}).get("name") or OUR_OS
    if wanted != OUR_OS:
        return Refusal(
            reason="PodOSNotSupported",
            message="Failed to admit pod as the OS field doesn't match node OS",
        )
    return None


def _predicate(pod: Object, node: Object, taken: room.Taken) -> Refusal | None:
    taints = objects(node.get("spec") or {}, "taints")
    if not affinity.suits(pod, node):
        failed = "NodeAffinity"
    elif taken.clashes(pod):
        failed = "NodePorts"
    elif tolerations.untolerated(pod, taints, (tolerations.NO_EXECUTE,)) is not None:
        failed = "TaintToleration"
    else:
        return None
    return Refusal(reason=failed, message=f"Predicate {failed} failed: {_PREDICATES[failed]}")


def _lacking(pod: Object, node: Object, taken: room.Taken) -> Refusal | None:
    """The first resource of which there is too little, in the kubelet's words."""
    there = (node.get("status") or {}).get("allocatable") or {}
    pods = quantity.Quantity(Fraction(taken.pods))
    used = {**taken.amounts, shortage.PODS: pods}
    for one in shortage.shortages(shortage.of_pod(pod), used, there):
        return Refusal(reason=out_of(one), message=one.in_the_kubelets_words())
    return None


def out_of(lacking: shortage.Shortage) -> str:
    """The kubelet's reason for a shortage."""
    return f"OutOf{lacking.name}"
