"""A pod as cells: the row of `kubectl get pods`, of which `kube.table` knows the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from staticlet.apiserver.resources.kind import Object
from staticlet.kube import core, table

_NONE = "<none>"
_STATUS = (
    "phase",
    "reason",
    "podIP",
    "startTime",
    "conditions",
    "containerStatuses",
    "initContainerStatuses",
)


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
    """The part of a pod that its row is made of: typing all of it would cost most of the time."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    containers = spec.get("containers") or ()
    inits = spec.get("initContainers") or ()
    return {
        "metadata": _some(obj["metadata"], ("name", "creationTimestamp", "deletionTimestamp")),
        "spec": _some(spec, ("nodeName",))
        | {"containers": [_some(one, ("name",)) for one in containers]}
        | {"initContainers": [_some(one, ("name", "restartPolicy")) for one in inits]},
        "status": _some(status, _STATUS),
    }


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
