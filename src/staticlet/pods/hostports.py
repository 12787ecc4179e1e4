"""Which ports of this machine pods take: two never hold one at the same time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from staticlet.kube import core
from staticlet.kube.scheduling.room import HostPort
from staticlet.pods import fields, wanted

REASON = "NodePorts"
"""The kubelet's reason for a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A port that another pod has."""

    port: HostPort
    holder: wanted.PodKey

    def __str__(self) -> str:
        where = f"{self.port.address}:{self.port.port}" if self.port.address else self.port.port
        return f"host port {where}/{self.port.protocol} is in use by pod {self.holder}"


def of(pod: core.Pod) -> frozenset[HostPort]:
    """The ports of the machine that a pod takes."""
    sidecars = (c for c in fields.init_containers(pod) if fields.is_sidecar(c))
    return frozenset(
        HostPort(one.hostIP or "", one.protocol or "TCP", one.hostPort)
        for container in (*fields.containers(pod), *sidecars)
        for one in container.ports or ()
        if one.hostPort
    )


def clash(
    key: wanted.PodKey,
    ports: frozenset[HostPort],
    held: Mapping[wanted.PodKey, frozenset[HostPort]],
) -> Clash | None:
    """The first port that a pod cannot have; None when it can have all."""
    for port in sorted(ports):
        for holder in sorted(held):
            if holder != key and any(port.clashes(other) for other in held[holder]):
                return Clash(port=port, holder=holder)
    return None
