"""What a process and its descendants have used: CPU time and memory, from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_USER, _CHILDREN_SYSTEM = 11, 14
"""The first and last of the four times in /proc/PID/stat, counted after the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Megabytes (2^20) that are resident, and what is the process's share of them."""

    rss_mb: float
    pss_mb: float


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its descendants, ended children included."""
    return sum(_ticks(one) for one in _family(pid)) / os.sysconf("SC_CLK_TCK")


def thread_seconds(pid: int) -> float:
    """CPU time of a process's threads that live, to the nanosecond; children do not count."""
    tasks = (_PROC / str(pid) / "task").glob("*/schedstat")
    return sum(int(one.read_text().split()[0]) for one in tasks) / 1e9


def memory(pid: int) -> Memory:
    """The memory of a process alone."""
    lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return Memory(rss_mb=kilobytes["Rss"] / 1024, pss_mb=kilobytes["Pss"] / 1024)


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = (_PROC / f"{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _ticks(pid: int) -> int:
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[_USER : _CHILDREN_SYSTEM + 1]))
