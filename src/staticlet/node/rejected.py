"""The status of a pod of the API that is not admitted, as its object has to have it. Pure.

As the kubelet rejects a pod: phase, reason and message. One that ran here before, and had to make
room, ran last: nothing of it is ready any more, and how its containers end is not told after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from staticlet.kube import rfc3339
from staticlet.pods import admission

Object = dict[str, Any]

UNKNOWN = "ContainerStatusUnknown"
_CONTAINERS = ("initContainerStatuses", "containerStatuses")
_READY = ("Ready", "ContainersReady")


def status(why: admission.Refusal, there: Mapping[str, Any], now: datetime) -> Object:
    """The patch of the status that is there."""
    made: Object = {
        "phase": "Failed",
        "reason": why.reason,
        "message": f"Pod was rejected: {why.message}",
    }
    at = rfc3339.text(now)
    for field in _CONTAINERS:
        if there.get(field):
            made[field] = [_ended(one, at) for one in _objects(there.get(field))]
    conditions = [
        {"type": one["type"], "status": "False", "reason": "PodFailed", "lastTransitionTime": at}
        for one in _objects(there.get("conditions"))
        if one.get("type") in _READY and one.get("status") == "True"
    ]
    return made | ({"conditions": conditions} if conditions else {})


def _objects(value: Any) -> list[Object]:
    """The objects of a list, which a server may have made of anything."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _ended(container: Mapping[str, Any], at: str) -> Object:
    """A container's status, of which nothing runs."""
    state = container.get("state")
    running = state.get("running") if isinstance(state, dict) else None
    if not isinstance(running, dict):
        return {**container, "ready": False, "started": False}
    ended = {
        "exitCode": 137,
        "reason": UNKNOWN,
        "message": "The container could not be located when the pod was terminated",
        "startedAt": running.get("startedAt"),
        "finishedAt": at,
    }
    if container.get("containerID"):
        ended["containerID"] = container["containerID"]
    return {**container, "ready": False, "started": False, "state": {"terminated": ended}}
