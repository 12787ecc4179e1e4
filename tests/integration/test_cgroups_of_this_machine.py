"""Cgroups on the real machine, under a name of our own."""

import dataclasses
import os
import subprocess
import uuid
from pathlib import Path

import pytest

from staticlet.host import cgroup
from staticlet.pods import podcgroup
from staticlet.testing import wantedpods

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="making cgroups needs root")
TREES = cgroup.present()


@pytest.fixture
def top():
    name = f"/staticlet-test-{uuid.uuid4().hex[:8]}"
    yield name
    assert cgroup.remove(TREES, name) == []
    assert not any((tree / name[1:]).exists() for tree in TREES.trees)


def value(path, v1, v2):
    """What the kernel holds, wherever this machine has it."""
    if TREES.version == 2:
        return (TREES.unified / path[1:] / v2).read_text().split()[0]
    controller, name = v1
    return (TREES.controllers[controller] / path[1:] / name).read_text().strip()


def test_the_version_is_that_of_the_mount_at_the_root():
    root = subprocess.run(
        ["stat", "-fc", "%T", "/sys/fs/cgroup"], capture_output=True, text=True, check=True
    )
    assert TREES.version == (2 if root.stdout.strip() == "cgroup2fs" else 1)


def test_a_group_is_made_with_its_limits_and_may_be_made_again(top):
    limits = cgroup.Limits(cpu_shares=512, memory_bytes=64 * 1024**2, pids=77)
    for _ in range(2):
        assert cgroup.ensure(TREES, f"{top}/a/b", limits) == []
    assert value(f"{top}/a/b", ("memory", "memory.limit_in_bytes"), "memory.max") == str(
        64 * 1024**2
    )
    assert value(f"{top}/a/b", ("pids", "pids.max"), "pids.max") == "77"
    weight = str(cgroup.weight(512)) if TREES.version == 2 else "512"
    assert value(f"{top}/a/b", ("cpu", "cpu.shares"), "cpu.weight") == weight


def test_what_the_machine_can_not_limit_is_told_and_passed_over(top):
    limits = cgroup.Limits(pids=77, hugepages={"3MB": 0})
    (trouble,) = cgroup.ensure(TREES, f"{top}/a", limits)
    assert "hugetlb" in trouble
    assert value(f"{top}/a", ("pids", "pids.max"), "pids.max") == "77"


def test_a_group_with_a_process_stays_and_is_told_then_goes(top):
    cgroup.ensure(TREES, f"{top}/a", cgroup.Limits(pids=77))
    tree = TREES.unified if TREES.version == 2 else TREES.controllers["pids"]
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        (tree / top[1:] / "a/cgroup.procs").write_text(str(sleeper.pid))
        assert cgroup.processes(TREES, f"{top}/a") == {sleeper.pid}
        assert any("still has processes" in trouble for trouble in cgroup.remove(TREES, top))
        sleeper.kill()
        sleeper.wait()
    assert cgroup.remove(TREES, top) == []


def test_what_others_made_below_a_group_goes_with_it_in_every_tree(top):
    for tree in TREES.trees:
        (tree / top[1:] / "x/y").mkdir(parents=True)
    assert cgroup.remove(TREES, top) == []


@pytest.mark.parametrize("path", ["/", "", "/../x", "a/../../b"])
def test_a_path_that_is_no_group_of_its_own_is_refused(path):
    with pytest.raises(ValueError, match="is not the path of a cgroup"):
        cgroup.remove(TREES, path)


def test_a_pod_gets_its_group_and_loses_it(top):
    settings = dataclasses.replace(wantedpods.settings(Path("/nowhere")), cgroup_root=top)
    pod = wantedpods.wanted()
    assert podcgroup.ensure(pod, trees=TREES, node=wantedpods.NODE, settings=settings) == []
    path = f"{top}/kubepods/besteffort/pod{pod.uid}"
    least = "1" if TREES.version == 2 else "2"
    assert value(path, ("cpu", "cpu.shares"), "cpu.weight") == least
    for _ in range(2):
        assert (
            podcgroup.remove(pod.uid, trees=TREES, node=wantedpods.NODE, settings=settings) == []
        )
    assert not any((tree / path[1:]).exists() for tree in TREES.trees)


def test_slices_are_left_to_systemd(top):
    settings = dataclasses.replace(wantedpods.settings(Path("/nowhere")), cgroup_root=top)
    node = dataclasses.replace(wantedpods.NODE, cgroup_driver="systemd")
    podcgroup.ensure(wantedpods.wanted(), trees=TREES, node=node, settings=settings)
    assert not any((tree / top[1:]).exists() for tree in TREES.trees)
