"""A file source at work on a real file system, and all that it published."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from staticlet.aio.clock import SystemClock
from staticlet.kube import read
from staticlet.pods.sources import directory
from staticlet.pods.wanted import Manifest, Snapshot
from staticlet.testing.directory import images

BROKEN = b"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [\n"
"""A manifest that nobody can read."""

WEB = {"web-node1": ("nginx:1", 0)}
"""What is wanted where there is one good manifest."""

AGAIN = {"web-node1": ("nginx:1", 1)}
"""The same in its next life."""


@dataclass
class Seen:
    """Every snapshot that a source published, in order."""

    snapshots: list[Snapshot] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, snapshot: Snapshot) -> None:
        """Take one."""
        self.snapshots.append(snapshot)
        self.news.set()

    @property
    def last(self) -> Snapshot:
        """The newest."""
        return self.snapshots[-1]

    @property
    def wanted(self) -> list[dict[str, tuple[str, int]]]:
        """What was wanted, step by step, without repetitions."""
        steps = [images(each) for each in self.snapshots]
        return [each for n, each in enumerate(steps) if n == 0 or each != steps[n - 1]]

    async def until(self, holds: Callable[[Snapshot], bool], *, within_s: float = 5) -> Snapshot:
        """Wait until something holds for the newest snapshot, which is returned."""
        async with asyncio.timeout(within_s):
            while not (self.snapshots and holds(self.last)):
                self.news.clear()
                await self.news.wait()
        return self.last

    async def until_wanted(
        self, expected: dict[str, tuple[str, int]], *, within_s: float = 5
    ) -> None:
        """Wait until these pods are wanted, by name with image and incarnation.

        Raises:
            AssertionError: They never were.
        """
        try:
            await self.until(lambda each: images(each) == expected, within_s=within_s)
        except TimeoutError:
            raise AssertionError(f"{expected} never came; there were {self.wanted}") from None

    def manifest(self, name: str) -> Manifest:
        """The newest state of a file, by its name."""
        return next(each for each in self.last.manifests if each.origin.endswith(f"/{name}"))


@dataclass
class Place:
    """A manifest path with a source on it, and a root directory beside it."""

    base: Path
    path: Path
    frequency_s: float = 60

    @contextlib.asynccontextmanager
    async def source(self) -> AsyncIterator[Seen]:
        """A source on the path, which runs while the block does."""
        seen = Seen()
        source = directory.DirectorySource(
            self.path,
            node_name="node1",
            read=read.read,
            publish=seen.publish,
            root_dir=self.base / "root",
            times=SystemClock(),
            check_frequency_s=self.frequency_s,
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(source.run(), name="source")
            try:
                yield seen
            finally:
                running.cancel()

    def __truediv__(self, name: str) -> Path:
        return self.path / name


async def barrier(place: Place, seen: Seen, name: str = "barrier") -> None:
    """Wait until everything done so far was taken: a file made later is seen after it."""
    file = place / f"{name}.txt"
    file.write_bytes(b"")
    await seen.until(lambda each: any(m.origin == str(file) for m in each.manifests))
    file.unlink()
    await seen.until(lambda each: all(m.origin != str(file) for m in each.manifests))
