"""Opening a store, and closing it so that everything that was taken lasts."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from staticlet.aio import clock as clocks
from staticlet.apiserver.store import (
    encoding,
    following,
    history,
    journal,
    live,
    loading,
    sqlite,
    statefile,
)

# Nothing is ever known from before this revision: a watch from "1", which some clients send for
# "from whenever", is told that the history is gone, as it is on a server that has run for a while.
FIRST = 2

# A thread that wants the interpreter waits so long before it insists. The writer wants it several
# times for a transaction, and the usual 5 ms would let a busy event loop starve it.
_INSIST_S = 0.0005

_NOTHING = loading.Loaded(
    revision=FIRST, oldest=FIRST, standing=(), changes=(), needless=(), copied=False
)


@asynccontextmanager
async def opened(
    place: Path | None,
    *,
    fields: encoding.Fields,
    keeping: history.Keeping | None = None,
    buffering: following.Buffering | None = None,
    clock: clocks.Clock | None = None,
) -> AsyncIterator[live.LiveStore]:
    """A store, open until the end of the block.

    Args:
        place: The SQLite file, or the directory where it is `state.db`; it is made when there is
            none. None for a store that is nowhere but in memory, for tests.
        fields: Says by which values an object is selected, given its resource and the object.
        keeping: How much of the past is kept.
        buffering: How far a watcher may fall behind.
        clock: What writes are dated by.

    Raises:
        BadFile: The file is not ours, is damaged, in use (`InUse`), or cannot be written; it is
            left as it was.
    """
    made = functools.partial(
        live.LiveStore,
        keeping=keeping or history.Keeping(),
        buffering=buffering or following.Buffering(),
        fields=fields,
        clock=clock or clocks.SystemClock(),
    )
    if place is None:
        async with _running(made(_NOTHING, journal.NoJournal())) as store:
            yield store
        return
    path = statefile.within(place)
    with statefile.claimed(path), _insisting():
        loaded, connection = await asyncio.to_thread(_found, path, fields)
        async with _running(made(loaded, sqlite.SqliteJournal(connection, path))) as store:
            yield store


@contextmanager
def _insisting() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_INSIST_S)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@asynccontextmanager
async def _running(store: live.LiveStore) -> AsyncIterator[live.LiveStore]:
    store.start()
    try:
        yield store
    finally:
        await store.close()


def _found(path: Path, fields: encoding.Fields) -> tuple[loading.Loaded, sqlite3.Connection]:
    statefile.prepare(path, oldest=FIRST)
    loaded = loading.load(path, fields)
    connection = statefile.writable(path)
    if loaded.copied:
        try:
            connection.execute("UPDATE past SET oldest = ?, copied = 0", (loaded.oldest,))
        except sqlite3.Error as error:
            connection.close()
            raise statefile.unusable(path, error) from error
    return loaded, connection
