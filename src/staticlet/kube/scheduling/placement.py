"""Where a pod goes: to the one node that is ready and suits it, else nowhere, and why not.

This is not a scheduler: it scores nothing. Its words are kube-scheduler's, filter by filter in the
same order, so that `kubectl describe pod` says what people know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staticlet.kube.plain import objects
from staticlet.kube.scheduling import affinity, room, tolerations

Object = Mapping[str, Any]

DEFAULT_SCHEDULER = "default-scheduler"
UNSCHEDULABLE = "Unschedulable"
GATED = "SchedulingGated"

_GATED_MESSAGE = "Scheduling is blocked due to non-empty scheduling gates"
_NOT_HELPFUL = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"
_OF_THE_NOT_READY = (tolerations.NOT_READY, tolerations.UNREACHABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """What becomes of a pod that has no node.

    Attributes:
        node: The node that it goes to; empty when it goes nowhere now.
        reason: Of its condition PodScheduled when it goes nowhere.
        message: The same for people.
    """

    node: str = ""
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Objection:
    """Why a node does not do, and whether that would change if pods on it went."""

    reasons: tuple[str, ...]
    room: bool = False


def is_ours(pod: Object) -> bool:
    """Whether a pod waits for a node, and for no other scheduler."""
    spec = pod.get("spec") or {}
    if spec.get("nodeName") or (pod.get("metadata") or {}).get("deletionTimestamp"):
        return False
    wanted = spec.get("schedulerName") or DEFAULT_SCHEDULER
    return wanted == DEFAULT_SCHEDULER and not room.ended(pod)


def place(
    pod: Object, nodes: Sequence[Object], on_node: Mapping[str, Sequence[Object]]
) -> Placement:
    """Where a pod goes.

    Args:
        pod: A pod without a node.
        nodes: All nodes.
        on_node: The pods of each node that have not ended, by the node's name.
    """
    if objects(pod.get("spec") or {}, "schedulingGates"):
        return Placement(reason=GATED, message=_GATED_MESSAGE)
    if not nodes:
        return _nowhere("no nodes available to schedule pods")
    fitting = []
    objections = []
    for node in nodes:
        name = node["metadata"]["name"]
        found = _objection(pod, node, on_node.get(name, ()))
        if found is None:
            fitting.append(name)
        else:
            objections.append(found)
    if len(fitting) == 1:
        return Placement(node=fitting[0])
    if fitting:
        return _nowhere(
            f"{len(fitting)}/{len(nodes)} nodes would do, and nothing here chooses between them: "
            f"set spec.nodeName to one of {', '.join(sorted(fitting))}"
        )
    return _nowhere(_words(objections, len(nodes)))


def is_ready(node: Object) -> bool:
    """Whether a node says that it is ready."""
    conditions = objects(node.get("status") or {}, "conditions")
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _nowhere(message: str) -> Placement:
    return Placement(reason=UNSCHEDULABLE, message=message)


def _objection(pod: Object, node: Object, others: Sequence[Object]) -> _Objection | None:
    """The first filter that a node does not pass, in kube-scheduler's order."""
    spec = node.get("spec") or {}
    # Of `unschedulable` the field tells: the taint that says the same comes and goes later.
    taints = [t for t in objects(spec, "taints") if t.get("key") != tolerations.UNSCHEDULABLE]
    cordon = {"key": tolerations.UNSCHEDULABLE, "effect": tolerations.NO_SCHEDULE}
    own = objects(pod.get("spec") or {}, "tolerations")
    if spec.get("unschedulable") and not tolerations.tolerated(cordon, own):
        return _Objection(("node(s) were unschedulable",))
    if not is_ready(node) and not any(t.get("key") in _OF_THE_NOT_READY for t in taints):
        # A controller taints such a node, but not at once, and may be off.
        taints.append({"key": tolerations.NOT_READY, "effect": tolerations.NO_SCHEDULE})
    effects = (tolerations.NO_SCHEDULE, tolerations.NO_EXECUTE)
    taint = tolerations.untolerated(pod, taints, effects)
    if taint is not None:
        shown = f"{taint.get('key', '')}: {taint.get('value') or ''}"
        return _Objection((f"node(s) had untolerated taint {{{shown}}}",))
    if not affinity.suits(pod, node):
        return _Objection(("node(s) didn't match Pod's node affinity/selector",))
    if room.ports_taken(pod, others):
        words = "node(s) didn't have free ports for the requested pod ports"
        return _Objection((words,), room=True)
    lacking = room.lacking(pod, node, others)
    return _Objection(tuple(lacking), room=True) if lacking else None


def _words(objections: Sequence[_Objection], total: int) -> str:
    counted = Counter(reason for one in objections for reason in one.reasons)
    reasons = ", ".join(sorted(f"{count} {reason}" for reason, count in counted.items()))
    preemption = Counter(_NO_VICTIMS if one.room else _NOT_HELPFUL for one in objections)
    helps = ", ".join(sorted(f"{count} {reason}" for reason, count in preemption.items()))
    return (
        f"0/{total} nodes are available: {reasons}. "
        f"preemption: 0/{total} nodes are available: {helps}."
    )
