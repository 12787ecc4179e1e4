"""What workers share: the abilities they act with, as protocols, and the fault of a step.

The worker decides by `plan` and acts through these. On a machine they are `hands.RuntimeHands`,
`images.source.PodImages`, `host.proc.ExitWatch` and `runtimegate.RuntimeGate`; tests put others in
their place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from staticlet.aio import clock as clocks
from staticlet.pods import events, places, wanted
from staticlet.pods import observed as obs
from staticlet.pods.apiobjects import held
from staticlet.pods.images import view as image_view
from staticlet.runtime import port


class StepFault(Exception):
    """A step that failed, with the kubelet's reason for it.

    Attributes:
        reason: CreateContainerError, RunContainerError, FailedCreatePodSandBox, FailedMount, …
        message: What was said, and by whom.
        look: Whether the runtime must be looked at anew, because the step may be half done.
    """

    def __init__(self, reason: str, message: str, *, look: bool = False) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.look = look


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStart:
    """One start of one container: where, of what image, and the how-manieth it is."""

    pod: wanted.WantedPod
    sandbox: obs.ObservedSandbox
    name: str
    restart_count: int
    image: port.Image


class Hands(Protocol):
    """What a worker can do on the machine and on the runtime; raises StepFault and Unavailable."""

    async def look(self, key: wanted.PodKey) -> obs.Observed:
        """All sandboxes of a pod key with their containers."""
        ...

    async def recall(self, sandbox: obs.ObservedSandbox) -> wanted.WantedPod | None:
        """The pod that a sandbox was made for, as the runtime keeps it; None if it does not."""
        ...

    async def run_sandbox(self, pod: wanted.WantedPod, attempt: int) -> obs.ObservedSandbox:
        """Make directories, volumes and the sandbox."""
        ...

    async def start(self, start: ContainerStart) -> obs.ObservedContainer:
        """Create and start a container."""
        ...

    async def renew(self, pod: wanted.WantedPod, *, living: bool) -> None:
        """Write volumes of objects anew where these changed, or remove them at a pod's end."""
        ...

    async def stop(self, sandbox: obs.ObservedSandbox, grace_s: int) -> obs.ObservedSandbox:
        """Stop all containers of a sandbox, each with the grace, then the sandbox."""
        ...

    async def exit_of(self, container: obs.ObservedContainer) -> obs.ObservedContainer:
        """The container after the runtime has recorded the exit of its process."""
        ...

    async def sandbox_exit_of(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """The sandbox after its own process ended."""
        ...

    async def pids(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """The sandbox with its own pid, where the runtime tells it."""
        ...

    async def remove_container(
        self, key: wanted.PodKey, uid: str, container: obs.ObservedContainer
    ) -> None:
        """Remove a dead container and its log file."""
        ...

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove a dead sandbox."""
        ...

    async def clean_up(self, key: wanted.PodKey, uid: str) -> None:
        """Unmount and remove everything that a UID left on the machine."""
        ...


class ImageSource(Protocol):
    """What a worker asks about images; answers come at once, pulls run elsewhere."""

    def views(
        self, pod: wanted.WantedPod, counts: Mapping[str, int]
    ) -> Mapping[str, image_view.ImageView]:
        """For each container, where its image for the start with that count stands."""
        ...

    def need(
        self, pod: wanted.WantedPod, counts: Mapping[str, int], wake: Callable[[], None]
    ) -> None:
        """Ask for images; `wake` is called when where they stand has changed."""
        ...

    def gone(self, uid: str, container: str) -> None:
        """A start failed: ask anew whether the image is there."""
        ...

    def forget(self, uid: str) -> None:
        """Drop all that was asked for a UID."""
        ...


class Exits(Protocol):
    """Tells when a process ends."""

    def add(self, pid: int, callback: Callable[[], None]) -> None:
        """Call back once when the process has ended, also when it ended before."""
        ...

    def remove(self, pid: int) -> None:
        """Watch it no longer."""
        ...


class RuntimeGate(Protocol):
    """Knows whether the runtime answers."""

    def lost(self, fault: port.Unavailable) -> None:
        """Somebody found that it does not."""
        ...

    async def wait(self) -> None:
        """Return when it answers."""
        ...


class Events(Protocol):
    """Takes what happens to pods, in the kubelet's words."""

    def record(self, subject: events.Subject, kind: str, reason: str, message: str) -> None:
        """Something happened just now."""
        ...


class Journal(Protocol):
    """Takes what is decided for pods, and why."""

    def decide(
        self, key: wanted.PodKey, what: str, why: str, *, until: datetime | None = None
    ) -> None:
        """Something was decided just now."""
        ...

    def ended(self, key: wanted.PodKey) -> None:
        """Nothing is left of a pod."""
        ...


class Unheard:
    """Takes events and decisions and keeps none."""

    def record(self, subject: events.Subject, kind: str, reason: str, message: str) -> None:
        """Forget it."""

    def decide(
        self, key: wanted.PodKey, what: str, why: str, *, until: datetime | None = None
    ) -> None:
        """Forget it."""

    def ended(self, key: wanted.PodKey) -> None:
        """Forget it."""


def _own_grace(uid: str) -> int | None:
    """Static pods always stop with the grace of their manifest."""
    del uid
    return None


def _nobody(key: wanted.PodKey) -> None:
    """Nobody watches."""
    del key


@dataclass(slots=True, kw_only=True)
class Tools:
    """What all workers share; the back-off alone may change, when the settings do.

    Attributes:
        hands: Acts on the runtime and the machine.
        images: Knows and fetches images.
        exits: Tells when a process ended.
        runtime: Knows whether the runtime answers.
        clock: The time.
        starts: Bounds how many pods start at once.
        backoff: The crash back-off.
        events: Takes what happens.
        journal: Takes what is decided.
        places: Knows which pods have a place on this node, and who waits for one.
        grace_of: The grace, in seconds, that a deletion gives the pod of a UID; None for its own.
        objects: Knows the API's objects that pods refer to.
        changed: Is told that what a worker reports has changed; must not wait.
    """

    hands: Hands
    images: ImageSource
    exits: Exits
    runtime: RuntimeGate
    clock: clocks.Clock
    starts: asyncio.Semaphore
    backoff: obs.BackoffRule = field(default_factory=obs.BackoffRule)
    events: Events = field(default_factory=Unheard)
    journal: Journal = field(default_factory=Unheard)
    places: places.Places = field(default_factory=places.Places)
    grace_of: Callable[[str], int | None] = _own_grace
    objects: held.Objects = field(default_factory=held.NoObjects)
    changed: Callable[[wanted.PodKey], None] = _nobody
