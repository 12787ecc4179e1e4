"""The rule of quality of service: what the containers of a pod ask of the machine, in one word.

Follows `GetPodQOS`: only cpu and memory count, amounts of zero do not, and init containers count
like regular ones. Requests and limits of the pod as a whole stand for those of its containers.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from staticlet.kube import quantity
from staticlet.kube.validate import peek

_COUNTED = ("cpu", "memory")
Claim: TypeAlias = tuple[Mapping[str, str], Mapping[str, str]]
"""Requests and limits."""


class QosClass(enum.Enum):
    """The three classes; the value is what the API and the cgroup names are made of."""

    GUARANTEED = "Guaranteed"
    BURSTABLE = "Burstable"
    BEST_EFFORT = "BestEffort"


def of_claims(whole: Claim, containers: Iterable[Claim]) -> QosClass:
    """Guaranteed: cpu and memory are limited everywhere to what is requested; BestEffort: nothing.

    A claim that gives a limit only is taken to request as much, as defaulting would make it.

    Args:
        whole: What the pod asks for as a whole.
        containers: What each of its containers asks for.
    """
    counted = _claim(whole)
    asked = [counted] if any(counted) else [_claim(claim) for claim in containers]
    if not any(any(one) or any(two) for one, two in asked):
        return QosClass.BEST_EFFORT
    if all(limits and requests == limits and len(limits) == 2 for requests, limits in asked):
        return QosClass.GUARANTEED
    return QosClass.BURSTABLE


def of_pod(pod: Mapping[str, Any]) -> QosClass:
    """The class of a pod as plain data."""
    spec = peek.child(pod, "spec")
    containers = (*peek.objects(spec, "initContainers"), *peek.objects(spec, "containers"))
    return of_claims(_resources(spec), (_resources(container) for container in containers))


def _resources(holder: peek.Object) -> Claim:
    resources = peek.child(holder, "resources")
    return peek.text_map(resources, "requests"), peek.text_map(resources, "limits")


_Amounts = Mapping[str, quantity.Quantity]


def _claim(claim: Claim) -> tuple[_Amounts, _Amounts]:
    requests, limits = claim
    limited = _counted(limits)
    return {**limited, **_counted(requests)}, limited


def _counted(amounts: Mapping[str, str]) -> _Amounts:
    read = {name: quantity.parse(amounts[name]) for name in _COUNTED if name in amounts}
    return {name: amount for name, amount in read.items() if not amount.is_zero}
