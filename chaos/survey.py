"""The machine as it is: asked of containerd, of /proc and of the disk, not of the agent."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaos import manifests
from staticlet.host import mounts
from staticlet.pods import labels
from staticlet.runtime import port
from staticlet.runtime.cri import channel, runtime
from staticlet.testing.agent import Agent
from staticlet.testing.containerd import Containerd

CGROUPS = Path("/sys/fs/cgroup")
LINKS = Path("/var/log/containers")
_POD_GROUP = re.compile(r"pod([0-9a-f-]+)")


class Moving(Exception):
    """The machine changed while it was looked at, or cannot be looked at now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A sandbox: a pod by its name without the node's."""

    id: str
    pod: str
    uid: str
    ready: bool
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inmate:
    """A container; the round is that of its process's environment, None when none runs."""

    id: str
    sandbox_id: str
    name: str
    attempt: int
    running: bool
    exited: bool
    round: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Everything of the agent's that is on the machine.

    Attributes:
        boxes: The sandboxes by the CRI.
        inmates: The containers by the CRI.
        records: Ids of all containers that containerd has with the agent's label.
        tasks: Ids of all tasks that run.
        shims: Ids of the sandboxes for which a shim runs.
        lost: Ids for which a shim runs, and which containerd does not know (any more).
        directories: The UIDs with a directory below the root directory.
        logs: The names of pods' log directories.
        crowded: Log directories of containers with logs of more than two lives.
        links: Old style log links of ours: the container's id, and whether the log is there.
        mounts: The UIDs below whose directory something is mounted.
        groups: The UIDs with a cgroup, but for those that only lost shims keep.
    """

    boxes: Sequence[Box] = ()
    inmates: Sequence[Inmate] = ()
    records: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    shims: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    directories: frozenset[str] = frozenset()
    logs: frozenset[str] = frozenset()
    crowded: frozenset[str] = frozenset()
    links: Mapping[str, bool] = field(default_factory=dict)
    mounts: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


def look(agent: Agent, containerd: Containerd, *, cgroup_root: str) -> Machine:
    """Look at everything once.

    Raises:
        Moving: Something went away meanwhile, or the runtime does not answer.
    """
    try:
        return _look(agent, containerd, cgroup_root)
    except (OSError, port.RuntimeFault, subprocess.SubprocessError) as fault:
        raise Moving(str(fault)) from fault


def _look(agent: Agent, containerd: Containerd, cgroup_root: str) -> Machine:
    pids = agent.pids()
    boxes, inmates = asyncio.run(_listed(containerd.endpoint, agent, pids))
    records = frozenset(agent.owned())
    shims = frozenset(_shims(containerd.base))
    lost = shims - records - {box.id for box in boxes}
    return Machine(
        boxes=boxes,
        inmates=inmates,
        records=records,
        tasks=frozenset(pids),
        shims=shims - lost,
        lost=lost,
        directories=_names(agent.root / "pods"),
        logs=_names(agent.pod_logs),
        crowded=frozenset(_crowded(agent.pod_logs)),
        links=dict(_links(agent.pod_logs)),
        mounts=frozenset(_mounted(agent.root / "pods")),
        groups=frozenset(_groups(cgroup_root, lost)),
    )


async def _listed(
    endpoint: str, agent: Agent, pids: Mapping[str, int]
) -> tuple[list[Box], list[Inmate]]:
    ours = labels.owner_selector(agent.root.resolve())
    async with channel.Connection(endpoint) as connection:
        cri = runtime.CriRuntime(connection)
        sandboxes = await cri.list_sandboxes(ours)
        containers = await cri.list_containers(ours)
    boxes = [
        Box(
            id=each.id,
            pod=each.name.rpartition("-")[0],
            uid=each.uid,
            ready=each.ready,
            round=int(each.annotations.get(manifests.ROUND, "-1")),
        )
        for each in sandboxes
    ]
    inmates = [
        Inmate(
            id=each.id,
            sandbox_id=each.sandbox_id,
            name=each.name,
            attempt=each.attempt,
            running=each.state is port.ContainerState.RUNNING,
            exited=each.state is port.ContainerState.EXITED,
            round=_round(pids.get(each.id)),
        )
        for each in containers
    ]
    return boxes, inmates


def _round(pid: int | None) -> int | None:
    """What the process has as $ROUND."""
    if pid is None:
        return None
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None  # it ended meanwhile
    found = (each.partition(b"=")[2] for each in variables if each.startswith(b"ROUND="))
    return int(next(found, b"-1"))


def _shims(base: Path) -> Iterator[str]:
    """The id for which each shim of this containerd runs."""
    mark = str(base).encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            started = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        ours = any(mark in each for each in started)
        if ours and b"containerd-shim" in started[0] and b"-id" in started:
            yield started[started.index(b"-id") + 1].decode()


def _names(directory: Path) -> frozenset[str]:
    return (
        frozenset(each.name for each in directory.iterdir()) if directory.exists() else frozenset()
    )


def _crowded(logs: Path) -> Iterator[str]:
    for directory in logs.glob("*/*"):
        if len([*directory.glob("*.log")]) > 2:
            yield str(directory.relative_to(logs))


def _links(logs: Path) -> Iterator[tuple[str, bool]]:
    if not LINKS.exists():
        return
    for link in LINKS.iterdir():
        try:
            target = link.readlink()
        except OSError:
            continue  # not a link, or gone meanwhile: others live here too
        if target.is_relative_to(logs):
            yield link.stem.rpartition("-")[2], target.exists()


def _mounted(pods: Path) -> Iterator[str]:
    for point in mounts.below(pods.resolve()):
        yield point.relative_to(pods.resolve()).parts[0]


def _groups(cgroup_root: str, lost: frozenset[str]) -> Iterator[str]:
    for top in (CGROUPS, *CGROUPS.iterdir()):
        for found in (top / cgroup_root.strip("/")).glob("**/pod*"):
            match = _POD_GROUP.fullmatch(found.name)
            inner = {each.name for each in found.iterdir() if each.is_dir()}
            if match and not (inner and inner <= lost):
                yield match[1]


@contextlib.contextmanager
def groups_removed() -> Iterator[list[str]]:
    """A list of cgroup roots, whose empty cgroups are removed when the block ends."""
    groups: list[str] = []
    try:
        yield groups
    finally:
        for each in groups:
            _remove_groups(each)


def _remove_groups(cgroup_root: str) -> None:
    """Remove the empty cgroups that are left when all is over."""
    for top in (CGROUPS, *CGROUPS.iterdir()):
        root = top / cgroup_root.strip("/")
        inner = (each for each in root.glob("**/") if each.is_dir())
        for group in sorted(inner, key=lambda each: len(each.parts), reverse=True):
            with contextlib.suppress(OSError):
                group.rmdir()
