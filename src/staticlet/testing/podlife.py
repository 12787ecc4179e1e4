"""One pod's machine in memory, for tests of a pod's whole life: it breaks when it is told to.

It stands for everything that a worker acts with: the runtime and the disk (`Hands`), the images,
the kernel that tells of exits, and the gate to the runtime. It knows what truly runs, which the
worker only believes, and refuses, with `LawBroken`, what must never be asked of a runtime: a
second sandbox beside one that lives, a second process of one container, a start after the last
one, a removal of what lives. The laws are held against the truth, not against what is believed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from staticlet.kube import core
from staticlet.pods import ends, fields, tools, wanted
from staticlet.pods import observed as obs
from staticlet.pods.images import view
from staticlet.runtime import port

RUNNING = port.ContainerState.RUNNING
EXITED = port.ContainerState.EXITED
MOST_STEPS = 80
"""More steps than any change of one pod takes: beyond, the worker turns in a circle."""

OUTCOMES = ("done", "refused", "half", "away", "lost")
"""What may come of a step: done; nothing done; half done and refused; nobody answers, with
nothing done; done, and nobody answers."""


class LawBroken(AssertionError):
    """Something was asked of the machine that must never be asked."""


class Time:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2030, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """The date."""
        return self.at

    def monotonic(self) -> float:
        """The same in seconds."""
        return self.at.timestamp()

    def pass_by(self, seconds: float) -> None:
        """Move on."""
        self.at += timedelta(seconds=seconds)

    @property
    def ns(self) -> int:
        """The date in nanoseconds since the epoch."""
        return int(self.at.timestamp() * obs.SECOND_NS)


class Machine:
    """Hands, images, exits and gate of one pod key, and the truth about what runs.

    Attributes:
        boxes: Every sandbox that there truly is.
        directories: UIDs that have something on the disk.
        outcomes: What comes of the next steps; when it is empty, all goes well.
        meanwhile: What happens just before the next steps, one each.
        absent: Revisions whose images are not there yet.
        doomed: The sandboxes that the worker dooms.
        remembered: The UID whose restart counts the worker remembers.
    """

    def __init__(self) -> None:
        self.time = Time()
        self.boxes: dict[str, obs.ObservedSandbox] = {}
        self.directories: set[str] = set()
        self.outcomes: deque[str] = deque()
        self.meanwhile: deque[Callable[[], None]] = deque()
        self.absent: set[str] = set()
        self.doomed: Callable[[], frozenset[str]] = frozenset
        self.remembered: Callable[[], str] = str
        self.steps_left = MOST_STEPS
        self._up = asyncio.Event()
        self._up.set()
        self._made_for: dict[str, wanted.WantedPod] = {}
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._wakes: list[Callable[[], None]] = []
        self._unseen: dict[str, obs.ObservedContainer] = {}
        self._ran: set[tuple[datetime, str, str, str]] = set()
        self._served: set[str] = set()
        self._highest: dict[tuple[str, str], int] = {}
        self._pid = 100

    # What happens by itself

    def running(self) -> list[tuple[str, obs.ObservedContainer]]:
        """Every container that truly runs, with its sandbox."""
        found = ((b.id, c) for b in self.boxes.values() for c in b.containers if c.alive)
        return sorted(found, key=lambda each: each[1].id)

    def ends(
        self, container_id: str, code: int, *, told: bool = True, unseen: bool = False
    ) -> None:
        """A container ends by itself.

        Args:
            container_id: Which; one that does not run stays as it is.
            code: Its exit code.
            told: Whether the kernel tells.
            unseen: Whether the next look still shows it running.
        """
        for box_id, container in self.running():
            if container.id == container_id:
                if unseen:
                    self._unseen[container_id] = container
                self._put(box_id, self._dead(container, code))
                if told:
                    self._tell(container.pid)

    def dies(self, box_id: str, *, told: bool = True) -> None:
        """A sandbox's own process ends; its containers go on."""
        box = self.boxes[box_id]
        self.boxes[box_id] = replace(box, ready=False)
        if told and box.ready:
            self._tell(box.pid)

    def agent_restarts(self) -> None:
        """What only the agent knew is lost."""
        self.forget_counts()
        self._callbacks.clear()
        self._wakes.clear()

    def forget_counts(self) -> None:
        """Hold nobody to restart counts that nobody knows any more.

        A count is known as long as the runtime has a container with it, or the worker remembers
        its UID. So that of a container which the present content of a fixed UID leaves out is lost
        when the agent is restarted, or serves another UID in between.
        """
        kept = {(box.uid, one.name) for box in self.boxes.values() for one in box.containers}
        mine = self.remembered()
        counts = self._highest.items()
        self._highest = {key: n for key, n in counts if key in kept or key[0] == mine}

    def comes_back(self) -> None:
        """The runtime answers again."""
        self._up.set()

    @property
    def up(self) -> bool:
        """Whether the runtime answers, as far as the worker was told."""
        return self._up.is_set()

    def images_arrive(self) -> None:
        """Every image is there."""
        self.absent.clear()
        wakes, self._wakes = self._wakes, []
        for wake in wakes:
            wake()

    def _tell(self, pid: int | None) -> None:
        callback = self._callbacks.pop(pid, None) if pid is not None else None
        if callback is not None:
            callback()

    def _dead(self, container: obs.ObservedContainer, code: int) -> obs.ObservedContainer:
        now = self.time.ns
        return replace(container, state=EXITED, exit_code=code, finished_at_ns=now, pid=None)

    def _put(self, box_id: str, container: obs.ObservedContainer) -> None:
        box = self.boxes[box_id]
        others = tuple(c for c in box.containers if c.id != container.id)
        self.boxes[box_id] = replace(box, containers=(container, *others))

    def _step(self, reason: str, *, look: bool = True) -> str:
        """Take one step's outcome; raise at once where nothing is done."""
        self.forget_counts()
        self.steps_left -= 1
        if self.steps_left < 0:
            raise LawBroken("the worker does not come to rest")
        if self.meanwhile:
            self.meanwhile.popleft()()
        outcome = self.outcomes.popleft() if self.outcomes else "done"
        if outcome == "refused":
            raise tools.StepFault(reason, "refused", look=look)
        if outcome == "away":
            raise port.Unavailable("nobody answers")
        return outcome

    def _end(self, outcome: str, reason: str) -> None:
        if outcome == "half":
            raise tools.StepFault(reason, "half done", look=True)
        if outcome == "lost":
            raise port.Unavailable("nobody answers any more")

    # Hands

    async def look(self, key: wanted.PodKey) -> obs.Observed:
        """All sandboxes, with exits that are not recorded yet still running."""
        self._end(self._step("RuntimeFault"), "RuntimeFault")
        unseen, self._unseen = self._unseen, {}
        shown = [
            replace(b, containers=tuple(unseen.get(c.id, c) for c in b.containers))
            for b in self.boxes.values()
        ]
        ordered = sorted(shown, key=lambda b: b.created_at_ns, reverse=True)
        return obs.Observed(sandboxes=tuple(ordered))

    async def recall(self, sandbox: obs.ObservedSandbox) -> wanted.WantedPod | None:
        """The pod that a sandbox was made for."""
        return self._made_for.get(sandbox.id)

    async def run_sandbox(self, pod: wanted.WantedPod, attempt: int) -> obs.ObservedSandbox:
        """Make a sandbox, unless one lives or has the name."""
        outcome = self._step("FailedMount", look=False)
        self.directories.add(pod.uid)
        if any(box.alive for box in self.boxes.values()):
            raise LawBroken(f"a sandbox for {pod.uid} beside one that lives")
        if any((box.uid, box.attempt) == (pod.uid, attempt) for box in self.boxes.values()):
            raise LawBroken(f"attempt {attempt} of {pod.uid} is taken")
        self._pid += 1
        self.time.pass_by(0.001)
        made = obs.ObservedSandbox(
            id=f"{pod.uid}.{attempt}.{self._pid}",
            uid=pod.uid,
            revision=pod.revision,
            attempt=attempt,
            ready=True,
            created_at_ns=self.time.ns,
            host_network=fields.host_network(pod.pod),
            ips=("10.0.0.2",),
            pid=self._pid,
        )
        self.boxes[made.id] = made
        self._made_for[made.id] = pod
        self._end(outcome, "FailedCreatePodSandBox")
        return made

    async def start(self, start: tools.ContainerStart) -> obs.ObservedContainer:
        """Create and start a container, unless a law forbids it."""
        outcome = self._step("CreateContainerConfigError", look=False)
        self._hold_laws(start)
        box = self.boxes.get(start.sandbox.id)
        if box is None or not box.ready:
            raise tools.StepFault("CreateContainerError", "the sandbox is dead", look=True)
        self._pid += 1
        made = obs.ObservedContainer(
            id=f"{start.name}.{start.restart_count}.{self._pid}",
            name=start.name,
            restart_count=start.restart_count,
            state=port.ContainerState.CREATED if outcome == "half" else RUNNING,
            created_at_ns=self.time.ns,
            started_at_ns=self.time.ns,
            pid=None if outcome == "half" else self._pid,
        )
        self._put(box.id, made)
        if made.running:
            self._note(start)
        self._end(outcome, "RunContainerError")
        return made

    async def renew(self, pod: wanted.WantedPod, *, living: bool) -> None:
        """Nothing here is written from objects."""

    async def stop(self, sandbox: obs.ObservedSandbox, grace_s: int) -> obs.ObservedSandbox:
        """Stop what lives; half done, the sandbox itself goes on."""
        outcome = self._step("FailedKillPod")
        box = self.boxes.get(sandbox.id)
        if box is None:
            return replace(sandbox, ready=False, containers=())
        dead = tuple(self._dead(c, 143) if c.alive else c for c in box.containers)
        self.boxes[box.id] = replace(box, containers=dead, ready=outcome == "half" and box.ready)
        self._end(outcome, "FailedKillPod")
        return self.boxes[box.id]

    async def exit_of(self, container: obs.ObservedContainer) -> obs.ObservedContainer:
        """The container as it is."""
        self._end(self._step("RuntimeFault"), "RuntimeFault")
        every = (c for b in self.boxes.values() for c in b.containers)
        found = next((c for c in every if c.id == container.id), None)
        return found or self._dead(container, 137)

    async def sandbox_exit_of(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """Stop the sandbox, which ends what still runs in it."""
        self._end(self._step("RuntimeFault"), "RuntimeFault")
        box = self.boxes.get(sandbox.id)
        if box is not None:
            dead = tuple(self._dead(c, 137) if c.alive else c for c in box.containers)
            self.boxes[box.id] = replace(box, ready=False, containers=dead)
        return replace(sandbox, ready=False)

    async def pids(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """The sandbox with its pid."""
        self._end(self._step("RuntimeFault"), "RuntimeFault")
        box = self.boxes.get(sandbox.id)
        return replace(sandbox, pid=box.pid if box else None, ready=bool(box and box.ready))

    async def remove_container(
        self, key: wanted.PodKey, uid: str, container: obs.ObservedContainer
    ) -> None:
        """Remove a container that does not run."""
        outcome = self._step("RuntimeFault")
        if any(each.id == container.id for _, each in self.running()):
            raise LawBroken(f"{container.id} runs and is to be removed")
        for box in self.boxes.values():
            left = tuple(c for c in box.containers if c.id != container.id)
            self.boxes[box.id] = replace(box, containers=left)
        self._end(outcome, "RuntimeFault")

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove a sandbox that is dead."""
        outcome = self._step("RuntimeFault")
        box = self.boxes.get(sandbox_id)
        if box is not None and box.alive:
            raise LawBroken(f"sandbox {sandbox_id} lives and is to be removed")
        self.boxes.pop(sandbox_id, None)
        self._end(outcome, "RuntimeFault")

    async def clean_up(self, key: wanted.PodKey, uid: str) -> None:
        """Remove what a UID has on the disk, unless it has a sandbox."""
        outcome = self._step("FailedCleanUp", look=False)
        if any(box.uid == uid for box in self.boxes.values()):
            raise LawBroken(f"{uid} has a sandbox and is to be cleared away")
        self.directories.discard(uid)
        self._highest = {key: n for key, n in self._highest.items() if key[0] != uid}
        self._end(outcome, "FailedCleanUp")

    # The laws of starting

    def _hold_laws(self, start: tools.ContainerStart) -> None:
        pod, sandbox, name = start.pod, start.sandbox, start.name
        if not sandbox.ready or sandbox.id in self.doomed():
            raise LawBroken(f"{name} starts in a sandbox that is doomed or dead")
        if (sandbox.uid, sandbox.revision) != (pod.uid, pod.revision):
            raise LawBroken(f"{name} of {pod.revision} starts in a sandbox of other content")
        alive = {container.name for _, container in self.running()}
        if name in alive:
            raise LawBroken(f"{name} runs and is started a second time")
        inits = {c.name for c in fields.init_containers(pod.pod) if not fields.is_sidecar(c)}
        if name in inits and (sandbox.id in self._served or alive & inits):
            raise LawBroken(f"init container {name} starts after or beside another")
        if self._ended_for_good(start):
            raise LawBroken(f"{name} starts again under Never")
        if start.restart_count <= self._highest.get((pod.uid, name), -1):
            raise LawBroken(f"restart count {start.restart_count} of {name} was given before")

    def _ended_for_good(self, start: tools.ContainerStart) -> bool:
        """Whether it ran and restartPolicy starts nothing again; a new sandbox is set up anew."""
        sidecar = any(c.name == start.name and fields.is_sidecar(c) for c in _inits(start.pod))
        once = ends.restart_policy(start.pod.pod) == "Never" and not sidecar
        return once and self._turn(start) in self._ran

    def _turn(self, start: tools.ContainerStart) -> tuple[datetime, str, str, str]:
        pod, setting_up = start.pod, {c.name for c in _inits(start.pod)}
        where = start.sandbox.id if start.name in setting_up else pod.uid
        return (pod.seen, where, pod.revision, start.name)

    def _note(self, start: tools.ContainerStart) -> None:
        pod = start.pod
        self._ran.add(self._turn(start))
        self._highest[pod.uid, start.name] = start.restart_count
        if start.name in {c.name for c in fields.containers(pod.pod)}:
            self._served.add(start.sandbox.id)

    # Images, exits and the gate

    def views(
        self, pod: wanted.WantedPod, counts: Mapping[str, int]
    ) -> Mapping[str, view.ImageView]:
        """All images of a pod are there, or none is."""
        there = pod.revision not in self.absent
        state = view.State.PRESENT if there else view.State.PULLING
        image = port.Image(id="sha256:1") if there else None
        return dict.fromkeys(counts, view.ImageView(state=state, image=image))

    def need(
        self, pod: wanted.WantedPod, counts: Mapping[str, int], wake: Callable[[], None]
    ) -> None:
        """Remember whom to wake."""
        self._wakes.append(wake)

    def gone(self, uid: str, container: str) -> None:
        """Nothing to do: images do not vanish."""

    def forget(self, uid: str) -> None:
        """Nothing to do."""

    def add(self, pid: int, callback: Callable[[], None]) -> None:
        """Tell of the end of a process; at once where it is over."""
        if pid in set(self._pids()):
            self._callbacks[pid] = callback
        else:
            asyncio.get_running_loop().call_soon(callback)

    def _pids(self) -> Iterator[int | None]:
        for box in self.boxes.values():
            if box.ready:
                yield box.pid
            yield from (c.pid for c in box.containers if c.alive)

    def remove(self, pid: int) -> None:
        """Tell of it no more."""
        self._callbacks.pop(pid, None)

    def lost(self, fault: port.Unavailable) -> None:
        """The runtime is away until `comes_back`."""
        self._up.clear()

    async def wait(self) -> None:
        """Wait until it is back."""
        await self._up.wait()


def _inits(pod: wanted.WantedPod) -> Sequence[core.Container]:
    return fields.init_containers(pod.pod)
