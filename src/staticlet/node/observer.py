"""Looks at the machine and its runtime for the Node's status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from staticlet.aio import clock as clocks
from staticlet.config.settings import Settings
from staticlet.node import capacity, machine, nodeobject, pressure, runtimesight
from staticlet.runtime import port

log = logging.getLogger(__name__)

IMAGES_S = 30.0
"""How old the list of images may be, as the kubelet's."""

IMAGES_ANSWER_S = 10.0


class Observer:
    """Makes observations.

    Args:
        host: The machine.
        sight: How the runtime is.
        images: The images.
        settings: What we are told.
        clock: The time.

    Attributes:
        overdrawn: The resources of which more is reserved than there is.
    """

    def __init__(
        self,
        host: machine.Machine,
        sight: runtimesight.RuntimeSight,
        images: port.Images,
        settings: Settings,
        clock: clocks.Clock,
    ) -> None:
        self._host = host
        self._sight = sight
        self._images = images
        self._settings = settings
        self._clock = clock
        self._pressures: Mapping[str, float] = {}
        self._listed: tuple[port.Image, ...] = ()
        self._listed_s: float | None = None
        self.overdrawn: tuple[str, ...] = ()

    async def look(self) -> nodeobject.Observation:
        """How everything is now."""
        await self._sight.seen()
        await self._list_images()
        levels = await self._host.levels()
        self._pressures = pressure.lasting(
            self._pressures,
            pressure.crossed(pressure.thresholds(self._settings), levels),
            now_s=self._clock.monotonic(),
            period_s=self._settings.eviction_pressure_transition_period_s,
        )
        there = await self._host.capacity()
        self.overdrawn = capacity.overdrawn(
            capacity.capacity(there, self._settings), self._settings
        )
        return nodeobject.Observation(
            identity=await self._host.identity(),
            capacity=there,
            addresses=await self._host.addresses(),
            runtime=self._sight.version,
            troubles=self._sight.troubles(),
            pressures=frozenset(self._pressures),
            images=self._listed,
        )

    async def _list_images(self) -> None:
        """List them now and then; while they cannot be, the last list counts."""
        now_s = self._clock.monotonic()
        fresh = self._listed_s is not None and now_s - self._listed_s < IMAGES_S
        if fresh or self._sight.version is None or not self._settings.node_status_max_images:
            return
        try:
            async with asyncio.timeout(IMAGES_ANSWER_S):
                self._listed = tuple(await self._images.list_images())
        except (port.RuntimeFault, TimeoutError) as fault:
            log.debug("the runtime does not list its images: %s", fault)
            return
        self._listed_s = now_s
