"""Opening a store, and closing it so that everything that was taken lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from staticlet.aio import clock as clocks
from staticlet.apiserver.store import encoding, following, history, journal, live

# Nothing is ever known from before this revision: a watch from "1", which some clients send for
# "from whenever", is told that the history is gone, as it is on a server that has run for a while.
FIRST = 2


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
    """
    time = clock or clocks.SystemClock()
    store = live.LiveStore(
        revision=FIRST,
        past=history.History(keeping or history.Keeping(), oldest=FIRST),
        fields=fields,
        buffering=buffering or following.Buffering(),
        clock=time,
    )
    store.start(journal.NoJournal())
    try:
        yield store
    finally:
        await store.close()
