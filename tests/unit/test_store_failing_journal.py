"""What the store does when the disk does not take its writes; and never before it has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from staticlet.apiserver.store import following, history, journal, live, loading
from staticlet.apiserver.store.port import Future, Key, Put, Record, WriteFailed

FULL = WriteFailed("no room", full=True)


class Held:
    """A journal whose rows last, or fail, when the test says so."""

    def __init__(self) -> None:
        self.rows: list[journal.Row] = []
        self.forgotten: list[int] = []
        self.probes: list[journal.Outcome] = []

    def start(self, report: journal.Report) -> None:
        self._report = report

    def write(self, row: journal.Row) -> None:
        self.rows.append(row)

    def probe(self, outcome: journal.Outcome) -> None:
        self.probes.append(outcome)

    def forget(self, revisions: Sequence[int], *, oldest: int) -> None:
        self.forgotten.extend(revisions)

    async def stop(self) -> None:
        self.settle()

    def settle(self, count: int | None = None, failure: WriteFailed | None = None) -> None:
        settled = self.rows[:count]
        del self.rows[:count]
        self._report(settled, failure)


class Clock:
    """Goes a second further each time it is asked."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def store(held: Held) -> live.LiveStore:
    made = live.LiveStore(
        loading.replayed([], no_fields, oldest=2),
        held,
        keeping=history.Keeping(seconds=10, few=1),
        buffering=following.Buffering(),
        fields=no_fields,
        clock=Clock(),
    )
    made.start()
    return made


def no_fields(resource: str, value: dict[str, Any]) -> dict[str, str]:
    return {}


def key(name: str) -> Key:
    return Key("pods", "default", name)


async def put(store: live.LiveStore, name: str, n: int = 0) -> Record:
    written = await store.write(key(name), lambda _: Put({"metadata": {"name": name}, "n": n}))
    assert written is not None
    return written


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_nobody_sees_a_write_before_it_lasts(store: live.LiveStore, held: Held) -> None:
    async with asyncio.TaskGroup() as group:
        with store.subscribe("pods", since=2) as changes:
            writing = group.create_task(put(store, "a"))
            await settled()
            assert [row.revision for row in held.rows] == [3]
            assert store.revision == changes.revision == 2
            assert store.get(key("a")) is None
            assert store.list("pods").records == ()
            with pytest.raises(Future):
                store.list("pods", revision=3)
            held.settle()
            assert store.revision == 3
            assert [change.revision for change in await changes.batch()] == [3]
        assert (await writing).revision == 3


async def test_a_failed_write_tells_its_writer_and_nobody_else(
    store: live.LiveStore, held: Held
) -> None:
    async with asyncio.TaskGroup() as group:
        with store.subscribe("pods", since=2) as changes:
            failing = [group.create_task(outcome(put(store, name))) for name in "ab"]
            await settled()
            lasting = group.create_task(put(store, "c"))
            await settled()
            held.settle(2, FULL)
            held.settle()
            assert [change.record.key.name for change in await changes.batch()] == ["c"]
        assert [(await one).full for one in failing] == [True, True]
        assert (await lasting).revision == store.revision == 5
        assert store.get(key("a")) is None


async def test_who_waits_for_its_turn_is_decided_over_what_lasts(
    store: live.LiveStore, held: Held
) -> None:
    seen = []

    async def look() -> None:
        def decide(before: Record | None) -> Put:
            seen.append(before)
            return Put({"metadata": {"name": "a"}})

        await store.write(key("a"), decide)

    async with asyncio.TaskGroup() as group:
        failing = group.create_task(outcome(put(store, "a", 1)))
        group.create_task(look())
        await settled()
        assert seen == []
        held.settle(failure=FULL)
        await settled()
        assert seen == [None]
        held.settle()
        assert await failing is not None


async def test_two_who_fail_together_get_an_error_each(store: live.LiveStore, held: Held) -> None:
    async with asyncio.TaskGroup() as group:
        failing = [group.create_task(outcome(put(store, name))) for name in "ab"]
        await settled()
        held.settle(failure=FULL)
    first, second = [one.result() for one in failing]
    assert first is not second
    assert str(first) == str(second) == "no room"


async def test_a_cancelled_writer_leaves_its_write_to_last(
    store: live.LiveStore, held: Held
) -> None:
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(put(store, "a"))
        await settled()
        writing.cancel()
        await settled()
        assert writing.cancelled()
        held.settle()
    assert store.get(key("a")) is not None
    async with asyncio.TaskGroup() as group:
        again = group.create_task(put(store, "a", 2))
        await settled()
        held.settle()
    assert again.result().revision == 4


async def test_what_is_overwritten_and_old_is_given_to_the_journal_to_forget(
    store: live.LiveStore, held: Held
) -> None:
    for n in range(20):
        async with asyncio.TaskGroup() as group:
            group.create_task(put(store, "a", n))
            await settled()
            held.settle()
    assert held.forgotten
    assert held.forgotten == list(range(3, store.oldest))


async def test_a_closed_store_takes_no_writes(store: live.LiveStore) -> None:
    await store.close()
    with pytest.raises(WriteFailed, match="the store is closed"):
        await put(store, "a")


async def outcome(write: Any) -> WriteFailed:
    with pytest.raises(WriteFailed) as failed:
        await write
    return failed.value


async def test_a_check_tells_what_the_disk_did(store: live.LiveStore, held: Held) -> None:
    async with asyncio.TaskGroup() as group:
        check = group.create_task(store.check())
        await asyncio.sleep(0)
        held.probes.pop()(None)
        await check


async def test_a_check_tells_why_the_disk_takes_nothing(store: live.LiveStore, held: Held) -> None:
    async def failing() -> None:
        with pytest.raises(WriteFailed, match="no room"):
            await store.check()

    async with asyncio.TaskGroup() as group:
        group.create_task(failing())
        await asyncio.sleep(0)
        held.probes.pop()(FULL)


async def test_a_check_that_nobody_waits_for_any_more_harms_nothing(
    store: live.LiveStore, held: Held
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await store.check()
    held.probes.pop()(FULL)


async def test_a_store_that_is_closed_takes_nothing(store: live.LiveStore) -> None:
    await store.close()
    with pytest.raises(WriteFailed, match="closed"):
        await store.check()
