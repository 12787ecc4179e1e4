"""The journal on disk: a table of revisions, written by a thread of its own.

Whatever came while the disk was busy is the next transaction, so many clients share one fsync and
a single one waits for nothing but its own. A transaction is one INSERT wherever it can be: between
statements the thread would have to wait for the interpreter, which the event loop is using.

Rows that nobody needs any more are deleted, and the log is merged into the file, when nothing
else is to be done.
"""

from __future__ import annotations

import asyncio
import functools
import queue
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from staticlet.apiserver.store import statefile
from staticlet.apiserver.store.journal import Outcome, Report, Row
from staticlet.apiserver.store.port import Key, WriteFailed

_TOGETHER = 64  # rows of one INSERT
_AT_ONCE = 512  # rows of one transaction
_COLUMNS = 8
_PATIENCE_S = 0.1  # without a write for so long, there is time to tidy up
_NEEDLESS = 256  # not before so many rows are needless
_URGENT = 4096  # and time or not, when there are so many
_ROOM = 64 * 1024  # bytes of room that the smallest write may need, with its log
_UNMERGED = 256  # so many transactions are worth merging into the file


@dataclass(frozen=True, slots=True)
class Forget:
    """Rows that may go, and what is then the oldest revision."""

    revisions: Sequence[int]
    oldest: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Somebody wants to know whether the disk takes writes; told in the writing thread."""

    outcome: Outcome


class SqliteJournal:
    """See `Journal`.

    Args:
        connection: To the file; this journal's alone, which closes it when it stops.
        path: The file, open for writing.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._files = statefile.InPlace(path)
        self._queue: queue.SimpleQueue[Row | Forget | Probe | None] = queue.SimpleQueue()
        self._probes: list[Probe] = []
        self._needless: list[int] = []
        self._oldest = 0
        self._unmerged = 0
        self._lacking = 0
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self, report: Report) -> None:
        """See `Journal`."""
        loop = asyncio.get_running_loop()

        def tell(rows: Sequence[Row], failure: WriteFailed | None) -> None:
            loop.call_soon_threadsafe(report, rows, failure)

        self._thread = threading.Thread(target=self._run, args=(tell,), name="store-writer")
        self._thread.start()

    def write(self, row: Row) -> None:
        """See `Journal`."""
        self._queue.put(row)

    def probe(self, outcome: Outcome) -> None:
        """See `Journal`."""
        loop = asyncio.get_running_loop()

        def tell(failure: WriteFailed | None) -> None:
            loop.call_soon_threadsafe(outcome, failure)

        self._queue.put(Probe(tell))

    def forget(self, revisions: Sequence[int], *, oldest: int) -> None:
        """See `Journal`."""
        self._queue.put(Forget(revisions, oldest))

    async def stop(self) -> None:
        """See `Journal`; also closes the file."""
        self._queue.put(None)
        try:
            if self._thread is not None:
                await asyncio.to_thread(self._thread.join)
        finally:
            # Where even this was cancelled: what was handed over is written all the same.
            if self._thread is not None:
                self._thread.join()
            self._connection.close()

    def _run(self, tell: Report) -> None:
        while not self._stopping:
            rows = self._next()
            if rows or self._probes:
                self._attempt(rows, tell)
            if len(self._needless) >= (_URGENT if rows else _NEEDLESS):
                self._clean()
            elif not rows and self._unmerged >= _UNMERGED:
                self._merge()

    def _attempt(self, rows: Sequence[Row], tell: Report) -> None:
        """Write, and tell those who wait for it, or for nothing but whether it can be done."""
        failure = self._failure(rows)
        if rows:
            tell(rows, failure)
            self._lacking = _needed(rows) if failure is not None and failure.full else 0
        else:
            failure = failure or self._still_full()
        while self._probes:
            self._probes.pop().outcome(failure)

    def _next(self) -> Sequence[Row]:
        """What waits, at least something; nothing when there is time to tidy up."""
        rows: list[Row] = []
        untidy = len(self._needless) >= _NEEDLESS or self._unmerged >= _UNMERGED
        try:
            item = self._queue.get(timeout=_PATIENCE_S if untidy else None)
            while True:
                self._sort(item, rows)
                if len(rows) >= _AT_ONCE or self._stopping:
                    break
                item = self._queue.get_nowait()
        except queue.Empty:
            pass  # that is all
        return rows

    def _sort(self, item: Row | Forget | Probe | None, rows: list[Row]) -> None:
        match item:
            case None:
                self._stopping = True
            case Probe():
                self._probes.append(item)
            case Forget(revisions, oldest):
                self._needless.extend(revisions)
                self._oldest = oldest
            case _:
                rows.append(item)

    def _failure(self, rows: Sequence[Row]) -> WriteFailed | None:
        """Make the rows last, or where there are none a change that is none; why that failed."""
        strayed = self._files.strayed()
        if strayed is not None:
            return WriteFailed(
                f"{strayed} was removed or replaced while it was in use: put it back; until then "
                "nothing is written, and what is read was saved before"
            )
        try:
            if not rows:
                self._connection.execute("UPDATE past SET oldest = oldest")
            elif len(rows) <= _TOGETHER:
                self._insert(rows)
            else:
                self._insert_many(rows)
        except (sqlite3.Error, ValueError, OverflowError, MemoryError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            return WriteFailed(
                f"cannot write to {self._path}: {error}", full=code == sqlite3.SQLITE_FULL
            )
        self._unmerged += 1
        return None

    def _still_full(self) -> WriteFailed | None:
        """Why a write as the last one would fail, for which there was no room.

        What a probe writes needs less, and finds a place where nothing else does.
        """
        if not self._lacking or statefile.room(self._path) >= self._lacking:
            return None
        return WriteFailed(f"cannot write to {self._path}: the disk is full", full=True)

    def _insert(self, rows: Sequence[Row]) -> None:
        values = [
            value
            for row in rows
            for value in (
                row.revision,
                *row.key,
                row.removed,
                row.at,
                checksum(row),
                row.encoded,
            )
        ]
        self._connection.execute(_insertion(len(rows)), values)

    def _insert_many(self, rows: Sequence[Row]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:  # commits, or takes all back
            for begin in range(0, len(rows), _TOGETHER):
                self._insert(rows[begin : begin + _TOGETHER])

    def _clean(self) -> None:
        some = self._needless[:_NEEDLESS]
        marks = ",".join("?" * len(some))
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                self._connection.execute(
                    f"DELETE FROM revisions WHERE revision IN ({marks})",  # noqa: S608  only marks
                    some,
                )
                self._connection.execute("UPDATE past SET oldest = ?", (self._oldest,))
        except sqlite3.Error:
            return  # no harm: they are as needless the next time
        del self._needless[:_NEEDLESS]
        self._unmerged += 1

    def _merge(self) -> None:
        # SQLite does so by itself in the middle of a commit when the log has grown long, which
        # that commit has to wait for.
        self._unmerged = 0
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error:
            return  # no harm: the log only grows


def read(connection: sqlite3.Connection) -> Iterator[Row]:
    """All rows, in the order of their revisions.

    Raises:
        ValueError: A row is not as it was written.
        sqlite3.Error: The file cannot be read.
    """
    for revision, resource, namespace, name, removed, at, found, encoded in connection.execute(
        "SELECT revision, resource, namespace, name, removed, at, checksum, object"
        " FROM revisions ORDER BY revision"
    ):
        row = Row(
            revision=revision,
            key=Key(resource, namespace, name),
            removed=bool(removed),
            at=at,
            encoded=encoded,
        )
        if found != checksum(row):
            raise ValueError(f"revision {revision} is not as it was written")
        yield row


def _needed(rows: Sequence[Row]) -> int:
    """How many bytes of room rows need at most: in the log, and then in the file."""
    return _ROOM + 2 * sum(len(row.encoded) for row in rows)


def checksum(row: Row) -> int:
    """What is kept with a row to see whether it is as it was written."""
    about = f"{row.revision}/{'/'.join(row.key)}/{row.removed:d}/{row.at}"
    return zlib.crc32(row.encoded, zlib.crc32(about.encode()))


@functools.cache
def _insertion(rows: int) -> str:
    one = f"({','.join('?' * _COLUMNS)})"
    return f"INSERT INTO revisions VALUES {','.join([one] * rows)}"  # noqa: S608  only marks
