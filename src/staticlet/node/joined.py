"""The machine as a node of an API server: its Node, the status of it, and its sign of life.

Nothing here is needed to run static pods, and nothing that runs them waits for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from staticlet.aio import clock as clocks
from staticlet.client import listing, port, reflector
from staticlet.config.settings import Settings
from staticlet.host import nodeinfo
from staticlet.kube.finding import Finding, Severity
from staticlet.node import (
    guarded,
    lease,
    machine,
    nodestatus,
    observer,
    own,
    register,
    runtimesight,
    ties,
)
from staticlet.pods import events
from staticlet.runtime import port as runtimes

log = logging.getLogger(__name__)

CONFLICT = "NodeNameConflict"
"""The reason of the event that tells of two agents with one node name."""


class Node:
    """Keeps the Node of this machine.

    Args:
        api: The API server.
        settings: What we are told.
        runtime: The container runtime.
        images: Its images.
        tell: Takes type, reason and message of an event about the Node; `subject` is its object.
        clock: The time.
        random: A number from 0 (included) to 1 (excluded) at each call.
        pause: Waits so many seconds, or less if a server that was away answers again.
        host: The machine; None for the one that we run on.

    Attributes:
        own: The Node, for those who write what belongs to it.
        api: The API server for them: out of reach while another agent holds the node's name.
    """

    def __init__(
        self,
        api: port.Api,
        settings: Settings,
        *,
        runtime: runtimes.Runtime,
        images: runtimes.Images,
        tell: ties.Tell,
        clock: clocks.Clock,
        random: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        host: machine.Machine | None = None,
    ) -> None:
        self.own = own.OwnNode(settings.node_name)
        self.api = guarded.Guarded(api, self.own, pause)
        self._settings = settings
        self._tell = tell
        self._host = host or machine.Host(settings)
        self._clock = clock
        self._rival = ""
        self._listings = 0
        self._sight = runtimesight.RuntimeSight(runtime, self._clock, self._runtime_changed)
        watcher = observer.Observer(self._host, self._sight, images, settings, self._clock)
        self._watcher = watcher
        self._ties = ties.Ties(
            api=api,
            node=self.own,
            settings=settings,
            clock=clock,
            random=random,
            pause=pause,
            tell=tell,
        )
        self._registrar = register.Registrar(self._ties, watcher)
        self._status = nodestatus.NodeStatus(self._ties, watcher)
        self._reflector = reflector.Reflector(
            api,
            register.PATH,
            query={"fieldSelector": f"metadata.name={settings.node_name}"},
            clock=self._clock,
            random=random,
            changed=self._watched,
            pause=pause,
        )

    async def run(self) -> None:
        """Keep the Node until cancelled."""
        self._tell("Normal", "Starting", "Starting kubelet.")
        agent = mark(await self._host.identity(), self._settings)
        keeper = lease.Lease(self._ties, agent=agent, taken=self._taken)
        works = {
            "own Node": self._reflector.run(),
            "runtime's state": self._sight.run(),
            "lease": keeper.run(),
            "registration": self._registrar.run(),
            "node status": self._status.run(),
        }
        async with asyncio.TaskGroup() as group:
            for name, work in works.items():
                group.create_task(work, name=name)

    def allocatable(self) -> Mapping[str, str]:
        """What pods may use of this machine, as the Node says; empty while there is none."""
        status = (self.own.node or {}).get("status") or {}
        found: Mapping[str, str] = status.get("allocatable") or {}
        return found

    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the Node, and lasts."""
        out = []
        if self._rival:
            out.append(self._rival)
        elif self._registrar.refusal:
            out.append(f"cannot be registered: {self._registrar.refusal}")
        out += (
            f"more {name} is reserved than there is, and none is left for pods: lower "
            "kubeReserved, systemReserved or evictionHard"
            for name in self._watcher.overdrawn
        )
        source = f"node {self._settings.node_name}"
        return tuple(Finding(severity=Severity.ERROR, source=source, message=one) for one in out)

    def _watched(self, key: listing.Key) -> None:
        listed = self._reflector.listings != self._listings
        self._listings = self._reflector.listings
        self.own.watched(self._reflector.objects.get(key), listed=listed)

    def _runtime_changed(self) -> None:
        self._status.wake()

    def _taken(self, by: str) -> None:
        """Hear who has our name."""
        rival = _two_of_a_name(self._settings.node_name, by) if by else ""
        if rival == self._rival:
            return
        self._rival = rival
        if rival:
            log.error("%s", rival)
            self._tell("Warning", CONFLICT, rival)
        else:
            log.info("the node name %s is ours", self._settings.node_name)


def subject(name: str) -> events.Subject:
    """The Node as what an event is about: like the kubelet, with its name for its uid."""
    return events.Subject(kind="Node", namespace="default", name=name, uid=name)


def mark(who: nodeinfo.Identity, settings: Settings) -> str:
    """What marks a Lease as this agent's: the same after each start, and each boot."""
    parts = (who.machine_id, who.system_uuid, str(settings.root_dir))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _two_of_a_name(name: str, by: str) -> str:
    return (
        f"another agent is the node {name}: {by} renews its Lease; stop that one, or give this "
        "one another --hostname-override. Static pods run on; nothing is written to the API "
        "server meanwhile"
    )
