"""The store: decides writes in the event loop, and shows what lasts.

The way of a write: it waits for its turn at its key; it is decided over the object as it is; it
gets the next revision and goes to the journal; when the journal reports that it lasts, it enters
the shelf and the history, followers get it, and who wrote it goes on. Each step happens in the
order of revisions, so the memory is always what the disk holds up to one revision. A write that
the journal reports as failed leaves nothing behind but a revision that nobody ever saw.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from staticlet.aio import clock as clocks
from staticlet.apiserver.store import encoding, following, history, journal, loading, shelf, turns
from staticlet.apiserver.store.port import (
    Action,
    Change,
    Decide,
    Future,
    Keep,
    Key,
    Listing,
    Put,
    Record,
    Remove,
    WriteFailed,
)

_EMPTY = shelf.Shelf()


class LiveStore:
    """A `Store` over a journal.

    Args:
        loaded: What it begins with.
        to: Where writes go to last.
        keeping: How much of the past is kept.
        buffering: How far followers may fall behind.
        fields: Says by which values of an object its resource is selected.
        clock: What writes are dated by.
    """

    def __init__(
        self,
        loaded: loading.Loaded,
        to: journal.Journal,
        *,
        keeping: history.Keeping,
        buffering: following.Buffering,
        fields: encoding.Fields,
        clock: clocks.Clock,
    ) -> None:
        self._revision = loaded.revision
        self._next = loaded.revision + 1
        self._shelves: dict[str, shelf.Shelf] = {}
        for record in sorted(loaded.standing, key=lambda record: record.key.path):
            self._shelf(record.key.resource).put(record)
        self._history = history.History(keeping, oldest=loaded.oldest)
        for change, at in loaded.changes:
            self._history.add(change, at=at)
        self._needless = loaded.needless
        self._followers = following.Followers(lambda: self._revision, buffering)
        self._fields = fields
        self._clock = clock
        self._journal = to
        self._turns = turns.Turns()
        self._unsettled: deque[tuple[Change, asyncio.Future[Record]]] = deque()
        self._expecting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._expected = 0
        self._closed = False

    @property
    def revision(self) -> int:
        """The newest revision that lasts."""
        return self._revision

    @property
    def oldest(self) -> int:
        """The oldest revision from which changes are still known."""
        return self._history.oldest

    def get(self, key: Key) -> Record | None:
        """The object as it is."""
        return self._shelves.get(key.resource, _EMPTY).get(key)

    def list(self, resource: str, namespace: str = "", *, revision: int | None = None) -> Listing:
        """All objects of a resource, now or at a revision; see `Store.list`."""
        records = self._shelves.get(resource, _EMPTY).listed(namespace)
        if revision is None or revision == self._revision:
            return Listing(revision=self._revision, records=records)
        self._check_not_future(revision)
        earlier = self._history.undone(resource, records, revision=revision)
        if earlier is not None:
            records = shelf.ordered(
                record for record in earlier if namespace in ("", record.key.namespace)
            )
        return Listing(revision=revision, records=records)

    async def reach(self, revision: int, *, within_s: float) -> None:
        """Return when the store is at this revision or beyond; see `Store.reach`."""
        if revision <= self._revision:
            return
        there: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._expected += 1
        expectation = (revision, self._expected, there)
        heapq.heappush(self._expecting, expectation)
        try:
            async with asyncio.timeout(within_s):
                await there
        except TimeoutError:
            raise Future(revision, self._revision) from None
        finally:
            if expectation in self._expecting:
                self._expecting.remove(expectation)
                heapq.heapify(self._expecting)

    async def write(self, key: Key, decide: Decide) -> Record | None:
        """Write what `decide` says, and return when it lasts; see `Store.write`."""
        await self._turns.take(key)
        settled = None
        try:
            settled = self._begun(key, decide)
        finally:
            if settled is None:
                self._turns.give_back(key)
        if settled is None:
            return self.get(key)
        # Who stops waiting stops nothing: the write goes on, and keeps its turn until it lasts.
        return await settled

    async def check(self) -> None:
        """Return when a write would last; see `Store.check`."""
        if self._closed:
            raise WriteFailed("the store is closed")
        told: asyncio.Future[WriteFailed | None] = asyncio.get_running_loop().create_future()

        def outcome(failure: WriteFailed | None) -> None:
            if not told.done():
                told.set_result(failure)

        self._journal.probe(outcome)
        failure = await told
        if failure is not None:
            raise WriteFailed(str(failure), full=failure.full)

    def subscribe(
        self, resource: str, namespace: str = "", *, since: int
    ) -> AbstractContextManager[following.Following]:
        """Follow a resource from after a revision on; see `Store.subscribe`."""
        self._check_not_future(since)
        self._history.check(since)
        return self._followed(resource, namespace, since)

    def start(self) -> None:
        """Take writes from now on."""
        self._journal.start(self._settle)
        if self._needless:
            self._journal.forget(self._needless, oldest=self._history.oldest)
            self._needless = ()
        self._trim()

    async def close(self) -> None:
        """Take no more writes, settle those that were taken, and end all followers."""
        self._closed = True
        await self._journal.stop()
        self._followers.close()

    @contextmanager
    def _followed(
        self, resource: str, namespace: str, since: int
    ) -> Iterator[following.Following]:
        missed = self._history.since(resource, since)
        if namespace:
            missed = [change for change in missed if change.record.key.namespace == namespace]
        with self._followers.joined(resource, namespace, missed) as made:
            yield made

    def _begun(self, key: Key, decide: Decide) -> asyncio.Future[Record] | None:
        before = self.get(key)
        decision = decide(before)
        change = self._change(key, before, decision)
        if change is None:
            return None
        if self._closed:
            raise WriteFailed("the store is closed")
        self._next += 1
        settled: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        self._unsettled.append((change, settled))
        self._journal.write(
            journal.Row(
                revision=change.revision,
                key=key,
                removed=change.action is Action.DELETED,
                at=int(self._clock.now().timestamp() * 1000),
                encoded=change.record.encoded,
            )
        )
        return settled

    def _change(
        self, key: Key, before: Record | None, decision: Put | Remove | Keep
    ) -> Change | None:
        match decision:
            case Put(value) if before is None or not encoding.same(value, before):
                action = Action.ADDED if before is None else Action.MODIFIED
            case Remove(value) if before is not None:
                action = Action.DELETED
            case _:
                return None
        record = encoding.record(
            key, value, revision=self._next, fields=self._fields, before=before
        )
        return Change(action=action, record=record, previous=before)

    def _settle(self, rows: Sequence[journal.Row], failure: WriteFailed | None) -> None:
        settled = [self._unsettled.popleft() for _ in rows]
        if failure is None:
            for row, (change, _) in zip(rows, settled, strict=True):
                self._apply(change, at=row.at / 1000)
            self._tell_expecting()
        for change, waiter in settled:
            self._turns.give_back(change.record.key)
            if waiter.done():
                continue
            if failure is None:
                waiter.set_result(change.record)
            else:
                waiter.set_exception(WriteFailed(str(failure), full=failure.full))
        if failure is None:
            # After those who wrote: who is woken first goes on first, and a hundred followers
            # would keep the writer from its answer.
            for change, _ in settled:
                self._followers.publish(change)
            self._trim()

    def _apply(self, change: Change, *, at: float) -> None:
        key = change.record.key
        if change.action is Action.DELETED:
            self._shelf(key.resource).remove(key)
        else:
            self._shelf(key.resource).put(change.record)
        self._history.add(change, at=at)
        self._revision = change.revision

    def _trim(self) -> None:
        needless = self._history.trim(now=self._clock.now().timestamp())
        if needless:
            self._journal.forget(needless, oldest=self._history.oldest)

    def _tell_expecting(self) -> None:
        while self._expecting and self._expecting[0][0] <= self._revision:
            _, _, there = heapq.heappop(self._expecting)
            if not there.done():
                there.set_result(None)

    def _shelf(self, resource: str) -> shelf.Shelf:
        found = self._shelves.get(resource)
        if found is None:
            found = self._shelves[resource] = shelf.Shelf()
        return found

    def _check_not_future(self, revision: int) -> None:
        if revision > self._revision:
            raise Future(revision, self._revision)
