"""This machine, as far as the Node tells of it; read anew whenever it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from staticlet.client import resolver
from staticlet.config.settings import Settings
from staticlet.host import levels, machine, nodeinfo
from staticlet.node import addresses

LOOKUP_S = 2.0
"""How long the first look at the name service is waited for; later ones nobody waits for."""


class Machine(Protocol):
    """What is asked of a machine."""

    async def identity(self) -> nodeinfo.Identity:
        """Which machine it is."""
        ...

    async def capacity(self) -> nodeinfo.Capacity:
        """How much there is."""
        ...

    async def levels(self) -> Mapping[str, levels.Level]:
        """How much is left, by eviction signal."""
        ...

    async def addresses(self) -> tuple[str, ...]:
        """Its addresses, the first one first."""
        ...


class Host:
    """The machine that we run on.

    Args:
        settings: The node's name and addresses, and the root directory.
        image_dir: On the file system of the images; None when it is that of the root directory.
    """

    def __init__(self, settings: Settings, *, image_dir: Path | None = None) -> None:
        self._settings = settings
        self._image_dir = image_dir
        self._resolver = resolver.Resolver()
        self._patience_s = LOOKUP_S

    async def identity(self) -> nodeinfo.Identity:
        """Which machine it is."""
        return await asyncio.to_thread(nodeinfo.identity)

    async def capacity(self) -> nodeinfo.Capacity:
        """How much there is."""
        return await asyncio.to_thread(nodeinfo.capacity, self._settings.root_dir)

    async def levels(self) -> Mapping[str, levels.Level]:
        """How much is left."""
        return await asyncio.to_thread(levels.levels, self._settings.root_dir, self._image_dir)

    async def addresses(self) -> tuple[str, ...]:
        """Its addresses: of `--node-ip`, of its name, or of the default route."""
        name = self._settings.node_name
        found = [] if self._settings.node_ips else await self._look_up(name)
        return addresses.chosen(
            self._settings.node_ips,
            name,
            looked_up=found,
            local=[ip for ip in found if machine.has_address(ip)],
            default=_default,
        )

    async def _look_up(self, name: str) -> list[str]:
        patience_s, self._patience_s = self._patience_s, 0.0
        try:
            async with asyncio.timeout(patience_s):
                return [one["host"] for one in await self._resolver.resolve(name)]
        except (OSError, TimeoutError):
            return []


def _default(version: int) -> str | None:
    return machine.address_of(version) if version else machine.address()
