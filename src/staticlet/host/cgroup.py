"""The cgroup hierarchies of this machine, and making and removing groups in them.

Version 2 is one tree at `/sys/fs/cgroup`; version 1 is one tree a controller. A machine that has
both (hybrid) counts as version 1, as runc and the kubelet count it: the controllers are there.

Limits are a help, not a condition: what a machine can not limit (a controller that is absent, a
value that the kernel refuses) is told and passed over, and never keeps a pod from running.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from staticlet.host import mounts

ROOT = Path("/sys/fs/cgroup")
SYSTEMD = "name=systemd"
_LIMITING = ("cpu", "memory", "pids", "hugetlb")
_DELEGATED = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids")
_NOT_CONTROLLERS = frozenset({"rw", "ro", "xattr", "noprefix", "clone_children"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one group; 0 means: do not limit.

    Attributes:
        cpu_shares: In the units of version 1, 2 to 262144.
        cpu_quota_us: CPU time in each period.
        cpu_period_us: The period.
        memory_bytes: The memory of all its processes together.
        pids: How many processes and threads it may have.
        hugepages: Bytes by page size.
    """

    cpu_shares: int = 0
    cpu_quota_us: int = 0
    cpu_period_us: int = 0
    memory_bytes: int = 0
    pids: int = 0
    hugepages: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchies:
    """Where the trees are.

    Attributes:
        version: 2 where `/sys/fs/cgroup` itself is the unified tree, else 1.
        unified: Where the unified tree is mounted, also beside trees of version 1.
        controllers: Where each controller of version 1 is mounted; `name=systemd` for systemd's.
    """

    version: int
    unified: Path | None = None
    controllers: Mapping[str, Path] = field(default_factory=dict)

    @property
    def hybrid(self) -> bool:
        """Whether trees of both versions are mounted."""
        return self.version == 1 and self.unified is not None

    @property
    def trees(self) -> Sequence[Path]:
        """The root of every tree, each once."""
        unified = () if self.unified is None else (self.unified,)
        return tuple(dict.fromkeys((*self.controllers.values(), *unified)))


def detect(entries: Iterable[mounts.MountEntry]) -> Hierarchies:
    """Find the trees among the mounts of this machine; the first mount of each counts."""
    unified: Path | None = None
    controllers: dict[str, Path] = {}
    version = 1
    for entry in entries:
        if entry.fstype == "cgroup2":
            unified = unified or entry.point
            version = 2 if entry.point == ROOT else version
        elif entry.fstype == "cgroup":
            for name in set(entry.options) - _NOT_CONTROLLERS:
                controllers.setdefault(name, entry.point)
    return Hierarchies(version=version, unified=unified, controllers=controllers)


def present() -> Hierarchies:
    """The trees of this machine."""
    return detect(mounts.current())


def ensure(trees: Hierarchies, path: str, limits: Limits | None = None) -> Sequence[str]:
    """Make a group where it is missing and set its limits; what could not be done, in words.

    Args:
        trees: The trees of this machine.
        path: From the root of each tree, as `/kubepods/podX`.
        limits: What to set; None sets nothing.
    """
    if trees.version == 2 and trees.unified:
        return _ensure_v2(trees.unified, path, limits)
    return _ensure_v1(trees, path, limits)


def remove(trees: Hierarchies, path: str) -> Sequence[str]:
    """Remove a group with all below it from every tree; what is still there, in words.

    A group that is absent is no trouble; one with processes in it stays.
    """
    troubles: list[str] = []
    for tree in trees.trees:
        top = _below(tree, path)
        for directory, _, _ in os.walk(top, topdown=False):
            _remove_one(troubles, Path(directory))
    return troubles


def processes(trees: Hierarchies, path: str) -> frozenset[int]:
    """The processes in a group, in any tree, groups below it not counted."""
    found: set[int] = set()
    for tree in trees.trees:
        try:
            text = (_below(tree, path) / "cgroup.procs").read_text()
        except OSError:
            continue  # the group is not in this tree
        found.update(int(word) for word in text.split())
    return frozenset(found)


def weight(shares: int) -> int:
    """CPU shares of version 1 (2 to 262144) as a weight of version 2 (1 to 10000)."""
    return 1 + (max(shares, 2) - 2) * 9999 // 262142


def _ensure_v2(root: Path, path: str, limits: Limits | None) -> Sequence[str]:
    group = _below(root, path)
    try:
        _make_v2(root, path)
    except OSError as fault:
        return [f"cannot make cgroup {group}: {fault.strerror}"]
    return _write_all(group, _values_v2(limits) if limits else {})


def _ensure_v1(trees: Hierarchies, path: str, limits: Limits | None) -> Sequence[str]:
    """Only trees that limit something: the runtime makes the group in the others itself."""
    troubles: list[str] = []
    values = _values_v1(limits) if limits else {}
    for controller in _LIMITING:
        wanted = values.get(controller, {})
        if controller in trees.controllers:
            troubles += _ensure_one(_below(trees.controllers[controller], path), wanted)
        elif wanted:
            troubles.append(f"the {controller} controller is missing: {path} is not limited by it")
    return troubles


def _ensure_one(group: Path, values: Mapping[str, str]) -> Sequence[str]:
    try:
        group.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        return [f"cannot make cgroup {group}: {fault.strerror}"]
    return _write_all(group, values)


def _values_v1(limits: Limits) -> dict[str, dict[str, str]]:
    """What is written into which file of which controller."""
    cpu = {"cpu.shares": limits.cpu_shares, "cpu.cfs_period_us": limits.cpu_period_us}
    cpu["cpu.cfs_quota_us"] = limits.cpu_quota_us
    found = {
        "cpu": cpu,
        "memory": {"memory.limit_in_bytes": limits.memory_bytes},
        "pids": {"pids.max": limits.pids},
    }
    given = {
        controller: {name: str(value) for name, value in values.items() if value}
        for controller, values in found.items()
    }
    given["hugetlb"] = {
        f"hugetlb.{size}.limit_in_bytes": str(value) for size, value in limits.hugepages.items()
    }
    return given


def _values_v2(limits: Limits) -> dict[str, str]:
    found = {}
    if limits.cpu_shares:
        found["cpu.weight"] = str(weight(limits.cpu_shares))
    if limits.cpu_quota_us:
        found["cpu.max"] = f"{limits.cpu_quota_us} {limits.cpu_period_us}"
    if limits.memory_bytes:
        found["memory.max"] = str(limits.memory_bytes)
    if limits.pids:
        found["pids.max"] = str(limits.pids)
    for size, value in limits.hugepages.items():
        found[f"hugetlb.{size}.max"] = str(value)
    return found


def _make_v2(root: Path, path: str) -> None:
    """Make a group, and hand every controller down to it, as far as the machine has it."""
    group = root
    for step in _below(root, path).relative_to(root).parts:
        available = (group / "cgroup.controllers").read_text().split()
        for controller in set(_DELEGATED) & set(available):
            try:
                (group / "cgroup.subtree_control").write_text(f"+{controller}")
            except OSError:
                continue  # writing the limit tells, if there is one
        group /= step
        group.mkdir(exist_ok=True)


def _below(tree: Path, path: str) -> Path:
    """The group's directory in a tree; a path of a group never leaves the tree."""
    relative = Path(path.lstrip("/"))
    if ".." in relative.parts or not relative.parts:
        raise ValueError(f"{path} is not the path of a cgroup below the root")
    return tree / relative


def _remove_one(troubles: list[str], directory: Path) -> None:
    try:
        directory.rmdir()
    except FileNotFoundError:
        pass  # somebody else removed it
    except OSError as fault:
        text = "it still has processes" if fault.errno == errno.EBUSY else fault.strerror
        troubles.append(f"cannot remove cgroup {directory}: {text}")


def _write_all(group: Path, values: Mapping[str, str]) -> Sequence[str]:
    troubles = []
    for name, value in values.items():
        try:
            with (group / name).open("r+") as stream:  # never makes a file of its own
                stream.write(value)
        except OSError as fault:
            troubles.append(f"cannot write {value} to {group / name}: {fault.strerror}")
    return troubles
