"""What processes hold open: listening sockets, and root's share of inotify."""

from __future__ import annotations

import os
from dataclasses import dataclass

from staticlet.app.doctor import facts
from staticlet.host import kernel, listeners, processes

_INOTIFY = "anon_inode:inotify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What one look at every process's descriptors tells."""

    inotify: facts.Inotify
    listeners: tuple[facts.Holder, ...]


def look() -> Open:
    """Who listens, and how many inotify instances root has."""
    waiting = listeners.listening()
    wanted = {f"socket:[{each.inode}]" for each in waiting}
    holders: dict[str, int] = {}
    used = 0
    for each in processes.descriptors():
        used += each.target == _INOTIFY and each.uid == 0
        if each.target in wanted:
            holders.setdefault(each.target, each.pid)
    limits = kernel.inotify()
    return Open(
        inotify=facts.Inotify(
            watches=limits.watches,
            instances=limits.instances,
            used=used if os.geteuid() == 0 else None,
        ),
        listeners=tuple(_holder(one, holders.get(f"socket:[{one.inode}]", 0)) for one in waiting),
    )


def _holder(listener: listeners.Listener, pid: int) -> facts.Holder:
    found = processes.one(pid) if pid else None
    return facts.Holder(
        listener=listener,
        pid=pid,
        program=found.program if found else "",
        of_pod=bool(pid) and "kubepods" in processes.cgroups(pid),
    )
