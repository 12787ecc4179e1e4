"""Random handling of a real directory, too fast to be followed, ends in what the files say."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from staticlet.aio.clock import SystemClock
from staticlet.kube import read
from staticlet.pods.sources import directory
from staticlet.pods.wanted import Snapshot
from staticlet.testing.directory import images_by_name, manifest

NAMES = ("a.yaml", "b.yml", "c.json", "a.yaml~", "d.off")


def handle(path: Path, dice: random.Random) -> None:
    """One act of a busy person."""
    name = path / dice.choice(NAMES)
    other = path / dice.choice(NAMES)
    good = manifest(dice.choice("pqr"), image=f"i:{dice.randrange(3)}")
    match dice.randrange(9):
        case 0 | 1 | 2:
            name.write_bytes(good)
        case 3:
            name.write_bytes(good[: dice.randrange(len(good))])
        case 4:
            name.unlink(missing_ok=True)
        case 5 if name.exists():
            name.rename(other)
        case 6:
            outside = path.parent / "outside"
            outside.write_bytes(good)
            outside.rename(name)
        case 7 if name.exists():
            name.rename(path.parent / "outside")
        case 8 if dice.random() < 0.2:
            copy = path.parent / "copy"
            shutil.copytree(path, copy)
            path.rename(path.parent / "old")
            copy.rename(path)
            shutil.rmtree(path.parent / "old")
        case _:
            pass


def mend(path: Path) -> dict[str, set[tuple[str, str]]]:
    """Make every manifest good, and tell what each stands for."""
    expected: dict[str, set[tuple[str, str]]] = {}
    for file in sorted(path.iterdir()):
        expected[file.name] = set()
        if file.suffix in (".yaml", ".yml", ".json"):
            if not read.read(file.read_bytes(), source="").pods:
                file.write_bytes(manifest("mended", image="i:9"))
            (pod,) = read.read(file.read_bytes(), source="").pods
            name = f"{pod.raw['metadata']['name']}-node1"
            expected[file.name] = {(name, pod.raw["spec"]["containers"][0]["image"])}
    return expected


@pytest.fixture(params=["disk", "memory"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if request.param == "disk":
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as made:
        yield Path(made)


@pytest.mark.parametrize("seed", range(10))
async def test_a_storm_of_handling_ends_in_what_the_files_say(base: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  no secret
    path = base / "manifests"
    path.mkdir()
    last: list[Snapshot] = []
    news = asyncio.Event()

    def publish(snapshot: Snapshot) -> None:
        last[:] = [snapshot]
        news.set()

    source = directory.DirectorySource(
        path,
        node_name="node1",
        read=read.read,
        publish=publish,
        root_dir=base / "root",
        times=SystemClock(),
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(source.run(), name="source")
        for _ in range(150):
            handle(path, dice)
            for _ in range(dice.randrange(3)):
                await asyncio.sleep(0)
        expected = mend(path)
        try:
            async with asyncio.timeout(10):
                while not (last and images_by_name(last[0]) == expected):
                    news.clear()
                    await news.wait()
        except TimeoutError:
            assert images_by_name(last[0]) == expected
        running.cancel()
