"""A node as cells: the row of `kubectl get nodes`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staticlet.apiserver.resources.kind import Object

_NONE = "<none>"
_UNKNOWN = "<unknown>"
_ROLE = "node-role.kubernetes.io/"
_OLD_ROLE = "kubernetes.io/role"


def cells(obj: Object) -> Sequence[Any]:
    """Status and roles."""
    return _status(obj), ",".join(_roles(obj)) or _NONE


def wide_cells(obj: Object) -> Sequence[Any]:
    """What comes behind the age: version, addresses, system, kernel, runtime."""
    status = obj.get("status") or {}
    info = status.get("nodeInfo") or {}
    return (
        info.get("kubeletVersion", ""),
        _address(status, "InternalIP"),
        _address(status, "ExternalIP"),
        info.get("osImage") or _UNKNOWN,
        info.get("kernelVersion") or _UNKNOWN,
        info.get("containerRuntimeVersion") or _UNKNOWN,
    )


def _status(obj: Object) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    ready = next((one for one in conditions if one.get("type") == "Ready"), None)
    words = {None: "Unknown", "True": "Ready"}
    word = words.get(ready.get("status") if ready else None, "NotReady")
    off = (obj.get("spec") or {}).get("unschedulable")
    return f"{word},SchedulingDisabled" if off else word


def _roles(obj: Object) -> list[str]:
    """The roles, in order: from the labels `node-role.kubernetes.io/<role>` and the older one."""
    labels = obj["metadata"].get("labels") or {}
    named = {key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE)}
    named.add(labels.get(_OLD_ROLE, ""))
    return sorted(named - {""})


def _address(status: Object, kind: str) -> str:
    addresses = status.get("addresses") or ()
    return next(
        (str(one.get("address") or "") for one in addresses if one.get("type") == kind), _NONE
    )
