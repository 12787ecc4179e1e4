"""A pod as cells: the row of `kubectl get pods`, of which `kube.table` knows the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from staticlet.apiserver.resources.kind import Object
from staticlet.kube import core, table

_NONE = "<none>"
_STATUS = ("phase", "reason", "podIP", "startTime")
_END = ("reason", "signal", "finishedAt")


def cells(obj: Object, now: datetime) -> Sequence[Any]:
    """The cells of a pod, those of `-o wide` included."""
    row = table.pod_row(core.pod(_glance(obj)), now)
    return (
        row.name,
        row.ready,
        row.status,
        row.restarts,
        row.age,
        row.ip,
        row.node,
        (obj.get("status") or {}).get("nominatedNodeName") or _NONE,
        _gates(obj),
    )


def _glance(obj: Object) -> Object:
    """The part of a pod that its row is made of: typing all of it would cost most of the time.

    What the API's types demand and an object may lack all the same is filled in, as Go reads it.
    """
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return {
        "metadata": _some(obj["metadata"], ("name", "creationTimestamp", "deletionTimestamp")),
        "spec": _some(spec, ("nodeName",))
        | {
            "containers": [_container(one) for one in spec.get("containers") or ()],
            "initContainers": [_container(one) for one in spec.get("initContainers") or ()],
        },
        "status": _some(status, _STATUS)
        | {
            "conditions": [_condition(one) for one in status.get("conditions") or ()],
            "containerStatuses": [_status(one) for one in status.get("containerStatuses") or ()],
            "initContainerStatuses": [
                _status(one) for one in status.get("initContainerStatuses") or ()
            ],
        },
    }


def _container(one: Object) -> Object:
    return {"name": one.get("name") or "", "restartPolicy": one.get("restartPolicy")}


def _condition(one: Object) -> Object:
    words = ("type", "status", "reason")
    return {name: one.get(name) or "" for name in words}


def _status(one: Object) -> Object:
    return {
        "name": one.get("name") or "",
        "image": "",
        "imageID": "",
        "ready": one.get("ready") or False,
        "restartCount": one.get("restartCount") or 0,
        "started": one.get("started"),
        "state": _state(one.get("state") or {}),
        "lastState": _state(one.get("lastState") or {}),
    }


def _state(one: Object) -> Object:
    state: Object = {}
    if one.get("running") is not None:
        state["running"] = {}
    if one.get("waiting") is not None:
        state["waiting"] = _some(one["waiting"], ("reason",))
    end = one.get("terminated")
    if end is not None:
        state["terminated"] = {"exitCode": end.get("exitCode") or 0} | _some(end, _END)
    return state


def _some(holder: Mapping[str, Any], names: Sequence[str]) -> Object:
    return {name: holder[name] for name in names if holder.get(name) is not None}


def _gates(obj: Object) -> str:
    gates = (obj.get("spec") or {}).get("readinessGates") or ()
    if not gates:
        return _NONE
    conditions = (obj.get("status") or {}).get("conditions") or ()
    true = {one.get("type") for one in conditions if one.get("status") == "True"}
    passed = sum(gate.get("conditionType") in true for gate in gates)
    return f"{passed}/{len(gates)}"
