"""The defaults of `spec.resources`, the resources of a pod as a whole (KEP-2837).

Only cpu, memory and huge pages may stand there. What it leaves out follows from its containers:
their requests, or the limit of the pod itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from staticlet.kube import quantity
from staticlet.kube.plain import Object, objects

_OVERCOMMITTED = ("cpu", "memory")
_HUGE_PAGES = "hugepages-"
_Totals: TypeAlias = Mapping[str, quantity.Quantity]


def resources(spec: Object) -> None:
    """Complete `spec.resources`, whose containers have their own defaults already."""
    whole = spec["resources"]
    if not (whole.get("limits") or whole.get("requests")):
        return
    for name, amount in together(spec, "limits").items():
        if name.startswith(_HUGE_PAGES) and name not in whole.get("requests", {}):
            whole.setdefault("limits", {}).setdefault(name, amount)
    if not whole.get("limits"):
        return
    requests = dict(whole.get("requests", {}))
    for name, amount in together(spec, "requests").items():
        if name in _OVERCOMMITTED:
            requests.setdefault(name, amount)
    for name, amount in whole["limits"].items():
        if name in _OVERCOMMITTED or name.startswith(_HUGE_PAGES):
            requests.setdefault(name, amount)
    whole["requests"] = requests


def together(spec: Object, field: str) -> Mapping[str, str]:
    """What all containers need at most at one time, by resource (`requests` or `limits`).

    The regular containers and the sidecars run together; an init container runs beside the
    sidecars before it.
    """
    running: dict[str, quantity.Quantity] = {}
    peak: dict[str, quantity.Quantity] = {}
    for container in objects(spec, "initContainers"):
        own = _amounts(container, field)
        if container.get("restartPolicy") == "Always":
            running = _sum(running, own)
            peak = _largest(peak, running)
        else:
            peak = _largest(peak, _sum(running, own))
    for container in objects(spec, "containers"):
        running = _sum(running, _amounts(container, field))
    return {name: amount.canonical() for name, amount in _largest(peak, running).items()}


def _amounts(container: Object, field: str) -> dict[str, quantity.Quantity]:
    found = {}
    for name, amount in container.get("resources", {}).get(field, {}).items():
        try:
            found[name] = quantity.parse(amount)
        except quantity.InvalidQuantityError:
            continue  # reported by the schema check
    return found


def _sum(left: _Totals, right: _Totals) -> dict[str, quantity.Quantity]:
    total = dict(left)
    for name, amount in right.items():
        total[name] = total[name] + amount if name in total else amount
    return total


def _largest(left: _Totals, right: _Totals) -> dict[str, quantity.Quantity]:
    largest = dict(left)
    for name, amount in right.items():
        largest[name] = max(largest.get(name, amount), amount)
    return largest
