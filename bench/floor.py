"""The floor: the bare CRI calls of the same pod, made by somebody who has nothing to decide.

It uses the adapter that the agent uses, so what is between the two is the agent's own work. What
it removes, it removes outside the time that is taken.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path

from bench import contest, events, pod
from staticlet.runtime import port


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A sandbox with its running container."""

    sandbox: str
    container: str
    config: port.SandboxConfig


class Floor:
    """A contestant that cannot be beaten by much.

    Args:
        name: What the table calls it.
        runtime: The container runtime.
        seen: What happens on it.
        logs: Where container logs go.
        at_once: How many pods of a burst are under way at a time.
    """

    def __init__(
        self, name: str, runtime: port.Runtime, seen: events.Events, logs: Path, *, at_once: int
    ) -> None:
        self.name = name
        self._runtime = runtime
        self._seen = seen
        self._logs = logs
        self._at_once = at_once
        self._burst: list[Made] = []

    async def live(self, name: str) -> contest.Life:
        """Start, restart, change and remove one pod."""
        self._seen.drain()
        began = events.now()
        made = await self._make(name, edition=0)
        start = await self._started(2) - began
        await asyncio.sleep(contest.SETTLE_S)
        restart, made = await self._restart(made)
        await asyncio.sleep(contest.SETTLE_S)
        change, made = await self._change(name, made)
        await asyncio.sleep(contest.SETTLE_S)
        self._seen.drain()
        began = events.now()
        await self._stop(made)
        ended = await self._seen.last_of(events.EXIT, 2, timeout_s=contest.TIMEOUT_S)
        await self._runtime.remove_sandbox(made.sandbox)
        return contest.Life(start=start, restart=restart, change=change, remove=ended.at - began)

    async def burst(self, prefix: str, count: int) -> contest.Burst:
        """Start many pods, a few at a time; they stay."""
        bound = asyncio.Semaphore(self._at_once)

        async def one(name: str) -> Made:
            async with bound:
                return await self._make(name, edition=0)

        self._seen.drain()
        began = events.now()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(f"{prefix}-{i}"), name=str(i)) for i in range(count)]
        self._burst = [task.result() for task in tasks]
        timeout_s = contest.timeout_s(count)
        last = await self._seen.last_of(events.START, 2 * count, timeout_s=timeout_s)
        return contest.Burst(seconds=last.at - began)

    async def idle(self, seconds: float) -> None:
        """Nobody is there who could use anything."""
        del seconds

    async def clear(self) -> float:
        """Remove the pods of the last burst, a few at a time; seconds until the last has ended."""
        bound = asyncio.Semaphore(self._at_once)
        made, self._burst = self._burst, []
        self._seen.drain()
        began = events.now()

        async def one(each: Made) -> None:
            async with bound:
                await self._stop(each)
                await self._runtime.remove_sandbox(each.sandbox)

        async with asyncio.TaskGroup() as group:
            for each in made:
                group.create_task(one(each), name=each.sandbox)
        timeout_s = contest.timeout_s(len(made))
        last = await self._seen.last_of(events.EXIT, 2 * len(made), timeout_s=timeout_s)
        return last.at - began

    async def change(self, name: str) -> float:
        """Make a pod and change it; seconds of the change."""
        made = await self._make(name, edition=0)
        await asyncio.sleep(contest.SETTLE_S)
        seconds, made = await self._change(name, made)
        await asyncio.sleep(contest.SETTLE_S)
        await self._stop(made)
        await self._runtime.remove_sandbox(made.sandbox)
        return seconds

    async def start(self, name: str) -> float:
        """Make a pod and remove it; seconds of its start."""
        self._seen.drain()
        began = events.now()
        made = await self._make(name, edition=0)
        seconds = await self._started(2) - began
        await asyncio.sleep(contest.SETTLE_S)
        await self._stop(made)
        await self._runtime.remove_sandbox(made.sandbox)
        return seconds

    async def _make(self, name: str, *, edition: int) -> Made:
        config = pod.sandbox_config(name, self._logs)
        sandbox = await self._runtime.run_sandbox(config)
        container = await self._start(sandbox, config, attempt=0, edition=edition)
        return Made(sandbox=sandbox, container=container, config=config)

    async def _start(
        self, sandbox: str, config: port.SandboxConfig, *, attempt: int, edition: int
    ) -> str:
        wanted = pod.container_config(attempt=attempt, edition=edition)
        container = await self._runtime.create_container(sandbox, wanted, config)
        await self._runtime.start_container(container)
        return container

    async def _restart(self, made: Made) -> tuple[float, Made]:
        """Kill the container, wait until the runtime itself reports its end, start the next.

        Stopping a container that is dead returns when its exit is recorded.
        """
        status = await self._runtime.container_status(made.container, verbose=True)
        if status.pid is None:
            raise events.Missed("the runtime does not tell the container's pid")
        self._seen.drain()
        began = events.now()
        os.kill(status.pid, signal.SIGKILL)
        await self._runtime.stop_container(made.container, grace_s=0)
        container = await self._start(made.sandbox, made.config, attempt=1, edition=0)
        return await self._started(1) - began, replace(made, container=container)

    async def _change(self, name: str, old: Made) -> tuple[float, Made]:
        self._seen.drain()
        began = events.now()
        await self._stop(old)
        made = await self._make(name, edition=1)
        seconds = await self._started(2) - began
        await self._runtime.remove_sandbox(old.sandbox)
        return seconds, made

    async def _stop(self, made: Made) -> None:
        await self._runtime.stop_container(made.container, grace_s=pod.GRACE_S)
        await self._runtime.stop_sandbox(made.sandbox)

    async def _started(self, tasks: int) -> float:
        """When the last of so many tasks has started; a pod's first task is its sandbox's."""
        last = await self._seen.last_of(events.START, tasks, timeout_s=contest.TIMEOUT_S)
        return last.at
