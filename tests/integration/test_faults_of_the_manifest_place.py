"""What is hard on the file source: full disks, unreadable entries, floods, and huge manifests."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from staticlet.aio.clock import SystemClock
from staticlet.host import mounts
from staticlet.kube import read
from staticlet.pods.sources import directory, judge, scan
from staticlet.pods.wanted import Manifest, ManifestState, Snapshot
from staticlet.testing.directory import manifest

GOOD = Path(__file__).parents[1] / "data" / "manifests"
MIB = 1024 * 1024


class Watcher:
    """Takes snapshots, and measures how long the loop was kept from everything else."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []
        self.news = asyncio.Event()
        self.longest_s = 0.0

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)
        self.news.set()

    async def until(self, holds: Callable[[Snapshot], bool], *, within_s: float) -> Snapshot:
        """Wait for a snapshot of which something holds."""
        async with asyncio.timeout(within_s):
            while not self.snapshots or not holds(self.snapshots[-1]):
                self.news.clear()
                await self.news.wait()
        return self.snapshots[-1]

    async def count(self, state: ManifestState, number: int, *, within_s: float) -> Snapshot:
        """Wait until so many manifests are in a state."""
        return await self.until(lambda seen: counted(seen, state) == number, within_s=within_s)

    async def tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            self.longest_s = max(self.longest_s, loop.time() - before - 0.01)


def counted(snapshot: Snapshot, state: ManifestState) -> int:
    return sum(each.state is state for each in snapshot.manifests)


def entry(snapshot: Snapshot, name: str) -> Manifest:
    return next(each for each in snapshot.manifests if each.origin.endswith(f"/{name}"))


@contextlib.asynccontextmanager
async def following(base: Path, *, frequency_s: float = 60) -> AsyncIterator[Watcher]:
    watcher = Watcher()
    source = directory.DirectorySource(
        base / "m",
        node_name="node1",
        read=read.read,
        publish=watcher.publish,
        root_dir=base / "root",
        times=SystemClock(),
        check_frequency_s=frequency_s,
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in (watcher.tick(), source.run())]
        try:
            yield watcher
        finally:
            for task in tasks:
                task.cancel()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "m").mkdir(mode=0o755)
    return tmp_path


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A root directory on a file system of its own, of one mebibyte; root only."""
    root = place / "root"
    root.mkdir()
    mounts.mount_tmpfs(root, size_bytes=MIB)
    yield root
    mounts.unmount(root)


def fill(disk: Path) -> Path:
    """Fill a file system to its last byte; the file to remove."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler


# A full disk


async def test_a_full_disk_stops_no_manifest_and_is_told_once_with_path_and_remedy(
    place: Path, small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    filler = fill(small_disk)
    cache = small_disk / "staticlet" / "last-good"
    with caplog.at_level(logging.INFO):
        async with following(place, frequency_s=0.05) as watcher:
            for number in range(3):
                (place / "m" / f"{number}.yaml").write_bytes(manifest(f"web{number}"))
            await watcher.count(ManifestState.ACCEPTED, 3, within_s=10)
            await asyncio.sleep(0.3)
            warnings = [each for each in caplog.messages if "Cannot keep" in each]
            assert len(warnings) == 1
            assert str(cache) in warnings[0]
            assert "no space left on device: make room on its file system" in warnings[0]
            filler.unlink()
            await asyncio.sleep(0.5)
            assert any("kept again" in each for each in caplog.messages)
    assert len(list(cache.glob("file-*.json"))) == 3
    assert list(cache.glob(".*")) == []


# Entries that cannot be read


async def test_entries_that_are_no_files_are_told_and_harm_nobody(place: Path) -> None:
    where = place / "m"
    (where / "web.yaml").write_bytes(manifest())
    (where / "directory.yaml").mkdir()
    os.mkfifo(where / "pipe.yaml")
    (where / "circle.yaml").symlink_to("circle.yaml")
    (where / "nowhere.yaml").symlink_to(place / "unmounted" / "x.yaml")
    async with following(place) as watcher:
        await watcher.count(ManifestState.REFUSED, 2, within_s=10)
        seen = watcher.snapshots[-1]
        assert entry(seen, "web.yaml").state is ManifestState.ACCEPTED
        assert entry(seen, "directory.yaml").note.startswith("a directory")
        assert entry(seen, "pipe.yaml").note == "neither a regular file nor a directory"
        circle, nowhere = (
            entry(seen, name).findings[0] for name in ("circle.yaml", "nowhere.yaml")
        )
        assert "mend them" in str(circle)
        assert f"is a symlink to {place / 'unmounted' / 'x.yaml'}, which does not exist" in str(
            nowhere
        )


async def test_a_file_on_a_mount_that_vanishes_keeps_its_pod_and_says_so(place: Path) -> None:
    disk = place / "disk"
    disk.mkdir()
    mounts.mount_tmpfs(disk, size_bytes=MIB)
    try:
        (disk / "web.yaml").write_bytes(manifest())
        (place / "m" / "web.yaml").symlink_to(disk / "web.yaml")
        async with following(place, frequency_s=0.05) as watcher:
            await watcher.count(ManifestState.ACCEPTED, 1, within_s=10)
            mounts.unmount(disk)
            seen = await watcher.count(ManifestState.KEPT, 1, within_s=10)
            assert [pod.key.name for pod in seen.manifests[0].pods] == ["web-node1"]
            assert "does not exist" in str(seen.manifests[0].findings[0])
    finally:
        mounts.unmount(disk)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_what_permissions_forbid_is_told_with_the_remedy(tmp_path: Path) -> None:
    tmp_path.parent.parent.chmod(0o711)
    tmp_path.parent.chmod(0o711)
    tmp_path.chmod(0o711)
    locked, file = tmp_path / "locked", tmp_path / "web.yaml"
    locked.mkdir(mode=0o700)
    file.write_bytes(manifest())
    file.chmod(0o600)
    os.seteuid(65534)
    try:
        found, outcome = scan.scan(str(locked)), scan.read(str(file))
    finally:
        os.seteuid(0)
    words = "cannot be read: permission denied: give the agent's user access, or run it as root"
    assert (found.place, found.fault) == (scan.Place.UNREADABLE, words)
    assert outcome == scan.Unreadable(words)


# Much at once


async def test_a_directory_of_500_files_is_taken_whole_and_keeps_nobody_waiting(
    place: Path,
) -> None:
    for number in range(500):
        (place / "m" / f"{number}.yaml").write_bytes(manifest(f"web{number}"))
    async with following(place) as watcher:
        seen = await watcher.count(ManifestState.ACCEPTED, 500, within_s=20)
        assert len({pod.key for each in seen.manifests for pod in each.pods}) == 500
        (place / "m" / "7.yaml").unlink()
        await watcher.count(ManifestState.ACCEPTED, 499, within_s=5)
    assert watcher.longest_s < 0.5
    assert len(list((place / "root" / "staticlet" / "last-good").iterdir())) == 499


async def test_2000_manifests_of_which_1990_are_refused_keep_nobody_waiting(place: Path) -> None:
    for number in range(2000):
        good = manifest(f"web{number}")
        bad = good.replace(b"containers", b"container")
        (place / "m" / f"{number}.yaml").write_bytes(bad if number % 200 else good)
    async with following(place) as watcher:
        await watcher.count(ManifestState.ACCEPTED, 10, within_s=40)
        await watcher.count(ManifestState.REFUSED, 1990, within_s=5)
        (place / "m" / "1.yaml").write_bytes(manifest("web1"))
        await watcher.count(ManifestState.ACCEPTED, 11, within_s=5)
    assert watcher.longest_s < 0.5


async def test_a_manifest_of_ten_mebibytes_is_refused_and_one_below_is_read_aside(
    place: Path,
) -> None:
    good = (GOOD / "good-minimal.yaml").read_bytes()
    below = good + b"# " + b"x" * (judge.LARGEST_BYTES - len(good) - 4) + b"\n"
    assert len(below) == judge.LARGEST_BYTES - 1
    (place / "m" / "below.yaml").write_bytes(below)
    (place / "m" / "limit.yaml").write_bytes(below + b"\n")
    async with following(place) as watcher:
        await watcher.count(ManifestState.ACCEPTED, 1, within_s=20)
        seen = await watcher.count(ManifestState.REFUSED, 1, within_s=20)
    assert entry(seen, "below.yaml").state is ManifestState.ACCEPTED
    assert str(entry(seen, "limit.yaml").findings[0]).endswith(
        "is 10 MiB or larger: a manifest must be smaller; split it into several"
    )
    assert watcher.longest_s < 0.5


async def test_ten_mebibytes_of_many_values_keep_nobody_waiting(place: Path) -> None:
    line = b"  - {name: main, image: nginx}\n"
    many = b"kind: Pod\nspec:\n  containers:\n" + line * (judge.LARGEST_BYTES // len(line) - 9)
    (place / "m" / "many.yaml").write_bytes(many)
    (place / "m" / "web.yaml").write_bytes(manifest())
    async with following(place) as watcher:
        seen = await watcher.count(ManifestState.REFUSED, 1, within_s=30)
    assert entry(seen, "web.yaml").state is ManifestState.ACCEPTED
    assert "holds more than 200000 values" in str(entry(seen, "many.yaml").findings[0])
    assert watcher.longest_s < 0.5


# Any bytes


async def test_any_bytes_in_any_file_leave_the_pods_of_the_others_alone(place: Path) -> None:
    chance = random.Random(20300101)  # noqa: S311  the same bytes in each run
    models = [each.read_bytes() for each in sorted(GOOD.iterdir()) if each.suffix != ".txt"]
    (place / "m" / "web.yaml").write_bytes(manifest())
    async with following(place) as watcher:
        first = await watcher.count(ManifestState.ACCEPTED, 1, within_s=10)
        born = entry(first, "web.yaml").pods
        for _ in range(150):
            name = chance.choice(("a.yaml", "b.json", "c.manifest", "zz.yml"))
            (place / "m" / name).write_bytes(spoilt(chance, chance.choice(models)))
            await asyncio.sleep(0.002)
        (place / "m" / "last.yaml").write_bytes(manifest("last"))
        last = str(place / "m" / "last.yaml")
        await watcher.until(lambda s: any(m.origin == last for m in s.manifests), within_s=20)
    assert len(watcher.snapshots) > 10
    for each in watcher.snapshots:
        assert entry(each, "web.yaml").pods == born


def spoilt(chance: random.Random, good: bytes) -> bytes:
    """A manifest with some bytes lost, doubled or replaced; or none at all."""
    if chance.random() < 0.1:
        return chance.randbytes(chance.randrange(400))
    data = bytearray(good)
    for _ in range(chance.randrange(6)):
        at = chance.randrange(len(data) + 1)
        length = chance.randrange(12)
        data[at : at + length] = chance.choice(
            (b"", chance.randbytes(length), bytes(data[at : at + length]) * 2)
        )
    return bytes(data)
