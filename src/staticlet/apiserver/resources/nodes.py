"""Nodes: the machine as its agent describes it."""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.apiserver.resources import basic, columns, kind, noderules, objectmeta, traits
from staticlet.kube import core, quantity
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import errors, peek

_SYSTEM = (
    "architecture",
    "bootID",
    "containerRuntimeVersion",
    "kernelVersion",
    "kubeProxyVersion",
    "kubeletVersion",
    "machineID",
    "operatingSystem",
    "osImage",
    "systemUUID",
)


class Nodes(basic.Basic):
    """The rules of nodes, whose status may be set when they are made."""

    def default(self, obj: kind.Object) -> None:
        """What can be allocated is all there is; what is always written is there, if empty."""
        spec, status = obj.setdefault("spec", {}), obj.setdefault("status", {})
        _amounts(status)
        if "allocatable" not in status and status.get("capacity"):
            status["allocatable"] = {**status["capacity"]}
        info = status.setdefault("nodeInfo", {})
        for name in _SYSTEM:
            info.setdefault(name, "")
        ends = status.setdefault("daemonEndpoints", {})
        ends.setdefault("kubeletEndpoint", {}).setdefault("Port", 0)
        for condition in peek.objects(status, "conditions"):
            if isinstance(condition, dict):
                condition.setdefault("lastHeartbeatTime", None)
                condition.setdefault("lastTransitionTime", None)
        _networks(spec)
        for name in ("taints", "unschedulable", "providerID", "podCIDR", "podCIDRs"):
            if name in spec and not spec[name]:
                del spec[name]

    def rules(self, obj: kind.Object) -> errors.Errors:
        """Taints and networks."""
        yield from noderules.check(obj)

    def changes(self, new: kind.Object, old: kind.Object) -> errors.Errors:
        """Who a node is stays."""
        yield from noderules.check_change(new, old)

    def keep(self, new: kind.Object, old: kind.Object) -> None:
        """The status is written through `/status`."""
        new["status"] = old.get("status", {})

    def check_status(self, new: kind.Object, old: kind.Object) -> Sequence[FieldError]:
        """Amounts and addresses."""
        found = [*super().check_status(new, old), *noderules.check_change(new, old)]
        return objectmeta.once(found)


def _amounts(status: kind.Object) -> None:
    for field in ("capacity", "allocatable"):
        amounts = peek.child(status, field)
        if not amounts:
            status.pop(field, None)
            continue
        status[field] = {name: quantity.canonical(amount) for name, amount in amounts.items()}


def _networks(spec: kind.Object) -> None:
    """`podCIDR` and the first of `podCIDRs` are one; where they differ `podCIDR` is right."""
    single, several = peek.text(spec, "podCIDR"), peek.texts(spec, "podCIDRs")
    if single and several[:1] != (single,):
        spec["podCIDRs"] = [single]
    elif several and not single:
        spec["podCIDR"] = several[0]


NODES = kind.Kind(
    plural="nodes",
    singular="node",
    kind="Node",
    short_names=("no",),
    namespaced=False,
    verbs=traits.ALL,
    struct=core.Node,
    strategy=Nodes(namespaced=False),
    columns=columns.NODES,
    subresources=(
        kind.Subresource(
            name="proxy",
            kind="NodeProxyOptions",
            verbs=("create", "delete", "get", "patch", "update"),
        ),
        kind.Subresource(name="status", kind="Node", verbs=traits.CHANGE),
    ),
    fields={"spec.unschedulable": traits.at("spec", "unschedulable", default="false")},
    hash=traits.version_hash("", "v1", "Node"),
)
