"""How containers end: stopped on purpose, or by themselves, with what they said last.

The kernel tells that a process has ended before the runtime has taken note of it, so here the
runtime is asked until it tells how.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from staticlet.config.settings import Settings
from staticlet.pods import labels, observe, paths, stepfaults, termination
from staticlet.pods import observed as obs
from staticlet.runtime import port

log = logging.getLogger(__name__)

MIN_GRACE_S = 2
"""The least that the kubelet gives a container to stop."""
RECORDED_WITHIN_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.0)
"""The waits for an exit to be recorded, once the runtime said that the container is stopped."""


class Endings:
    """Ends containers, and tells how they ended.

    Args:
        runtime: The container runtime.
        settings: Gives the agent's settings, which may change.
    """

    def __init__(self, runtime: port.Runtime, settings: Callable[[], Settings]) -> None:
        self._runtime = runtime
        self._settings = settings

    async def stop(self, sandbox: obs.ObservedSandbox, grace_s: int) -> obs.ObservedSandbox:
        """Stop all containers of a sandbox at once, each with the grace, then the sandbox."""
        with stepfaults.within("FailedKillPod", look=True):
            async with asyncio.TaskGroup() as group:
                for one in sandbox.containers:
                    if one.alive:
                        group.create_task(
                            self._runtime.stop_container(
                                one.id, grace_s=max(grace_s, MIN_GRACE_S)
                            ),
                            name=f"stop {one.name}",
                        )
            await self._runtime.stop_sandbox(sandbox.id)
            containers = [await self._after(c) if c.alive else c for c in sandbox.containers]
        return replace(sandbox, ready=False, containers=tuple(containers))

    async def exit_of(self, container: obs.ObservedContainer) -> obs.ObservedContainer:
        """The container after the runtime has recorded the exit of its process.

        The kernel tells of the exit before the runtime has taken note. Stopping a container
        whose process is gone sends no signal to anybody: it returns as soon as the exit is
        recorded, which is the event to wait for. There is a moment in which containerd takes the
        task for gone and has not written the exit down yet: then it returns at once, and the
        status is asked for until it tells. Should it never do so, the container keeps its pid:
        watching that one again, which is gone, brings us back here.
        """
        with stepfaults.within("RuntimeFault", look=True):
            await self._await_stop(container.id)
            for delay_s in RECORDED_WITHIN_S:
                after = await self._after(container)
                if not after.alive:
                    return after
                await asyncio.sleep(delay_s)
            return replace(after, pid=container.pid)

    async def _await_stop(self, container_id: str) -> None:
        """Let the runtime say that a container is stopped; its status tells more than a refusal.

        Where the whole pod ends, containerd may find the process that it would ask gone.
        """
        try:
            await self._runtime.stop_container(container_id, grace_s=0)
        except port.Unavailable:
            raise
        except port.RuntimeFault as fault:
            log.debug("container %s: %s", container_id, fault)

    async def _after(self, container: obs.ObservedContainer) -> obs.ObservedContainer:
        try:
            status = await self._runtime.container_status(container.id)
        except port.NotFound:
            gone = port.ContainerState.EXITED
            return replace(container, state=gone, exit_code=137, reason="ContainerStatusUnknown")
        return await self.with_message(status)

    async def with_message(self, status: port.ContainerStatus) -> obs.ObservedContainer:
        """The container with its termination message, once it has ended."""
        seen = observe.container(status)
        if not seen.exited:
            return seen
        where = paths.of(labels.key_of(status.labels), labels.uid_of(status), self._settings())
        message = await asyncio.to_thread(
            termination.read,
            where.termination_log(seen.name, seen.restart_count),
            where.log_file(seen.name, seen.restart_count),
            policy=status.annotations.get(labels.TERMINATION_POLICY, ""),
            exit_code=seen.exit_code,
            runtime_message=seen.message,
        )
        return replace(seen, message=message)

    async def sandbox_exit_of(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """The sandbox after its own process ended: not ready any more."""
        with stepfaults.within("RuntimeFault", look=True):
            await self._runtime.stop_sandbox(sandbox.id)
        return replace(sandbox, ready=False)
