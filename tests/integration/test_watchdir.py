"""Directory events as the kernel makes them, on disk and in memory."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncinotify
import pytest

from staticlet.host import pathwalk, watchdir
from staticlet.host.change import Change, Kind


@pytest.fixture(params=["disk", "memory"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if request.param == "disk":
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as made:
        yield Path(made)


@pytest.fixture
def place(base: Path) -> Path:
    """A directory with one file, and room beside it."""
    path = base / "place"
    path.mkdir()
    (path / "a").write_text("1")
    return path


def create(place: Path) -> None:
    (place / "b").touch()


def write(place: Path) -> None:
    with (place / "a").open("w") as file:
        file.write("2")


def rename(place: Path) -> None:
    (place / "a").rename(place / "b")


def move_out(place: Path) -> None:
    (place / "a").rename(place.parent / "a")


def move_in(place: Path) -> None:
    (place.parent / "c").touch()
    (place.parent / "c").rename(place / "a")


def recreate(place: Path) -> None:
    (place / "a").unlink()
    (place / "a").touch()


def exchange_by_three(place: Path) -> None:
    rename(place)
    (place / "b").rename(place / "c")


def move_away_and_empty(place: Path) -> None:
    place.rename(place.parent / "old")
    (place.parent / "old" / "a").unlink()
    place.mkdir()


def chmod(place: Path) -> None:
    (place / "a").chmod(0o600)


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (create, [Change(Kind.CREATED, "b"), Change(Kind.WRITTEN, "b")]),
        (write, [Change(Kind.MODIFIED, "a"), Change(Kind.WRITTEN, "a")]),
        (rename, [Change(Kind.RENAMED, "b", "a")]),
        (move_out, [Change(Kind.MOVED_OUT, "a")]),
        (move_in, [Change(Kind.MOVED_IN, "a")]),
        (exchange_by_three, [Change(Kind.RENAMED, "b", "a"), Change(Kind.RENAMED, "c", "b")]),
        (chmod, [Change(Kind.ATTRIB, "a")]),
    ],
)
async def test_each_act_is_told_as_what_it_is(
    place: Path, act: Callable[[Path], None], expected: list[Change]
) -> None:
    with watchdir.WatchDir(place) as watch:
        act(place)
        told: dict[Change, None] = {}
        async with asyncio.timeout(5):
            while len(told) < len(expected):
                await watch.changed()
                told |= dict.fromkeys(watch.take())
        assert list(told) == expected
        assert watch.take() == ()


async def test_a_deletion_is_told_even_when_the_name_is_back(place: Path) -> None:
    with watchdir.WatchDir(place) as watch:
        recreate(place)
        kinds = [each.kind for each in watch.take() if each.name == "a"]
        assert kinds.index(Kind.DELETED) < kinds.index(Kind.CREATED)


async def test_a_rename_that_is_read_in_two_halves_is_one_rename(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, cut = asyncinotify.Inotify.sync_get, []

    def halting(self: asyncinotify.Inotify) -> asyncinotify.Event | None:
        if len(cut) == 1 and cut[0] is not None:
            cut.append(None)
            return None
        event = real(self)
        if event and asyncinotify.Mask.MOVED_FROM in event.mask and not cut:
            cut.append(event)
        return event

    with watchdir.WatchDir(place) as watch:
        monkeypatch.setattr(asyncinotify.Inotify, "sync_get", halting)
        rename(place)
        assert watch.take() == ()
        async with asyncio.timeout(5):
            await watch.changed()
        assert watch.take() == (Change(Kind.RENAMED, "b", "a"),)


async def test_events_of_a_directory_that_was_moved_away_are_void(place: Path) -> None:
    with watchdir.WatchDir(place) as watch:
        move_away_and_empty(place)
        assert {each.kind for each in watch.take()} == {Kind.REPLACED}
        (place / "new").touch()
        assert Change(Kind.CREATED, "new") in watch.take()


async def test_events_behind_a_swapped_symlink_are_void(base: Path) -> None:
    for name in ("one", "two"):
        (base / name).mkdir()
        (base / name / "a").touch()
    (base / "link").symlink_to("one")
    with watchdir.WatchDir(base / "link") as watch:
        (base / "next").symlink_to("two")
        (base / "next").rename(base / "link")
        (base / "one" / "a").unlink()
        assert {each.kind for each in watch.take()} == {Kind.REPLACED}
        (base / "two" / "a").unlink()
        assert Change(Kind.DELETED, "a") in watch.take()


async def test_waiting_may_be_cancelled_without_losing_an_event(place: Path) -> None:
    with watchdir.WatchDir(place) as watch:
        for number in range(50):
            (place / f"n{number}").touch()
            try:
                async with asyncio.timeout(0):
                    await watch.changed()
            except TimeoutError:
                pass
        created = {each.name for each in watch.take() if each.kind is Kind.CREATED}
        assert created == {f"n{number}" for number in range(50)}


async def test_where_nothing_can_be_watched_the_reason_is_told(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(asyncinotify.Inotify, "add_watch", exhausted)
    with watchdir.WatchDir(place) as watch:
        assert "max_user_watches" in watch.fault
        assert watch.take() == ()
    monkeypatch.setattr(asyncinotify, "Inotify", exhausted)
    with watchdir.WatchDir(place) as watch:
        assert watch.fault
        assert watch.take() == ()


async def test_an_overflow_of_the_kernels_queue_is_told(place: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())  # noqa: ASYNC240
    with watchdir.WatchDir(place) as watch:
        for number in range(limit // 2 + 10):
            name = str(place / f"n{number % 2}")
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            os.unlink(name)  # noqa: PTH108
        assert Change(Kind.OVERFLOW) in watch.take()


def test_a_walk_tells_every_name_that_a_path_goes_through(tmp_path: Path) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real/../real")
    walk = pathwalk.walk(str(tmp_path / "link" / "sub"))
    base = os.path.realpath(tmp_path)
    assert walk.end == f"{base}/real/sub"
    assert walk.steps[-4:] == (
        (base, "link"),
        (base, "real"),
        (base, "real"),
        (f"{base}/real", "sub"),
    )


def test_a_walk_ends_at_what_is_missing_and_at_a_loop(tmp_path: Path) -> None:
    missing = pathwalk.walk(str(tmp_path / "no" / "such"))
    assert missing.found is None
    assert missing.steps[-1] == (os.path.realpath(tmp_path), "no")
    (tmp_path / "loop").symlink_to("loop")
    assert pathwalk.walk(str(tmp_path / "loop")).found is None
