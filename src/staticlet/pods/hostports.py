"""Who has which ports of this machine: two pods never hold one at the same time.

The kubelet refuses a static pod whose host port is in use, for good. Here it waits and is tried
again when the port is free. A pod holds its ports from the moment at which its sandbox is being
made until nothing of it lives any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from staticlet.kube import core, finding
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


def findings(
    want: wanted.Wanted, waiting: Iterable[tuple[wanted.PodKey, Clash]]
) -> Iterator[finding.Finding]:
    """A finding for each static pod that waits for a port.

    Args:
        want: All that is wanted.
        waiting: Which pods wait, and what for.
    """
    for key, found in waiting:
        pod = want.pods.get(key)
        if pod is not None and pod.source != wanted.API:
            yield finding.Finding(
                severity=finding.Severity.ERROR,
                source=pod.origin,
                path="spec.containers",
                message=f"{key} waits: {found}; give one of them another port, or end that pod",
            )


class HostPorts:
    """Keeps who holds what, and wakes who waits."""

    def __init__(self) -> None:
        self._held: dict[wanted.PodKey, frozenset[HostPort]] = {}
        self._waiting: dict[wanted.PodKey, tuple[Clash, Callable[[], None]]] = {}

    def claim(
        self, key: wanted.PodKey, pod: core.Pod, free: Callable[[], None] = lambda: None
    ) -> Clash | None:
        """Take a pod's ports.

        Args:
            key: The pod's name.
            pod: The pod.
            free: Called when it is time to try again; must not wait.

        Returns:
            What is in the way; None when the ports are its own from now on.
        """
        ports = of(pod)
        found = clash(key, ports, self._held)
        if found is not None:
            self._waiting[key] = (found, free)
            return found
        self.hold(key, ports)
        return None

    def hold(self, key: wanted.PodKey, ports: frozenset[HostPort]) -> None:
        """Note what a pod that lives has, whoever else has it."""
        self._waiting.pop(key, None)
        if ports:
            self._held[key] = ports
        else:
            self.release(key)

    def release(self, key: wanted.PodKey) -> None:
        """Nothing of a pod lives any more: others may have its ports."""
        self._waiting.pop(key, None)
        if self._held.pop(key, None) is None:
            return
        for found, free in [*self._waiting.values()]:
            if found.holder == key:
                free()

    def waiting(self) -> Iterator[tuple[wanted.PodKey, Clash]]:
        """Which pods wait, and what for."""
        for key, (found, _) in self._waiting.items():
            yield key, found
