"""Serving: an agent from its start to its end, with what stands around it."""

from __future__ import annotations

import asyncio
import contextlib

from staticlet.aio import clock as clocks
from staticlet.app import agent as agents
from staticlet.app import attached, rootdir, service
from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.server import local


async def serve_agent(
    settings: Settings,
    stop: asyncio.Event,
    *,
    clock: clocks.Clock | None = None,
    outside: service.Service | None = None,
) -> None:
    """Run the agent until `stop` is set; containers go on running.

    Args:
        settings: What it is told.
        stop: Ends it.
        clock: The time.
        outside: What hears of it, and gives it other settings.

    Raises:
        CannotStart: The root directory is another agent's or cannot be used.
    """
    time, outside = clock or clocks.SystemClock(), outside or service.Service()
    with rootdir.held(settings) as own:
        core.prepare()
        async with contextlib.AsyncExitStack() as stack:
            outside.notifier.status("looking for a container runtime")
            connections = await attached.or_stop(attached.connect(own, stack), stop)
            if connections is None:
                outside.notifier.stopping()
                return
            agent = agents.Agent(own, connections, time)
            works = {
                "agent": agent.run(),
                "service": service.tell(agent.view, outside.notifier, time),
                "reload": service.reload_on_hangup(agent, outside, time),
            }
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(work, name=name) for name, work in works.items()]
                    await stop.wait()
                    outside.notifier.stopping()
                    for task in tasks:
                        task.cancel()
            except* local.SocketFault as faults:
                raise rootdir.CannotStart(str(faults.exceptions[0])) from faults
