"""Knowing the moment a process ends: pidfds in the event loop, no thread and no polling.

A pidfd becomes readable when its process exits, whoever its parent is. It works on every kernel
since 5.3; where it does not, nothing is watched, and the slow re-list finds exits instead.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Watch:
    callback: Callable[[], None]
    fd: int
    loop: asyncio.AbstractEventLoop


class ExitWatch:
    """Calls back once for each watched process that ends.

    It belongs to one event loop, which must be running when a process is added.
    """

    def __init__(self) -> None:
        self._watches: dict[int, _Watch] = {}
        self._gone: dict[int, asyncio.Handle] = {}

    def __len__(self) -> int:
        """How many processes are watched."""
        return len(self._watches)

    def add(self, pid: int, callback: Callable[[], None]) -> None:
        """Call back when the process ends; at the next turn of the loop when it is gone already.

        A process that is watched has its callback replaced.
        """
        self.remove(pid)
        loop = asyncio.get_running_loop()
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._gone[pid] = loop.call_soon(self._ended_before, pid, callback)
            return
        except OSError as fault:
            log.warning("cannot watch process %d: %s; its exit is found by re-listing", pid, fault)
            return
        self._watches[pid] = _Watch(callback, fd, loop)
        loop.add_reader(fd, self._ended, pid)

    def remove(self, pid: int) -> None:
        """Watch a process no longer: its callback will not be called."""
        handle = self._gone.pop(pid, None)
        if handle:
            handle.cancel()
        self._drop(pid)

    def close(self) -> None:
        """Watch nothing any longer."""
        for pid in (*self._watches, *self._gone):
            self.remove(pid)

    def _ended(self, pid: int) -> None:
        watch = self._drop(pid)
        if watch:
            watch.callback()

    def _ended_before(self, pid: int, callback: Callable[[], None]) -> None:
        self._gone.pop(pid, None)
        callback()

    def _drop(self, pid: int) -> _Watch | None:
        watch = self._watches.pop(pid, None)
        if watch:
            watch.loop.remove_reader(watch.fd)
            os.close(watch.fd)
        return watch
