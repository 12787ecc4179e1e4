"""Looking at the runtime: what on it is ours, and what it tells by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from staticlet.app import facts
from staticlet.config.settings import Settings
from staticlet.pods import labels, listed, orphans, runtimegate, wanted
from staticlet.runtime import port

log = logging.getLogger(__name__)

AGAIN_S = 1.0
"""How long after its events ended they are asked for again."""


class Looking:
    """Looks at one runtime.

    Args:
        runtime: The runtime.
        settings: Whose pods are ours.
        gate: Whether the runtime answers.
        facts: Is told the runtime's cgroup driver.
    """

    def __init__(
        self,
        runtime: port.Runtime,
        settings: Settings,
        *,
        gate: runtimegate.RuntimeGate,
        facts: facts.Facts,
    ) -> None:
        self._runtime = runtime
        self._chosen = labels.owner_selector(settings.root_dir)
        self._gate = gate
        self._facts = facts
        self._orphans = orphans.Orphans(runtime)
        self._driver_unknown = True

    def runtime_back(self) -> None:
        """Ask anew what may be another runtime now."""
        self._driver_unknown = True

    async def find(self) -> Mapping[wanted.PodKey, listed.Found]:
        """All that is ours, by pod; waits for the runtime."""
        await self._gate.wait()
        if self._driver_unknown:
            self._driver_unknown = False
            driver = await self._runtime.cgroup_driver()
            if driver:
                self._facts.use_cgroup_driver(driver)
        sandboxes = await self._runtime.list_sandboxes(self._chosen)
        containers = await self._runtime.list_containers(self._chosen)
        await self._orphans.listed(sandboxes, containers)
        return listed.by_pod(sandboxes, containers, labels.source_of)

    async def follow_events(self, heard: Callable[[port.RuntimeEvent], None]) -> None:
        """Hear of exits from runtimes that tell; the kernel tells of the others."""
        while True:
            await self._gate.wait()
            try:
                async for event in self._runtime.events():
                    heard(event)
            except port.Unsupported:
                log.debug("the runtime has no container events: exits are seen by pidfd alone")
                return
            except port.Unavailable as fault:
                self._gate.lost(fault)
            except port.RuntimeFault as fault:
                log.warning("container events ended: %s", fault)
            await asyncio.sleep(AGAIN_S)
