"""A full disk: the agent lives, says which path and what to do, and goes on when there is room."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from staticlet.host import mounts
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing.agent import Agent
from staticlet.testing.scripted import WAIT, pod

SIZE = "size=1m,nr_inodes=200"


def fill_blocks(disk: Path) -> Path:
    """Write until there is no block left; what to remove."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler


def fill_inodes(disk: Path) -> Path:
    """Make files until no more can be made; what to remove."""
    for number in range(1000):
        try:
            (disk / f"filler{number}").touch()
        except OSError:
            break
    return disk / "filler0"


@pytest.fixture
def cramped(containerd: containerd_of_ours.Containerd) -> Iterator[Agent]:
    """An agent whose root and log directories are small file systems of their own."""
    base = containerd.base / "full"
    disks = (base / "root", base / "log")
    for disk in disks:
        disk.mkdir(parents=True, exist_ok=True)
        mounts.mount("tmpfs", disk, fstype="tmpfs", options=SIZE)
    agent = Agent(base, containerd)
    try:
        agent.start()
        yield agent
        agent.tidy()
    finally:
        agent.kill()
        for disk in disks:
            mounts.unmount_below(disk)
            mounts.unmount(disk)


def make_room(disk: Path) -> None:
    for each in disk.glob("filler*"):
        each.unlink()


@pytest.mark.parametrize(
    ("disk", "fill"), [("root", fill_blocks), ("log", fill_inodes)], ids=["root", "logs"]
)
def test_a_full_disk_is_told_and_waited_out_while_other_pods_run_on(
    cramped: Agent, disk: str, fill: Callable[[Path], Path]
) -> None:
    place = cramped.base / disk
    cramped.manifests.put("stay.yaml", pod("stay", WAIT))
    life = cramped.until_runs("stay")
    fill(place)
    cramped.manifests.put("new.yaml", pod("new", WAIT))
    status = cramped.until_status(
        "new", "the disk is full", lambda s: "no space left" in s.get("message", "")
    )
    assert f"{place}/" in status["message"]
    assert "make room on its file system" in status["message"]
    cramped.stop()
    cramped.start()
    assert cramped.until_runs("stay") == life
    cramped.runs_on(life, "stay")
    make_room(place)
    cramped.until_runs("new")
    assert "Traceback" not in cramped.log
