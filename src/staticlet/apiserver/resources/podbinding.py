"""Binding a pod to a node: done once, by whoever schedules it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from staticlet.apiserver.resources.kind import Object
from staticlet.kube import refusal, rfc3339
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import errors, peek

_PODS = refusal.GroupResource("", "pods")
_BOUND = refusal.GroupResource("", "pods/binding")


def check(binding: Object) -> Sequence[FieldError]:
    """What is wrong with a Binding, whatever the pod."""
    target = peek.child(binding, "target")
    kind, found = peek.text(target, "kind"), []
    if kind not in ("", "Node"):
        found.append(errors.unsupported(("target", "kind"), kind, ("Node", "<empty>")))
    if not peek.text(target, "name"):
        found.append(errors.required(("target", "name")))
    return found


def bind(pod: Object, binding: Object, now: datetime) -> None:
    """Bind a pod in place: its node, the labels and annotations that come along, PodScheduled.

    Args:
        pod: The pod as it is.
        binding: The Binding.
        now: When it was bound.

    Raises:
        refusal.Refusal: The pod is bound already, is being deleted or may not be scheduled yet.
    """
    meta, spec = pod["metadata"], pod["spec"]
    _may_be_bound(meta, spec, peek.child(binding, "metadata"))
    spec["nodeName"] = binding["target"]["name"]
    for name in ("annotations", "labels"):
        brought = peek.text_map(peek.child(binding, "metadata"), name)
        if brought:
            meta[name] = {**peek.text_map(meta, name), **brought}
    status = pod.setdefault("status", {})
    status.pop("nominatedNodeName", None)
    set_condition(status, {"type": "PodScheduled", "status": "True"}, now)


def _may_be_bound(meta: Object, spec: Object, wanted: peek.Object) -> None:
    name = meta["name"]
    uid, version = peek.text(wanted, "uid"), peek.text(wanted, "resourceVersion")
    for what, asked, found in (
        ("UID", uid, meta.get("uid")),
        ("ResourceVersion", version, meta.get("resourceVersion")),
    ):
        if asked and asked != found:
            why = (
                f"Precondition failed: {what} in precondition: {asked}, "
                f"{what} in object meta: {found}"
            )
            raise refusal.conflict(_PODS, name, why)
    if meta.get("deletionTimestamp"):
        why = f"pod {name} is being deleted, cannot be assigned to a host"
        raise refusal.conflict(_BOUND, name, why)
    if spec.get("nodeName"):
        why = f'pod {name} is already assigned to node "{spec["nodeName"]}"'
        raise refusal.conflict(_BOUND, name, why)
    if spec.get("schedulingGates"):
        why = f"pod {name} has non-empty .spec.schedulingGates"
        raise refusal.conflict(_BOUND, name, why)


def set_condition(status: Object, condition: dict[str, Any], now: datetime) -> None:
    """Set a condition of a pod's status in place; its transition is now where its status changes.

    Args:
        status: The status.
        condition: The condition, without times.
        now: The time of a transition.
    """
    known = status.setdefault("conditions", [])
    place = next((n for n, one in enumerate(known) if one.get("type") == condition["type"]), None)
    made = {"lastProbeTime": None, "lastTransitionTime": rfc3339.text(now), **condition}
    if place is None:
        known.append(made)
        return
    if known[place].get("status") == condition["status"]:
        made["lastTransitionTime"] = known[place].get("lastTransitionTime")
    known[place] = made
