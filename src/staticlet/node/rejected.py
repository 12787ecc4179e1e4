"""The status of a pod of the API that is not admitted, as its object has to have it. Pure.

As the kubelet rejects a pod: phase, reason and message. Of one that ran here before nothing is
ready any more. Its containers stay as they were told last: they are being stopped, and another
state of theirs would stand in the place of the reason wherever pods are listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from staticlet.kube import rfc3339
from staticlet.pods import admission

Object = dict[str, Any]

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
            made[field] = [
                {**one, "ready": False, "started": False} for one in _objects(there.get(field))
            ]
    conditions = [
        {"type": one["type"], "status": "False", "reason": "PodFailed", "lastTransitionTime": at}
        for one in _objects(there.get("conditions"))
        if one.get("type") in _READY and one.get("status") == "True"
    ]
    return made | ({"conditions": conditions} if conditions else {})


def _objects(value: Any) -> list[Object]:
    """The objects of a list, which a server may have made of anything."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
