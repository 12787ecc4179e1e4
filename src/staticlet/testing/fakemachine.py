"""A machine as the Node tells of it, made up: its facts are what a test says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from staticlet.host import levels, nodeinfo

IDENTITY = nodeinfo.Identity(
    machine_id="machine-1",
    system_uuid="system-1",
    boot_id="boot-1",
    kernel_version="6.1.0-18-amd64",
    os_image="Debian GNU/Linux 12 (bookworm)",
    architecture="amd64",
)
CAPACITY = nodeinfo.Capacity(
    cpus=2,
    memory_bytes=24684096 * 1024,
    hugepages={1 << 30: 0, 2 << 20: 0},
)
PLENTY: Mapping[str, levels.Level] = {
    "memory.available": levels.Level(available=8 << 30, capacity=24684096 * 1024),
    "nodefs.available": levels.Level(available=50 << 30, capacity=100 << 30),
    "nodefs.inodesFree": levels.Level(available=500_000, capacity=1_000_000),
    "imagefs.available": levels.Level(available=50 << 30, capacity=100 << 30),
    "imagefs.inodesFree": levels.Level(available=500_000, capacity=1_000_000),
    "pid.available": levels.Level(available=30_000, capacity=32_768),
}


class FakeMachine:
    """A `node.machine.Machine`.

    Attributes:
        who: Which machine it is.
        there: How much there is.
        left: How much is left, by eviction signal.
        ips: Its addresses.
    """

    def __init__(self) -> None:
        self.who = IDENTITY
        self.there = CAPACITY
        self.left = dict(PLENTY)
        self.ips: tuple[str, ...] = ("192.0.2.2",)

    def leave(self, signal: str, available: int) -> None:
        """Let so much be left of something."""
        self.left[signal] = replace(self.left[signal], available=available)

    async def identity(self) -> nodeinfo.Identity:
        """Which machine it is."""
        return self.who

    async def capacity(self) -> nodeinfo.Capacity:
        """How much there is."""
        return self.there

    async def levels(self) -> Mapping[str, levels.Level]:
        """How much is left."""
        return self.left

    async def addresses(self) -> tuple[str, ...]:
        """Its addresses."""
        return self.ips
