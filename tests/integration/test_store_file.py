"""The store's file: whose it is, what it survives, and its copies."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from staticlet.apiserver.store import (
    backup,
    following,
    history,
    live,
    loading,
    opening,
    sqlite,
    statefile,
)
from staticlet.apiserver.store.port import (
    Gone,
    Key,
    Put,
    Record,
    Remove,
    WriteFailed,
)

FEW = history.Keeping(revisions=10, few=10)


class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def no_fields(resource: str, value: dict[str, Any]) -> dict[str, str]:
    return {"n": str(value.get("n", ""))}


def opened(place: Path | None, **more: Any) -> Any:
    return opening.opened(place, fields=no_fields, **more)


def key(name: str) -> Key:
    return Key("pods", "default", name)


async def put(store: live.LiveStore, name: str, **value: object) -> Record:
    written = await store.write(
        key(name), lambda _: Put({"metadata": {"name": name, "labels": {"l": name}}, **value})
    )
    assert written is not None
    return written


async def remove(store: live.LiveStore, name: str) -> Record | None:
    return await store.write(
        key(name), lambda before: Remove(before.object() if before is not None else {})
    )


async def filled(place: Path) -> None:
    async with opened(place) as store:
        for n in range(30):
            await put(store, f"p{n}", text="x" * 500)


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def modes(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


def rows(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT revision FROM revisions ORDER BY revision")
        return [revision for (revision,) in found]


async def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        start = store.revision
        await put(store, "a", n=1)
        await put(store, "b")
        await put(store, "a", n=2)
        await remove(store, "b")
        revision = store.revision
        listed = store.list("pods")
        then = store.list("pods", revision=start + 2)
        with store.subscribe("pods", since=start) as changes:
            happened = await changes.batch()
    async with opened(tmp_path) as store:
        assert store.revision == revision
        assert store.list("pods") == listed
        assert store.list("pods", revision=start + 2) == then
        with store.subscribe("pods", since=start) as changes:
            assert list(await changes.batch()) == list(happened)
            new = await put(store, "c")
            assert (await changes.batch())[0].record == new
        assert new.revision == revision + 1


async def test_a_follower_goes_on_in_the_middle_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        seen = (await put(store, "a")).revision
        missed = await put(store, "b")
    async with opened(tmp_path) as store:
        with store.subscribe("pods", since=seen) as changes:
            assert [change.record for change in await changes.batch()] == [missed]


async def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await put(store, "a")
        await backup.take(tmp_path, tmp_path / "copy")
        found = modes(tmp_path)
    assert found.keys() >= {"state.db", "state.db-wal", "copy"}
    assert set(found.values()) == {0o600}


async def test_the_log_does_not_grow_with_the_first_writes(tmp_path: Path) -> None:
    for _ in range(2):
        async with opened(tmp_path) as store:
            laid_out = (tmp_path / "state.db-wal").stat().st_size
            for n in range(50):
                await put(store, f"p{n}", text="x" * 3000, again=store.revision)
            assert (tmp_path / "state.db-wal").stat().st_size == laid_out > 50 * 3000


async def test_the_past_has_the_same_bounds_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path, keeping=FEW) as store:
        for n in range(400):
            await put(store, "a", n=n)
        await remove(store, "a")
        await put(store, "b")
        oldest = store.oldest
    async with opened(tmp_path, keeping=FEW) as store:
        assert store.oldest == oldest == store.revision - 10
        assert [record.key.name for record in store.list("pods").records] == ["b"]
        with pytest.raises(Gone), store.subscribe("pods", since=oldest - 1):
            pass


async def test_needless_rows_are_deleted_when_there_is_time(tmp_path: Path) -> None:
    async with opened(tmp_path, keeping=FEW) as store:
        await asyncio.gather(*(put(store, f"p{n}") for n in range(300)))
        await asyncio.gather(*(remove(store, f"p{n}") for n in range(300)))
        await put(store, "last")
        async with asyncio.timeout(20):
            while len(left := rows(tmp_path / "state.db")) > 400:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert left[-1] == store.revision
    async with opened(tmp_path, keeping=FEW) as store:
        assert [record.key.name for record in store.list("pods").records] == ["last"]


async def test_the_revision_never_goes_back_even_when_nothing_is_left(tmp_path: Path) -> None:
    none = history.Keeping(revisions=0, few=0)
    async with opened(tmp_path, keeping=none) as store:
        for n in range(sqlite._NEEDLESS):
            await put(store, "a", n=n)
        last = await remove(store, "a")
        assert last is not None
        async with asyncio.timeout(20):
            while len(rows(tmp_path / "state.db")) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    async with opened(tmp_path, keeping=none) as store:
        assert store.revision == last.revision


async def test_a_second_user_of_the_file_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        with pytest.raises(statefile.InUse, match="another process uses it; stop that one"):
            async with opened(tmp_path):
                pass
        await put(store, "a")
    async with opened(tmp_path):
        pass


@pytest.mark.parametrize("name", ["state.db", "state.db-wal", "state.db.lock"])
@pytest.mark.parametrize("replaced", [False, True])
async def test_nothing_is_acknowledged_that_goes_to_a_file_without_a_name(
    tmp_path: Path, name: str, *, replaced: bool
) -> None:
    file, aside = tmp_path / name, tmp_path / "aside"
    async with opened(tmp_path) as store:
        first = await put(store, "a")
        file.rename(aside)
        if replaced:
            shutil.copy(aside, file)
        with pytest.raises(WriteFailed, match=f"{name} was removed or replaced while it was in"):
            await put(store, "b")
        with pytest.raises(WriteFailed, match=name):
            await store.check()
        assert store.list("pods").records == (first,)
        aside.replace(file)
        await store.check()
        again = await put(store, "b")
    async with opened(tmp_path) as store:
        assert store.list("pods").records == (first, again)


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.write_bytes(b"my thesis\n" * 100)
    with pytest.raises(statefile.BadFile, match="not a SQLite file; move it away"):
        async with opened(tmp_path):
            pass
    assert content(tmp_path) == {"state.db": b"my thesis\n" * 100, "state.db.lock": b""}


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ("CREATE TABLE a (b)", "another program"),
        ("PRAGMA application_id = 7; CREATE TABLE a (b)", "another program"),
        (
            f"PRAGMA application_id = {statefile.APPLICATION}; PRAGMA user_version = 99;",
            "a newer version",
        ),
    ],
)
async def test_the_database_of_another_is_left_alone(
    tmp_path: Path, about: str, words: str
) -> None:
    file = tmp_path / "state.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(about)
    before = file.read_bytes()
    with pytest.raises(statefile.BadFile, match=words):
        async with opened(tmp_path):
            pass
    assert content(tmp_path) == {"state.db": before, "state.db.lock": b""}


async def test_a_place_that_cannot_be_written_is_a_bad_file(tmp_path: Path) -> None:
    with pytest.raises(statefile.BadFile, match="No such file or directory"):
        async with opened(tmp_path / "absent" / "state.db"):
            pass


async def test_a_directory_in_its_place_is_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(statefile.BadFile, match="Is a directory"):
        async with opened(tmp_path):
            pass


async def test_an_empty_file_is_begun(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    async with opened(tmp_path) as store:
        await put(store, "a")


async def test_damage_anywhere_is_told_or_harmless(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    await filled(whole)
    good = (whole / "state.db").read_bytes()
    async with opened(whole) as store:
        expected = store.list("pods").records
    told = 0
    for position in range(100, len(good), len(good) // 60):
        bad = good[:position] + bytes([good[position] ^ 0x5A]) + good[position + 1 :]
        place = tmp_path / str(position)
        place.mkdir()
        (place / "state.db").write_bytes(bad)
        try:
            async with opened(place) as store:
                assert store.list("pods").records == expected
        except statefile.BadFile:
            assert (place / "state.db").read_bytes() == bad
            told += 1
    assert told > 20


async def test_a_file_that_was_cut_off_is_told(tmp_path: Path) -> None:
    await filled(tmp_path)
    file = tmp_path / "state.db"
    os.truncate(file, file.stat().st_size // 2)
    before = file.read_bytes()
    with pytest.raises(statefile.BadFile, match="put a backup in its place"):
        async with opened(tmp_path):
            pass
    assert file.read_bytes() == before


async def test_a_file_that_cannot_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(tmp_path)

    def refused(path: Path, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(f"{tmp_path.as_uri()}/absent?mode={mode}", uri=True)

    monkeypatch.setattr(statefile, "connected", refused)
    with pytest.raises(statefile.BadFile, match="unable to open") as bad:
        async with opened(tmp_path):
            pass
    assert "damaged" not in str(bad.value)


async def test_a_backup_holds_what_was_acknowledged(tmp_path: Path) -> None:
    restored = tmp_path / "restored"
    restored.mkdir()
    async with opened(tmp_path) as store:
        await put(store, "a")
        first = await put(store, "b")

        async def keep_writing() -> None:
            for n in range(100):
                await put(store, "c", n=n)

        async with asyncio.TaskGroup() as group:
            group.create_task(keep_writing())
            await backup.take(tmp_path, restored / "state.db")
        newest = store.revision
    async with opened(restored) as copied:
        assert copied.get(key("b")) == first
        assert copied.revision > newest
        again = copied.revision
        with pytest.raises(Gone), copied.subscribe("pods", since=first.revision):
            pass
        new = await put(copied, "d")
    async with opened(restored) as copied:
        assert copied.revision == new.revision == again + 1
        with copied.subscribe("pods", since=again) as changes:
            assert [change.record for change in await changes.batch()] == [new]


async def test_a_backup_replaces_an_older_one_but_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "copy"
    other = tmp_path / "letter"
    other.write_text("dear")
    async with opened(tmp_path) as store:
        await put(store, "a")
        await backup.take(tmp_path, target)
        await put(store, "b")
        await backup.take(tmp_path / "state.db", target)
        for taken in (other, tmp_path / "state.db", tmp_path):
            with pytest.raises(backup.BackupFailed, match="something else than a backup"):
                await backup.take(tmp_path, taken)
        with pytest.raises(backup.BackupFailed, match="No such file"):
            await backup.take(tmp_path, tmp_path / "absent" / "copy")
    assert other.read_text() == "dear"
    assert len(rows(target)) == 2
    assert not [name for name in modes(tmp_path) if name.endswith(".part")]


async def test_only_a_store_is_backed_up(tmp_path: Path) -> None:
    with pytest.raises(backup.BackupFailed, match="no such file"):
        await backup.take(tmp_path / "absent", tmp_path / "copy")
    (tmp_path / "text").write_text("text" * 100)
    with pytest.raises(backup.BackupFailed, match="cannot back up"):
        await backup.take(tmp_path / "text", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_a_log_left_by_another_file_does_not_spoil_a_restored_one(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    async with opened(tmp_path) as store:
        await put(store, "a")
        await backup.take(tmp_path, copy)
        for n in range(50):
            await put(store, f"late{n}")
        # As after kill -9: the log is still there when the backup is put in place.
        log = (tmp_path / "state.db-wal").read_bytes()
    assert log
    shutil.copy(copy, tmp_path / "state.db")
    (tmp_path / "state.db-wal").write_bytes(log)
    async with opened(tmp_path) as store:
        assert [record.key.name for record in store.list("pods").records] == ["a"]
    assert (tmp_path / "state.db-wal.old").read_bytes() == log


@asynccontextmanager
async def cramped(path: Path, pages: int) -> AsyncIterator[tuple[live.LiveStore, Any]]:
    """A store whose file may not grow beyond so many pages."""
    statefile.prepare(path, oldest=2)
    connection = statefile.writable(path)
    connection.execute(f"PRAGMA max_page_count = {pages}")
    store = live.LiveStore(
        loading.load(path, no_fields),
        sqlite.SqliteJournal(connection, path),
        keeping=history.Keeping(),
        buffering=following.Buffering(),
        fields=no_fields,
        clock=Noon(),
    )
    store.start()
    try:
        yield store, connection
    finally:
        await store.close()


async def test_a_write_without_room_fails_and_leaves_nothing(tmp_path: Path) -> None:
    async with cramped(tmp_path / "state.db", 20) as (store, connection):
        first = await put(store, "a")
        with store.subscribe("pods", since=first.revision) as changes:
            outcomes = await asyncio.gather(
                put(store, "big", text="x" * 200_000),
                put(store, "big", text="y" * 200_000),
                return_exceptions=True,
            )
            for outcome in outcomes:
                assert isinstance(outcome, WriteFailed)
                assert outcome.full
                assert "is full" in str(outcome)
            assert store.revision == first.revision
            assert store.get(key("big")) is None
            assert store.list("pods").records == (first,)
            small = await put(store, "b")
            assert small.revision > first.revision
            assert [change.record for change in await changes.batch()] == [small]
        connection.execute("PRAGMA max_page_count = 10000")
        big = await put(store, "big", text="x" * 200_000)
        newest = store.revision
    async with opened(tmp_path) as store:
        assert store.revision == newest
        assert store.list("pods").records == (first, small, big)


async def test_a_large_crowd_of_writes_fails_together_or_lasts_together(tmp_path: Path) -> None:
    async with cramped(tmp_path / "state.db", 60) as (store, _):
        outcomes = await asyncio.gather(
            *(put(store, f"p{n}", text="x" * 1000) for n in range(600)), return_exceptions=True
        )
        done = [outcome for outcome in outcomes if isinstance(outcome, Record)]
        assert any(isinstance(outcome, WriteFailed) for outcome in outcomes)
        assert sorted(record.revision for record in done) == sorted(
            record.revision for record in store.list("pods").records
        )
    async with opened(tmp_path) as store:
        assert len(store.list("pods").records) == len(done)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_full_disk_stops_writes_until_there_is_room(tmp_path: Path) -> None:
    script = Path(__file__).with_name("store_on_a_full_disk.py")
    ended = subprocess.run(
        ["unshare", "--mount", sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["full", "told", "reads", "writes", "lasts"]
