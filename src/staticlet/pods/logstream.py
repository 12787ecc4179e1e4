"""Sending a container's log as it is written: over rotations, restarts, to the container's end.

The file is read, not the runtime asked. inotify tells of what is written and of a new file under
the same name; the agent's own news tell of the container's end. When a file was rotated, its
successor is read as soon as something stands in it: until then the runtime still writes to the
old one.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from staticlet.aio import fanout, latest
from staticlet.host import watchdir
from staticlet.pods import logs, wanted

PIECE_BYTES = 256 * 1024
LOOK_S = 1.0
"""How often to look where inotify is exhausted."""

Send = Callable[[bytes], Awaitable[None]]
Lookup = Callable[[], logs.LogFile]


class OpenLog:
    """A log file being read, under whatever name it has by now.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd, self._offset = _open(path), 0
        self._successor: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._fd)
        if self._successor is not None:
            os.close(self._successor)

    def seek(self, options: logs.Options) -> None:
        """Go to where the wanted part begins."""
        size = os.fstat(self._fd).st_size
        self._offset = logs.begin(
            lambda offset, count: os.pread(self._fd, count, offset), size, options
        )

    def read(self) -> bytes:
        """The next piece; nothing at the end. A file that was cut is read from its start."""
        if os.fstat(self._fd).st_size < self._offset:
            self._offset = 0
        piece = os.pread(self._fd, PIECE_BYTES, self._offset)
        if not piece and self._successor is not None:
            os.close(self._fd)
            self._fd, self._successor, self._offset = self._successor, None, 0
            piece = os.pread(self._fd, PIECE_BYTES, 0)
        self._offset += len(piece)
        return piece

    def find_successor(self, *, at_end: bool) -> bool:
        """Whether another file has the name now: it is read once this one is read to its end.

        Args:
            at_end: Whether nobody writes any more: else a successor in which nothing stands yet
                is waited with, since the runtime may still write to the old file.
        """
        try:
            now, here = os.stat(self.path), os.fstat(self._fd)  # noqa: PTH116  both as stat
            if (now.st_dev, now.st_ino) == (here.st_dev, here.st_ino):
                return False
            if now.st_size or at_end:
                self._successor = _open(self.path)
        except OSError:
            return False  # between two names: the next look will tell
        return self._successor is not None


def _open(path: Path) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise FileNotFoundError(f"{path} is no regular file")
    return fd


async def send(log: OpenLog, options: logs.Options, out: Send) -> None:
    """Send what stands in a log now.

    Raises:
        OSError: The reader has gone.
    """
    text = logs.Text(options)
    await asyncio.to_thread(log.seek, options)
    await _copy(log, text, out)
    await _put(text.end(), out)


class Follower:
    """Follows one container of one pod.

    Args:
        first: The log to begin with.
        options: What of it is wanted.
        lookup: Finds the log of the container's present life; raises `logs.NotAvailable`.
        changes: Tells which pods have changed.
        key: The pod.
    """

    def __init__(
        self,
        first: logs.LogFile,
        options: logs.Options,
        lookup: Lookup,
        changes: fanout.Fanout[wanted.PodKey],
        key: wanted.PodKey,
    ) -> None:
        self._first = first
        self._options = options
        self._lookup = lookup
        self._changes = changes
        self._key = key
        self._text = logs.Text(options)
        self._news = latest.Latest(None)
        self._ending = False
        self._look_s: float | None = None

    async def run(self, log: OpenLog, out: Send) -> None:
        """Send until the container has ended for good, or the agent ends.

        Args:
            log: The log of the first life, open.
            out: Sends a piece of text.

        Raises:
            OSError: The log of a later life cannot be opened, or the reader has gone.
        """
        with (
            watchdir.WatchDir(self._first.path.parent) as watch,
            self._changes.subscribed() as news,
        ):
            self._look_s = LOOK_S if watch.fault else None
            try:
                async with asyncio.TaskGroup() as group:
                    pumps = (
                        group.create_task(self._hear_of_files(watch), name="log files"),
                        group.create_task(self._hear_of_pods(news), name="log pods"),
                    )
                    await self._follow(log, out)
                    for pump in pumps:
                        pump.cancel()
            except BaseExceptionGroup as group_of_faults:
                fault = group_of_faults.subgroup(OSError)
                if fault is None:
                    raise
                raise fault.exceptions[0] from None

    async def _follow(self, log: OpenLog, out: Send) -> None:
        await asyncio.to_thread(log.seek, self._options)
        await self._follow_life(self._first, log, out)
        life = await self._next_life(self._first)
        while life is not None:
            with OpenLog(life.path) as log_of_life:
                await self._follow_life(life, log_of_life, out)
            life = await self._next_life(life)

    async def _follow_life(self, life: logs.LogFile, log: OpenLog, out: Send) -> None:
        """Send what a life writes, until it is over and all of it is sent."""
        while True:
            now = self._present()
            over = now is None or now.container_id != life.container_id or not now.running
            await _copy(log, self._text, out)
            if await asyncio.to_thread(log.find_successor, at_end=over):
                await _copy(log, self._text, out)
            if over or self._text.done or self._ending:
                await _put(self._text.end(), out)
                return
            await self._wait()

    async def _next_life(self, life: logs.LogFile) -> logs.LogFile | None:
        """The container's next life, once it has begun; None when there will be none."""
        while self._options.restarts and not (self._text.done or self._ending):
            now = self._present()
            if now is None or now.uid != life.uid:
                return None
            if now.container_id != life.container_id:
                return now
            if not now.again:
                return None
            await self._wait()
        return None

    def _present(self) -> logs.LogFile | None:
        try:
            return self._lookup()
        except logs.NotAvailable:
            return None

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._look_s):
                await self._news.changed()
        except TimeoutError:
            pass  # inotify is exhausted: look

    async def _hear_of_files(self, watch: watchdir.WatchDir) -> None:
        while True:
            await watch.changed()
            if watch.take():
                self._news.touch()

    async def _hear_of_pods(self, news: fanout.Subscription[wanted.PodKey]) -> None:
        while keys := await news.next():
            if self._key in keys:
                self._news.touch()
        self._ending = True
        self._news.touch()


async def _copy(log: OpenLog, text: logs.Text, out: Send) -> None:
    """Send from where the log stands to its end."""
    while not text.done and (piece := await asyncio.to_thread(log.read)):
        await _put(await asyncio.to_thread(text.feed, piece), out)


async def _put(shown: bytes, out: Send) -> None:
    if shown:
        await out(shown)
