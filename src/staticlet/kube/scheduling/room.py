"""Whether a node has room for a pod: cpu, memory, other resources, the number of pods, ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from staticlet.kube import poddefaults, quantity
from staticlet.kube.plain import Object as Plain
from staticlet.kube.plain import objects

Object = Mapping[str, Any]
Amounts = dict[str, quantity.Quantity]

_ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104  compared, not bound
_FINISHED = ("Succeeded", "Failed")


class HostPort(NamedTuple):
    """A port of the node that a pod takes."""

    address: str
    protocol: str
    port: int

    def clashes(self, other: HostPort) -> bool:
        """Whether both cannot be had at once."""
        if (self.protocol, self.port) != (other.protocol, other.port):
            return False
        anywhere = self.address in _ANY_ADDRESS or other.address in _ANY_ADDRESS
        return anywhere or self.address == other.address


class Taken:
    """What pods take of a node, all together: added up once, however many ask.

    Attributes:
        pods: How many they are.
        amounts: What they ask for.
        ports: The ports of the node that they take.
    """

    def __init__(self, pods: Iterable[Object] = ()) -> None:
        self.pods = 0
        self.amounts: Amounts = {}
        self.ports: set[HostPort] = set()
        for one in pods:
            self.add(one)

    def add(self, pod: Object) -> None:
        """One more pod."""
        self.pods += 1
        _add(self.amounts, requests(pod))
        self.ports |= ports(pod)

    def clashes(self, pod: Object) -> bool:
        """Whether a port that a pod needs is taken."""
        return any(one.clashes(other) for one in ports(pod) for other in self.ports)


def lacking(pod: Object, node: Object, others: Iterable[Object] | Taken) -> list[str]:
    """What a node has too little of for one more pod, in the scheduler's words.

    Args:
        pod: The pod.
        node: The node, with its `status.allocatable`.
        others: The pods on it that have not ended.
    """
    there = _amounts((node.get("status") or {}).get("allocatable") or {})
    if not there:
        return []  # a node that tells nothing of itself is held against nobody
    reasons = []
    taken = others if isinstance(others, Taken) else Taken(others)
    if "pods" in there and taken.pods + 1 > there["pods"].value():
        reasons.append("Too many pods")
    for name, amount in requests(pod).items():
        if amount.is_zero:
            continue
        free = there.get(name)
        if free is None or free < _plus(taken.amounts.get(name), amount):
            reasons.append(f"Insufficient {name}")
    return reasons


def requests(pod: Object) -> Amounts:
    """What a pod asks for altogether: its own resources, or its containers', and its overhead."""
    spec: Plain = dict(pod.get("spec") or {})
    found = _amounts(poddefaults.together(spec, "requests"))
    found |= _amounts((spec.get("resources") or {}).get("requests") or {})
    _add(found, _amounts(spec.get("overhead") or {}))
    return found


def ports(pod: Object) -> set[HostPort]:
    """The ports of the node that a pod's containers take."""
    spec = pod.get("spec") or {}
    containers = [*objects(spec, "containers")]
    containers += [
        c for c in objects(spec, "initContainers") if c.get("restartPolicy") == "Always"
    ]
    return {
        HostPort(one.get("hostIP") or "", one.get("protocol") or "TCP", one["hostPort"])
        for container in containers
        for one in objects(container, "ports")
        if one.get("hostPort")
    }


def ports_taken(pod: Object, others: Iterable[Object]) -> bool:
    """Whether another pod has a port that this one needs."""
    wanted = ports(pod)
    if not wanted:
        return False
    taken = [one for other in others for one in ports(other)]
    return any(one.clashes(other) for one in wanted for other in taken)


def ended(pod: Object) -> bool:
    """Whether a pod has ended and takes no room any more."""
    return (pod.get("status") or {}).get("phase") in _FINISHED


def _amounts(given: Mapping[str, Any]) -> Amounts:
    found = {}
    for name, amount in given.items():
        try:
            found[name] = quantity.parse(str(amount))
        except quantity.InvalidQuantityError:
            continue  # validation has reported it
    return found


def _add(total: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        total[name] = _plus(total.get(name), amount)


def _plus(left: quantity.Quantity | None, right: quantity.Quantity) -> quantity.Quantity:
    return right if left is None else left + right
