"""The processes of this machine: what they were called with, what they hold open.

A process that ends while it is looked at, or that may not be looked at, is left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LOCKS = _PROC / "locks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process.

    Attributes:
        pid: Its number.
        program: The name of the file that it runs; empty where that may not be seen.
        arguments: What it was called with, its own name first.
    """

    pid: int
    program: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """Something that a process holds open; `target` is `socket:[n]`, a path, or `anon_inode:x`."""

    pid: int
    uid: int
    target: str


def everyone() -> Iterator[Process]:
    """Every process but the kernel's own threads."""
    for pid in _pids():
        found = one(pid)
        if found and found.arguments:
            yield found


def one(pid: int) -> Process | None:
    """One process; None when there is none."""
    place = _PROC / str(pid)
    try:
        line = (place / "cmdline").read_bytes()
    except OSError:
        return None
    words = line.rstrip(b"\0").split(b"\0") if line else []
    return Process(
        pid=pid,
        program=_link(place / "exe").rpartition("/")[2],
        arguments=tuple(os.fsdecode(word) for word in words),
    )


def descriptors() -> Iterator[Descriptor]:
    """Everything that every process holds open."""
    for pid in _pids():
        try:
            uid = (_PROC / str(pid) / "fd").stat().st_uid
        except OSError:
            continue
        for target in _open(pid):
            yield Descriptor(pid=pid, uid=uid, target=target)


def cgroups(pid: int) -> str:
    """The text of the process's cgroups; empty when it is gone."""
    try:
        return (_PROC / str(pid) / "cgroup").read_text()
    except OSError:
        return ""


def lock_holder(file: Path) -> int | None:
    """The pid of who holds a flock on a file; found without touching the lock."""
    try:
        number = file.stat().st_ino
        real = str(file.resolve())
        candidates = parse_lock_holders(_LOCKS.read_text(), number)
    except OSError:
        return None
    return next((pid for pid in candidates if real in _open(pid)), None)


def parse_lock_holders(text: str, inode: int) -> Iterator[int]:
    """The pids that a /proc/locks text names for flocks on this inode, of any file system."""
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 6 and words[1] == "FLOCK" and words[5].endswith(f":{inode}"):
            yield int(words[4])


def _open(pid: int) -> list[str]:
    """What a process holds open; nothing when it may not be looked at."""
    try:
        with os.scandir(_PROC / str(pid) / "fd") as entries:
            return [target for entry in entries if (target := _link(Path(entry.path)))]
    except OSError:
        return []


def _pids() -> Iterator[int]:
    for name in os.listdir(_PROC):  # noqa: PTH208  names are all that is needed
        if name.isdigit():
            yield int(name)


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""
