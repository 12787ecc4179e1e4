"""Taints and the tolerations of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from staticlet.kube.plain import objects

Object = Mapping[str, Any]

NO_SCHEDULE = "NoSchedule"
NO_EXECUTE = "NoExecute"
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


def tolerated(taint: Object, tolerations: Iterable[Object]) -> bool:
    """Whether any toleration covers a taint (`ToleratesTaint`)."""
    return any(_covers(one, taint) for one in tolerations)


def untolerated(pod: Object, taints: Iterable[Object], effects: Sequence[str]) -> Object | None:
    """The first taint with one of the effects that a pod does not tolerate; None when none."""
    tolerations = objects(pod.get("spec") or {}, "tolerations")
    for taint in taints:
        if taint.get("effect") in effects and not tolerated(taint, tolerations):
            return taint
    return None


def _covers(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    match toleration.get("operator") or "Equal":
        case "Exists":
            return True
        case "Equal":
            same_key = bool(toleration.get("key"))
            return same_key and (toleration.get("value") or "") == (taint.get("value") or "")
        case _:
            return False
