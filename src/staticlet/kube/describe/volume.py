"""Volumes as `kubectl describe pod` shows them."""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.kube.describe.rows import NONE, Object, Rows


def write(out: Rows, given: Sequence[Object]) -> None:
    """Write the pod's volumes."""
    if not given:
        out.add(0, "Volumes:", NONE)
        return
    out.add(0, "Volumes:")
    for volume in given:
        out.add(1, f"{volume['name']}:")
        if (path := volume.get("hostPath")) is not None:
            out.add(2, "Type:", "HostPath (bare host directory volume)")
            out.add(2, "Path:", path["path"])
            out.add(2, "HostPathType:", path.get("type") or "")
        elif (empty := volume.get("emptyDir")) is not None:
            out.add(2, "Type:", "EmptyDir (a temporary directory that shares a pod's lifetime)")
            out.add(2, "Medium:", empty.get("medium") or "")
            out.add(2, "SizeLimit:", empty.get("sizeLimit") or "<unset>")
        else:
            kinds = [name for name in volume if name != "name"]
            out.add(2, "Type:", kinds[0] if kinds else NONE)
