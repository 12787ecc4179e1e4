"""One worker on a machine that does as it is told, for tests of what it does step by step.

The machine stands for hands, images, exits and the gate to the runtime; `done` is the story of
what was asked of it. Unlike `podlife`, it knows no laws: a test says what must have happened.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from staticlet.kube import core
from staticlet.pods import events, journal, places, tools, wanted, worker
from staticlet.pods import observed as obs
from staticlet.pods.apiobjects import held
from staticlet.pods.images import view
from staticlet.runtime import port
from staticlet.testing.podlife import Time

KEY = wanted.PodKey("default", "web-node1")


class Machine:
    """Hands, images, exits and gate in one.

    Attributes:
        done: What was asked of it, in order.
        faults: What the next steps of a name raise, one after the other.
        sandboxes: What truly is there.
        remembered: The pod that a sandbox was made for, by its id.
        callbacks: Who hears of the end of a process.
        present: Whether images are there.
        asked: The images that were asked for.
        up: Whether the runtime answers.
        lost_with: The faults with which it was found away.
        renewed: Whose volumes of objects were to be renewed, and whether it lived.
        objects: Knows the API's objects that pods refer to.
        stops: Steps that wait until they are let go on: `stop` waits for it, where it is set.
    """

    def __init__(self) -> None:
        self.time = Time()
        self.events = events.Recorder("node1", self.time.now)
        self.journal = journal.Journal(self.time.now)
        self.done: list[tuple[object, ...]] = []
        self.faults: dict[str, list[Exception]] = {}
        self.sandboxes: dict[str, obs.ObservedSandbox] = {}
        self.remembered: dict[str, wanted.WantedPod] = {}
        self.callbacks: dict[int, Callable[[], None]] = {}
        self.present = True
        self.asked: list[tuple[str, dict[str, int]]] = []
        self.up = asyncio.Event()
        self.up.set()
        self.lost_with: list[port.Unavailable] = []
        self.turns = asyncio.Semaphore(1)
        self.renewed: list[tuple[str, bool]] = []
        self.objects: held.Objects = held.NoObjects()
        self.stops: asyncio.Event | None = None
        self.graces: dict[str, int] = {}
        self._pid = 100

    def _step(self, name: str, *details: object) -> None:
        self.done.append((name, *details))
        queue = self.faults.get(name)
        if queue:
            raise queue.pop(0)

    async def look(self, key: wanted.PodKey) -> obs.Observed:
        """What there is."""
        self._step("look")
        found = sorted(self.sandboxes.values(), key=lambda s: -s.created_at_ns)
        return obs.Observed(sandboxes=tuple(found))

    async def recall(self, sandbox: obs.ObservedSandbox) -> wanted.WantedPod | None:
        """The pod that a sandbox was made for."""
        return self.remembered.get(sandbox.id)

    async def run_sandbox(self, pod: wanted.WantedPod, attempt: int) -> obs.ObservedSandbox:
        """Make a sandbox."""
        self._step("run", pod.uid, attempt)
        made = obs.ObservedSandbox(
            id=f"s-{pod.uid}-{attempt}",
            uid=pod.uid,
            revision=pod.revision,
            attempt=attempt,
            ready=True,
            host_network=True,
            created_at_ns=self.time.ns,
        )
        self.sandboxes[made.id] = made
        return made

    async def start(self, start: tools.ContainerStart) -> obs.ObservedContainer:
        """Start a container."""
        self._step("start", start.pod.uid, start.name, start.restart_count)
        self._pid += 1
        made = obs.ObservedContainer(
            id=f"c-{start.pod.uid}-{start.name}-{start.restart_count}",
            name=start.name,
            restart_count=start.restart_count,
            state=port.ContainerState.RUNNING,
            started_at_ns=self.time.ns,
            created_at_ns=self.time.ns,
            pid=self._pid,
        )
        box = self.sandboxes[start.sandbox.id]
        self.sandboxes[box.id] = replace(box, containers=(made, *box.containers))
        return made

    async def renew(self, pod: wanted.WantedPod, *, living: bool) -> None:
        """Take note of it."""
        self.renewed.append((pod.uid, living))

    async def stop(self, sandbox: obs.ObservedSandbox, grace_s: int) -> obs.ObservedSandbox:
        """Stop what lives in a sandbox, once that is let go on."""
        self._step("stop", sandbox.uid, grace_s)
        if self.stops is not None:
            await self.stops.wait()
        dead = tuple(self.dead(c, 143) if c.alive else c for c in sandbox.containers)
        self.sandboxes[sandbox.id] = replace(sandbox, ready=False, containers=dead)
        return self.sandboxes[sandbox.id]

    def dead(self, container: obs.ObservedContainer, code: int) -> obs.ObservedContainer:
        """A container that has just ended."""
        ended = port.ContainerState.EXITED
        return replace(container, state=ended, exit_code=code, finished_at_ns=self.time.ns)

    async def exit_of(self, container: obs.ObservedContainer) -> obs.ObservedContainer:
        """It was killed."""
        self._step("exit", container.id)
        return self.dead(container, 137)

    async def sandbox_exit_of(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """It is not ready."""
        self._step("sandbox exit", sandbox.id)
        return replace(sandbox, ready=False)

    async def pids(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """Every sandbox has the pid 1."""
        return replace(sandbox, pid=1)

    async def remove_container(
        self, key: wanted.PodKey, uid: str, container: obs.ObservedContainer
    ) -> None:
        """Note it."""
        self._step("remove container", container.id)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove it."""
        self._step("remove", sandbox_id)
        self.sandboxes.pop(sandbox_id, None)

    async def clean_up(self, key: wanted.PodKey, uid: str) -> None:
        """Note it."""
        self._step("clean", uid)

    def views(
        self, pod: wanted.WantedPod, counts: Mapping[str, int]
    ) -> Mapping[str, view.ImageView]:
        """All images are there, or nothing is known of any."""
        if not self.present:
            return {}
        image = port.Image(id="sha256:1")
        there = view.ImageView(state=view.State.PRESENT, image=image)
        return dict.fromkeys(counts, there)

    def need(
        self, pod: wanted.WantedPod, counts: Mapping[str, int], wake: Callable[[], None]
    ) -> None:
        """Note it."""
        self.asked.append((pod.uid, dict(counts)))

    def gone(self, uid: str, container: str) -> None:
        """Note it."""
        self.done.append(("image gone", container))

    def forget(self, uid: str) -> None:
        """Note it."""
        self.done.append(("forget", uid))

    def add(self, pid: int, callback: Callable[[], None]) -> None:
        """Remember whom to tell."""
        self.callbacks[pid] = callback

    def remove(self, pid: int) -> None:
        """Tell nobody."""
        self.callbacks.pop(pid, None)

    def running_pid(self) -> int:
        """The newest process of a container that is watched."""
        return max(pid for pid in self.callbacks if pid != 1)

    def lost(self, fault: port.Unavailable) -> None:
        """The runtime is away until `up` is set."""
        self.lost_with.append(fault)
        self.up.clear()

    async def wait(self) -> None:
        """Wait until it is back."""
        await self.up.wait()

    def steps(self, *names: str) -> list[tuple[object, ...]]:
        """What was done under these names."""
        return [one for one in self.done if one[0] in names]

    def story(self) -> list[tuple[str, str]]:
        """What was decided and why, in order."""
        return [(one.what, one.why) for one in self.journal.of(KEY)]

    def happened(self) -> list[tuple[str, str, str]]:
        """The events in order: reason, message and what they are about."""
        return [(e.reason, e.message, e.subject.field_path) for e in self.events.events()]


def pod(uid: str = "u1", incarnation: int = 0, **spec: Any) -> wanted.WantedPod:
    """A pod of one container on the host network; `spec` holds more fields of its spec."""
    fields: dict[str, Any] = {
        "containers": [core.Container(name="main", image="i")],
        "hostNetwork": True,
        "restartPolicy": "Always",
        **spec,
    }
    return wanted.WantedPod(
        key=KEY,
        uid=uid,
        revision=uid,
        incarnation=incarnation,
        pod=core.Pod(metadata=core.ObjectMeta(name=KEY.name), spec=core.PodSpec(**fields)),
        source="file",
        origin="/m/web.yaml",
        seen=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def settle() -> None:
    """Let every task go on until all of them wait for something."""
    for _ in range(50):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def working(
    machine: Machine,
    want: wanted.WantedPod | None,
    *,
    turns: int = 1,
    look: bool = True,
    everybody: places.Places | None = None,
) -> AsyncIterator[worker.Worker]:
    """A worker at work, and at rest when it is handed over.

    Args:
        machine: What it works on.
        want: What is wanted at first.
        turns: How many pods may start at once.
        look: Whether the runtime may have something of it already.
        everybody: Who else has a place on the node; None for nobody.
    """
    machine.turns = asyncio.Semaphore(turns)
    shared = tools.Tools(
        hands=machine,
        images=machine,
        exits=machine,
        runtime=machine,
        clock=machine.time,
        starts=machine.turns,
        events=machine.events,
        journal=machine.journal,
        places=everybody or places.Places(),
        grace_of=machine.graces.get,
        objects=machine.objects,
    )
    made = worker.Worker(KEY, shared, want=want, look=look)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made.run(), name="worker")
        await settle()
        yield made
        task.cancel()
