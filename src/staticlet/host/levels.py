"""How much is left of what a machine can run out of: memory, disk, processes.

The names are those of the kubelet's eviction signals. Memory counts as the kubelet counts it: what
is free, and the file cache that has not been used for long; other caches count as used.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from staticlet.host import machine

_MEMINFO = Path("/proc/meminfo")
_LOADAVG = Path("/proc/loadavg")
_PID_LIMITS = (Path("/proc/sys/kernel/pid_max"), Path("/proc/sys/kernel/threads-max"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One of them: bytes, inodes, or processes and threads."""

    available: int
    capacity: int


def levels(root_dir: Path, image_dir: Path | None = None) -> dict[str, Level]:
    """All that can be measured; blocks as long as the file systems do.

    Args:
        root_dir: On the node's file system.
        image_dir: On the file system of the images; None when it is the same.
    """
    out = {}
    if memory := parse_memory(machine.text_of(_MEMINFO)):
        out["memory.available"] = memory
    if pids := parse_pids(
        machine.text_of(_LOADAVG), *(machine.text_of(each) for each in _PID_LIMITS)
    ):
        out["pid.available"] = pids
    for name, directory in (("nodefs", root_dir), ("imagefs", image_dir or root_dir)):
        out |= _file_system(name, directory)
    return out


def parse_memory(text: str) -> Level | None:
    """The memory that is left, of a /proc/meminfo text; None where it does not say."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        number = value.split()[:1]
        if number and number[0].isdigit():
            found[name] = int(number[0]) * 1024
    if "MemTotal" not in found or "MemFree" not in found:
        return None
    available = found["MemFree"] + found.get("Inactive(file)", 0)
    return Level(available=available, capacity=found["MemTotal"])


def parse_pids(loadavg: str, *limits: str) -> Level | None:
    """How many processes and threads may still be made; None where the kernel does not say.

    Args:
        loadavg: The text of /proc/loadavg, whose fourth word ends in how many there are.
        limits: Numbers as texts; the least counts.
    """
    words = loadavg.split()
    known = [int(text) for text in limits if text.strip().isdigit()]
    used = words[3].rpartition("/")[2] if len(words) > 3 else ""
    if not known or not used.isdigit():
        return None
    return Level(available=max(0, min(known) - int(used)), capacity=min(known))


def _file_system(name: str, directory: Path) -> dict[str, Level]:
    try:
        found = os.statvfs(directory)
    except OSError:
        return {}
    size = found.f_frsize
    out = {
        f"{name}.available": Level(available=found.f_bavail * size, capacity=found.f_blocks * size)
    }
    if found.f_files:  # some file systems, as btrfs, have no fixed number of them
        out[f"{name}.inodesFree"] = Level(available=found.f_favail, capacity=found.f_files)
    return out
