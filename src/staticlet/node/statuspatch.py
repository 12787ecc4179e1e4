"""What of a pod's status in the API is not as the agent knows it, as a patch. Pure.

The agent writes the fields that a node agent owns and conditions of its own types; whatever else
stands in a status is somebody else's and stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from staticlet.kube import core, rfc3339
from staticlet.kube.plain import objects

Object = dict[str, Any]

FIELDS = (
    "phase",
    "reason",
    "message",
    "startTime",
    "hostIP",
    "hostIPs",
    "podIP",
    "podIPs",
    "initContainerStatuses",
    "containerStatuses",
)
CONDITIONS = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)
"""The types of conditions that a node agent writes."""

_BEGINNING = ("ContainerCreating", "PodInitializing")
_READY = ("Ready", "ContainersReady")
_MERGED_BY_IP = frozenset(("hostIPs", "podIPs"))
_OF_A_CONDITION = ("status", "reason", "message", "lastTransitionTime", "lastProbeTime")


def patch(ours: core.PodStatus, there: Mapping[str, Any]) -> Object | None:
    """The strategic merge patch of a status that makes it ours.

    Args:
        ours: The status as the agent computes it.
        there: The status as the API has it.

    Returns:
        The value of `status` in the patch; None when there is nothing to change.
    """
    wanted = status(ours)
    changes: Object = {}
    for field in FIELDS:
        value, found = wanted.get(field), there.get(field)
        if _same(value, found):
            continue
        if field in _MERGED_BY_IP and found:
            # Only beside a list that is there: as part of a new one, a kube-apiserver takes the
            # directive for an address that is empty, and refuses the whole patch.
            changes[field] = [*(value or ()), {"$patch": "replace"}]
        else:
            changes[field] = value
    conditions = _conditions(objects(wanted, "conditions"), objects(there, "conditions"))
    if conditions:
        changes["conditions"] = conditions
    return changes or None


def status(ours: core.PodStatus) -> Object:
    """A status as JSON has it, times to the second."""
    plain: Object = _seconds(msgspec.to_builtins(ours, builtin_types=(datetime,)))
    return plain


def tells_less(ours: core.PodStatus, there: Mapping[str, Any]) -> bool:
    """Whether the API knows of containers that the runtime has no more.

    So it is while a pod that has been stopped is cleared away: its containers go one by one, and
    what is left of them looks like an earlier time of the pod, or like its very beginning.
    """
    mine = {one.name: one for one in ours.containerStatuses or ()}
    return ours.phase == "Pending" or any(
        _is_earlier(mine[one["name"]], one)
        for one in objects(there, "containerStatuses")
        if one.get("name") in mine
    )


def _is_earlier(ours: core.ContainerStatus, there: Mapping[str, Any]) -> bool:
    count = there.get("restartCount")
    if isinstance(count, int) and ours.restartCount < count:
        return True
    waiting = ours.state.waiting if ours.state is not None else None
    begins = waiting is not None and waiting.reason in _BEGINNING
    return begins and bool(there.get("containerID"))


def _conditions(ours: Sequence[Object], there: Sequence[Object]) -> list[Object]:
    """Those conditions that differ.

    One that holds as before has not changed its state: the time at which it did stays, as the API
    has it, like the kubelet's. We only know when something of the pod changed last.
    """
    known = {one.get("type"): one for one in there}
    found = []
    for one in ours:
        other = known.get(one["type"])
        if other is None:
            found.append(one)
            continue
        differing = {
            name: one.get(name)
            for name in _OF_A_CONDITION
            if name != "lastProbeTime" and not _same(one.get(name), other.get(name))
        }
        if "status" not in differing and not _is_new(one, other):
            differing.pop("lastTransitionTime", None)
        if differing:
            found.append({"type": one["type"], **differing})
    return found


def _is_new(ours: Object, there: Object) -> bool:
    """Whether a condition that holds did not do so meanwhile, or the API does not say since when.

    A pod that is ready was not when its last container started.
    """
    since, told = str(ours.get("lastTransitionTime")), there.get("lastTransitionTime")
    again = ours["type"] in _READY and ours.get("status") == "True" and since > str(told)
    return not told or again


def _same(value: Any, found: Any) -> bool:
    """Whether two values are equal, absent and empty being one, at every depth."""
    if isinstance(value, dict) or isinstance(found, dict):
        left, right = value or {}, found or {}
        if not isinstance(left, dict) or not isinstance(right, dict):
            return False
        return all(_same(left.get(name), right.get(name)) for name in {*left, *right})
    if isinstance(value, list) or isinstance(found, list):
        some, others = value or [], found or []
        return len(some) == len(others) and all(
            _same(one, other) for one, other in zip(some, others, strict=True)
        )
    return value == found or (not value and not found)


def _seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _seconds(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_seconds(one) for one in value]
    if isinstance(value, datetime):
        return rfc3339.text(value)
    return value
