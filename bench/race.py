"""An agent from outside: its manifest directory, its process and containerd's events."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from bench import contest, events, pod, usage
from staticlet.runtime import port

CLEAR_S = 120.0
AFTER_CLEAR_S = 2.0
POLL_S = 0.2


class Agent:
    """A contestant that watches a directory; it must be alone on its runtime but for the floor.

    Args:
        name: What the table calls it.
        pid: Its process.
        manifests: Its manifest directory, which is empty.
        runtime: The runtime that it uses.
        seen: What happens on that.
    """

    def __init__(
        self,
        name: str,
        *,
        pid: int,
        manifests: Path,
        runtime: port.Runtime,
        seen: events.Events,
    ) -> None:
        self.name = name
        self._pid = pid
        self._manifests = manifests
        self._runtime = runtime
        self._seen = seen

    async def live(self, name: str) -> contest.Life:
        """Start, restart, change and remove one pod."""
        self._seen.drain()
        started = await self._started_after(self._put(name, edition=0), tasks=2)
        await asyncio.sleep(contest.SETTLE_S)
        pid = await self._main_pid(name)
        self._seen.drain()
        killed = events.now()
        os.kill(pid, signal.SIGKILL)
        restarted = await self._started_after(killed, tasks=1)
        await asyncio.sleep(contest.SETTLE_S)
        self._seen.drain()
        changed = await self._started_after(self._put(name, edition=1), tasks=2)
        await asyncio.sleep(contest.SETTLE_S)
        self._seen.drain()
        (self._manifests / f"{name}.yaml").unlink()
        began = events.now()
        ended = await self._seen.last_of(events.EXIT, 2, timeout_s=contest.TIMEOUT_S)
        await self._nothing_ready()
        return contest.Life(
            start=started, restart=restarted, change=changed, remove=ended.at - began
        )

    async def burst(self, prefix: str, count: int) -> contest.Burst:
        """Put many manifests at once; they stay."""
        cpu = usage.cpu_seconds(self._pid)
        self._seen.drain()
        began = events.now()
        for number in range(count):
            self._put(f"{prefix}-{number}", edition=0)
        timeout_s = contest.timeout_s(count)
        seconds = await self._started_after(began, tasks=2 * count, timeout_s=timeout_s)
        return contest.Burst(seconds=seconds, cpu_s=usage.cpu_seconds(self._pid) - cpu)

    async def idle(self, seconds: float) -> contest.Idle:
        """What it uses while its pods just run."""
        before, began = usage.thread_seconds(self._pid), events.now()
        await asyncio.sleep(seconds)
        used = usage.thread_seconds(self._pid) - before
        return contest.Idle(
            cpu_s_per_min=used * 60 / (events.now() - began), memory=usage.memory(self._pid)
        )

    async def clear(self) -> float:
        """Remove all manifests and wait until their pods are gone."""
        manifests = [*self._manifests.glob("*.yaml")]
        self._seen.drain()
        began = events.now()
        for manifest in manifests:
            manifest.unlink()
        ended = 2 * len(manifests)
        timeout_s = contest.timeout_s(len(manifests))
        last = await self._seen.last_of(events.EXIT, ended, timeout_s=timeout_s)
        await self._nothing_ready()
        return last.at - began

    async def change(self, name: str, *, edition: int) -> float:
        """Replace the manifest of a pod that runs; seconds until its new container has started."""
        self._seen.drain()
        return await self._started_after(self._put(name, edition=edition), tasks=2)

    async def start(self, name: str) -> float:
        """Start a pod and remove it; seconds of its start."""
        self._seen.drain()
        seconds = await self._started_after(self._put(name, edition=0), tasks=2)
        await asyncio.sleep(contest.SETTLE_S)
        self._seen.drain()
        (self._manifests / f"{name}.yaml").unlink()
        await self._seen.last_of(events.EXIT, 2, timeout_s=contest.TIMEOUT_S)
        return seconds

    def _put(self, name: str, *, edition: int) -> float:
        """Rename a manifest into the directory; the moment just before."""
        temporary = self._manifests.parent / f"{name}.new"
        temporary.write_text(pod.manifest(name, edition))
        began = events.now()
        temporary.rename(self._manifests / f"{name}.yaml")
        return began

    async def _started_after(
        self, began: float, *, tasks: int, timeout_s: float = contest.TIMEOUT_S
    ) -> float:
        """Seconds until the last of so many tasks has started.

        A pod's tasks are its sandbox's and its container's; a restart makes the latter alone.
        """
        last = await self._seen.last_of(events.START, tasks, timeout_s=timeout_s)
        return last.at - began

    async def _main_pid(self, prefix: str) -> int:
        """The process of the pod's container; an agent may have lengthened the pod's name."""
        for one in await self._runtime.list_containers({}):
            of_pod = one.labels.get("io.kubernetes.pod.name", "").startswith(prefix)
            if of_pod and one.state is port.ContainerState.RUNNING:
                status = await self._runtime.container_status(one.id, verbose=True)
                if status.pid is not None:
                    return status.pid
        raise events.Missed(f"no container of {prefix} runs")

    async def _nothing_ready(self) -> None:
        """Wait until no pod is left of it, then a little for what it does after that."""
        async with asyncio.timeout(CLEAR_S):
            while await self._any_ready():  # noqa: ASYNC110  nobody tells a bystander
                await asyncio.sleep(POLL_S)
        await asyncio.sleep(AFTER_CLEAR_S)

    async def _any_ready(self) -> bool:
        return any(one.ready for one in await self._runtime.list_sandboxes({}))
