"""The Node that stands for this machine: how it is registered, and its status. Pure.

Follows the kubelet's `initialNode`, `updateDefaultLabels` and the setters of its node status. Left
out is what is not known here: the runtime's handlers, features, volumes in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from staticlet.config.settings import Settings
from staticlet.host import nodeinfo
from staticlet.kube import nodelabels, release
from staticlet.node import capacity, conditions
from staticlet.runtime import port

Object = dict[str, Any]

ATTACH_DETACH = "volumes.kubernetes.io/controller-managed-attach-detach"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
NAMES_OF_AN_IMAGE = 5

_NEEDED = (capacity.CPU, capacity.MEMORY, capacity.PODS)
_OWN = (
    "addresses",
    "allocatable",
    "capacity",
    "conditions",
    "daemonEndpoints",
    "images",
    "nodeInfo",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """How the machine and its runtime are.

    Attributes:
        identity: Which machine it is.
        capacity: How much there is.
        addresses: Its addresses, at most one a family.
        runtime: Who the runtime is; None while it has never answered.
        troubles: Why the node is not ready, in the kubelet's words; none when it is.
        pressures: The pressure conditions that hold.
        images: What images there are.
    """

    identity: nodeinfo.Identity
    capacity: nodeinfo.Capacity
    addresses: tuple[str, ...] = ()
    runtime: port.RuntimeVersion | None = None
    troubles: tuple[str, ...] = ()
    pressures: frozenset[str] = frozenset()
    images: tuple[port.Image, ...] = ()


def node(seen: Observation, settings: Settings, now: datetime) -> Object:
    """The Node as it is registered where there is none."""
    spec: Object = {}
    taints = [dict(taint) for taint in settings.register_with_taints]
    if not settings.register_schedulable:
        spec["unschedulable"] = True
        if not any(taint["key"] == UNSCHEDULABLE for taint in taints):
            taints.append({"key": UNSCHEDULABLE, "effect": "NoSchedule"})
    if taints:
        spec["taints"] = taints
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": settings.node_name,
            "labels": labels(seen.identity, settings),
            "annotations": {ATTACH_DETACH: "true"},
        },
        "spec": spec,
        "status": status(seen, settings, before={}, now=now),
    }


def labels(identity: nodeinfo.Identity, settings: Settings) -> dict[str, str]:
    """The labels that it is registered with; `--node-labels` cannot make the machine another."""
    return {
        nodelabels.HOSTNAME: settings.node_name,
        **settings.node_labels,
        nodelabels.OS: "linux",
        nodelabels.ARCH: identity.architecture,
        nodelabels.BETA_OS: "linux",
        nodelabels.BETA_ARCH: identity.architecture,
    }


def reconciled(existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> Object | None:
    """What to change in a Node that is there already, as a merge patch; None for nothing.

    Like the kubelet this leaves alone taints, and labels that do not describe the machine.
    """
    there, ours = existing.get("metadata") or {}, wanted["metadata"]
    meta: Object = {}
    for field, names in (("labels", nodelabels.SETTABLE), ("annotations", {ATTACH_DETACH})):
        have = there.get(field) or {}
        differing = {
            name: value
            for name, value in ours[field].items()
            if name in names and have.get(name) != value
        }
        if differing:
            meta[field] = differing
    return {"metadata": {"uid": there.get("uid"), **meta}} if meta else None


def status(
    seen: Observation, settings: Settings, *, before: Mapping[str, Any], now: datetime
) -> Object:
    """The Node's status.

    Args:
        seen: How the machine is.
        settings: What we are told.
        before: The status as the API server has it; empty for a Node that is to be made.
        now: The time.
    """
    there = capacity.capacity(seen.capacity, settings)
    port_number = settings.port if settings.enable_server else 0
    return {
        "addresses": _addresses(seen.addresses, settings.node_name),
        "capacity": capacity.texts(there),
        "allocatable": capacity.texts(capacity.allocatable(there, settings)),
        "conditions": conditions.conditions(
            seen.pressures, _troubles(seen, there), before=before, now=now
        ),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port_number}},
        "images": images(seen.images, settings.node_status_max_images),
        "nodeInfo": _node_info(seen),
    }


def images(there: Sequence[port.Image], most: int) -> list[Object]:
    """The largest images, each with a few of its names; all for a negative number."""
    ordered = sorted(there, key=lambda image: (-image.size_bytes, image.id))
    return [
        {
            "names": [*image.digests, *image.tags][:NAMES_OF_AN_IMAGE],
            "sizeBytes": image.size_bytes,
        }
        for image in (ordered if most < 0 else ordered[:most])
    ]


def patch(wanted: Mapping[str, Any], node: Mapping[str, Any]) -> Object:
    """A strategic merge patch that gives a Node this status and leaves what is not ours."""
    current = node.get("status") or {}
    changed: Object = {"conditions": wanted["conditions"]}
    for name, value in wanted.items():
        if name != "conditions" and current.get(name) != value:
            changed[name] = value
    if "addresses" in changed and current.get("addresses"):
        # Only beside a list that is there: a kube-apiserver would take it for an address.
        changed["addresses"] = [*changed["addresses"], {"$patch": "replace"}]
    for name in ("capacity", "allocatable"):
        if name in changed:
            changed[name] = changed[name] | _vanished(current.get(name) or {}, changed[name])
    return {"metadata": {"uid": node["metadata"]["uid"]}, "status": changed}


def essence(of: Mapping[str, Any]) -> Object:
    """What of a status is ours, without the time at which it was computed."""
    out = {name: of.get(name) for name in _OWN}
    found = conditions.by_type(of)
    out["conditions"] = [
        {name: value for name, value in found[kind].items() if name != "lastHeartbeatTime"}
        for kind in conditions.TYPES
        if kind in found
    ]
    return out


def _vanished(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> Object:
    """Huge pages of a size that the kernel has no more; other resources may be others'."""
    return {
        name: None
        for name in current
        if name.startswith(capacity.HUGEPAGES) and name not in wanted
    }


def _addresses(ips: Sequence[str], name: str) -> list[Object]:
    found = [{"type": "InternalIP", "address": ip} for ip in ips]
    return [*found, {"type": "Hostname", "address": name}]


def _troubles(seen: Observation, there: capacity.Amounts) -> list[str]:
    missing = [name for name in _NEEDED if name not in there or there[name].is_zero]
    out = list(seen.troubles)
    if missing:
        out.append(f"missing node capacity for resources: {', '.join(missing)}")
    return out


def _node_info(seen: Observation) -> Object:
    who = seen.identity
    runtime = seen.runtime
    out: Object = {
        "machineID": who.machine_id,
        "systemUUID": who.system_uuid,
        "bootID": who.boot_id,
        "kernelVersion": who.kernel_version,
        "osImage": who.os_image,
        "containerRuntimeVersion": (
            f"{runtime.name}://{runtime.version}" if runtime else "remote://Unknown"
        ),
        "kubeletVersion": release.VERSION,
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": who.architecture,
    }
    if seen.capacity.swap_bytes:
        out["swap"] = {"capacity": seen.capacity.swap_bytes}
    return out
