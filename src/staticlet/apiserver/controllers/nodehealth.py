"""Whether nodes still show life, and what their objects should say then. Pure.

The rules are those of kube-controller-manager's node lifecycle (`monitorNodeHealth`,
`doNoScheduleTaintingPass`, `processTaintBaseEviction`). A sign of life is a *change* of the Lease
or of the heartbeat, at the moment when it is seen here: what times stand in them does not matter,
so that no step of a clock, here or there, makes a node come or go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from staticlet.kube import rfc3339
from staticlet.kube.plain import objects
from staticlet.kube.scheduling import tolerations

Object = dict[str, Any]

GRACE_S = 50.0
"""How long a node may be silent (`--node-monitor-grace-period`)."""

STARTUP_S = 60.0
"""The same for a node that has never told its state (`--node-startup-grace-period`)."""

TYPES = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
"""The conditions that only the node itself can know."""

_READY = "Ready"
_UNKNOWN = "Unknown"
_EXECUTE_KEYS = (tolerations.NOT_READY, tolerations.UNREACHABLE)
_BY_CONDITION: Mapping[tuple[str, str], str] = {
    ("Ready", "False"): tolerations.NOT_READY,
    ("Ready", "Unknown"): tolerations.UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
_SCHEDULE_KEYS = frozenset({*_BY_CONDITION.values(), tolerations.UNSCHEDULABLE})


@dataclass(frozen=True, slots=True)
class Signs:
    """What changes while a node lives: of its uid, its Lease and its heartbeat."""

    uid: str
    renewed: str
    beat: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest signs of a node, and when they were new, on the clock that never jumps."""

    signs: Signs
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grace:
    """How long nodes may be silent, in seconds.

    Attributes:
        monitor_s: Once they have told their state.
        startup_s: Before that.
    """

    monitor_s: float = GRACE_S
    startup_s: float = STARTUP_S

    def over_s(self, node: Mapping[str, Any], seen: Seen) -> float:
        """When a node has been silent for too long, on the clock that never jumps."""
        told = _condition(node, _READY) is not None
        return seen.at_s + (self.monitor_s if told else self.startup_s)


def signs(node: Mapping[str, Any], lease: Mapping[str, Any] | None) -> Signs:
    """The signs of life as they are now.

    Args:
        node: The node.
        lease: Its Lease; None where it has none.
    """
    ready = _condition(node, _READY) or {}
    return Signs(
        uid=str(node["metadata"].get("uid", "")),
        renewed=str(((lease or {}).get("spec") or {}).get("renewTime") or ""),
        beat=str(ready.get("lastHeartbeatTime") or ""),
    )


def observed(
    before: Mapping[str, Seen], now: Mapping[str, Signs], now_s: float
) -> dict[str, Seen]:
    """When each node last showed life, after one more look.

    Args:
        before: The same after the look before, by the nodes' names; empty gives every node all
            its time, at the start, and where nobody has looked for a while.
        now: What shows now.
        now_s: The time, on the clock that never jumps.
    """
    found = {}
    for name, shown in now.items():
        known = before.get(name)
        same = known is not None and known.signs == shown
        found[name] = Seen(shown, known.at_s if known and same else now_s)
    return found


def silent(node: Mapping[str, Any], now: datetime) -> list[Object] | None:
    """The conditions of a node that has been silent for too long; None where they say so already.

    Args:
        node: The node.
        now: The date that they give for the change.
    """
    date = rfc3339.text(now)
    conditions = objects(node.get("status") or {}, "conditions")
    known = {one.get("type") for one in conditions}
    made = [_lost(one, date) if one.get("type") in TYPES else one for one in conditions]
    since = node["metadata"].get("creationTimestamp")
    made += [_never(kind, since, date) for kind in TYPES if kind not in known]
    return None if made == conditions else made


def _lost(condition: Object, date: str) -> Object:
    if condition.get("status") == _UNKNOWN:
        return condition
    return {
        **condition,
        "status": _UNKNOWN,
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
        "lastTransitionTime": date,
    }


def _never(kind: str, since: str | None, date: str) -> Object:
    return {
        "type": kind,
        "status": _UNKNOWN,
        "lastHeartbeatTime": since,
        "lastTransitionTime": date,
        "reason": "NodeStatusNeverUpdated",
        "message": "Kubelet never posted node status.",
    }


def is_unknown(node: Mapping[str, Any]) -> bool:
    """Whether nobody knows how a node is."""
    return (_condition(node, _READY) or {}).get("status") == _UNKNOWN


def was_ready(node: Mapping[str, Any]) -> bool:
    """Whether a node's object says that it is ready."""
    return (_condition(node, _READY) or {}).get("status") == "True"


def none_is_ready(nodes: Iterable[Mapping[str, Any]]) -> bool:
    """Whether it may as well be this side that is cut off: then no pod is sent away.

    As kube-controller-manager holds back where all nodes are gone at once; of a cluster of one
    node, that is always.
    """
    return not any(was_ready(node) for node in nodes)


def taints(node: Mapping[str, Any], now: datetime, *, hold_back: bool) -> Sequence[Object] | None:
    """The taints that a node should have; None where it has them.

    A new one takes the place of what it follows from: `unreachable` that of `not-ready`. Taints of
    other keys, and of other effects, are somebody else's and stay.

    Args:
        node: The node.
        now: When a taint that is new was added.
        hold_back: Whether no taint is to send pods away (see `none_is_ready`).
    """
    spec = node.get("spec") or {}
    there = objects(spec, "taints")
    wanted = _wanted(node, hold_back=hold_back)
    kept = [one for one in there if not _is_ours(one) or _name(one) in wanted]
    missing = [each for each in wanted if each not in {_name(one) for one in kept}]
    if len(kept) == len(there) and not missing:
        return None
    date = rfc3339.text(now)
    fresh = [{"key": key, "effect": effect, "timeAdded": date} for key, effect in missing]
    return [*kept, *fresh]


def _wanted(node: Mapping[str, Any], *, hold_back: bool) -> list[tuple[str, str]]:
    states = {
        (one.get("type"), one.get("status"))
        for one in objects(node.get("status") or {}, "conditions")
    }
    keys = [key for state, key in _BY_CONDITION.items() if state in states]
    wanted = [(key, tolerations.NO_SCHEDULE) for key in keys]
    if (node.get("spec") or {}).get("unschedulable"):
        wanted.append((tolerations.UNSCHEDULABLE, tolerations.NO_SCHEDULE))
    if not hold_back:
        wanted += [(key, tolerations.NO_EXECUTE) for key in keys if key in _EXECUTE_KEYS]
    return wanted


def _is_ours(taint: Object) -> bool:
    key, effect = _name(taint)
    keys = _SCHEDULE_KEYS if effect == tolerations.NO_SCHEDULE else frozenset(_EXECUTE_KEYS)
    return key in keys and effect in (tolerations.NO_SCHEDULE, tolerations.NO_EXECUTE)


def _name(taint: Object) -> tuple[str, str]:
    return str(taint.get("key", "")), str(taint.get("effect", ""))


def _condition(node: Mapping[str, Any], kind: str) -> Object | None:
    conditions = objects(node.get("status") or {}, "conditions")
    return next((one for one in conditions if one.get("type") == kind), None)
