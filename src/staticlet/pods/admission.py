"""Whether this node takes a pod that an API server has bound to it. Pure.

Follows the kubelet's admission in its order: operating system, resources, node selector and
affinity, host ports, taints that evict. The reasons are the kubelet's, so that controllers that
look at them make another pod elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from staticlet.kube import quantity
from staticlet.kube.plain import objects
from staticlet.kube.scheduling import affinity, room, tolerations

Object = Mapping[str, Any]

OS_LABEL = "kubernetes.io/os"
OUR_OS = "linux"

_PREDICATES = {
    "NodeAffinity": "node(s) didn't match Pod's node affinity/selector",
    "NodePorts": "node(s) didn't have free ports for the requested pod ports",
    "TaintToleration": "node(s) had taints that the pod didn't tolerate",
}
_NATIVE_DOMAIN = "kubernetes.io/"


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
    for lacking in room.lacking(pod, node, taken):
        if lacking == "Too many pods":
            return _out_of("pods", 1, taken.pods, there)
        name = lacking.removeprefix("Insufficient ")
        if name not in there and _is_extended(name):
            continue  # a node that knows nothing of a resource holds it against nobody
        used = taken.amounts.get(name, quantity.parse("0"))
        return _out_of(name, _plain(name, room.requests(pod)[name]), _plain(name, used), there)
    return None


def _out_of(name: str, asked: int, used: int, there: Mapping[str, Any]) -> Refusal:
    capacity = _plain(name, quantity.parse(str(there.get(name, "0"))))
    return Refusal(
        reason=f"OutOf{name}",
        message=f"Node didn't have enough resource: {name}, requested: {asked}, used: {used}, "
        f"capacity: {capacity}",
    )


def _plain(name: str, amount: quantity.Quantity) -> int:
    """An amount as the kubelet prints it: cpu in thousandths, others in units."""
    return amount.milli() if name == "cpu" else amount.value()


def _is_extended(name: str) -> bool:
    """Whether a resource is a device or another that is no part of every machine."""
    domain, _, rest = name.rpartition("/")
    return bool(domain and rest) and not f"{domain}/".endswith(_NATIVE_DOMAIN)
