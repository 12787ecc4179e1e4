"""The quality of service class of a pod: what its containers ask of the machine, in one word.

Follows `GetPodQOS`: only cpu and memory count, amounts of zero do not, and init containers count
like regular ones. Requests and limits of the pod as a whole stand for those of its containers.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from staticlet.kube import core, quantity
from staticlet.pods import fields

_COUNTED = ("cpu", "memory")


class QosClass(enum.Enum):
    """The three classes; the value is what the API and the cgroup names are made of."""

    GUARANTEED = "Guaranteed"
    BURSTABLE = "Burstable"
    BEST_EFFORT = "BestEffort"


def qos_class(pod: core.Pod) -> QosClass:
    """Guaranteed: cpu and memory are limited everywhere to what is requested; BestEffort: nothing.

    A container that gives a limit only is taken to request as much, as defaulting would make it.
    """
    asked = _claims(pod)
    if not any(any(one) or any(two) for one, two in asked):
        return QosClass.BEST_EFFORT
    if all(limits and requests == limits and len(limits) == 2 for requests, limits in asked):
        return QosClass.GUARANTEED
    return QosClass.BURSTABLE


_Amounts = Mapping[str, quantity.Quantity]


def _claims(pod: core.Pod) -> Sequence[tuple[_Amounts, _Amounts]]:
    """Requests and limits, of the pod if it has its own, else of each container."""
    whole = _claim(fields.spec(pod).resources)
    if any(whole):
        return [whole]
    return [_claim(container.resources) for container in fields.all_containers(pod)]


def _claim(resources: core.ResourceRequirements | None) -> tuple[_Amounts, _Amounts]:
    limits = _counted(fields.limits(resources))
    return {**limits, **_counted(fields.requests(resources))}, limits


def _counted(amounts: Mapping[str, str]) -> _Amounts:
    read = {name: quantity.parse(amounts[name]) for name in _COUNTED if name in amounts}
    return {name: amount for name, amount in read.items() if not amount.is_zero}
