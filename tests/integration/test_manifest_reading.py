"""Reading one file: whole, and never while somebody writes it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from staticlet.pods.sources import scan


@pytest.fixture(params=["disk", "memory"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if request.param == "disk":
        (tmp_path / "file").write_bytes(b"content")
        yield tmp_path / "file"
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as made:
        (Path(made) / "file").write_bytes(b"content")
        yield Path(made) / "file"


def test_a_closed_file_is_read_whole(file: Path) -> None:
    outcome = scan.read(str(file))
    assert isinstance(outcome, scan.Content)
    assert outcome.data == b"content"
    assert outcome.closed is True
    assert outcome.signature == scan.scan(str(file)).entries["file"].signature


@pytest.mark.parametrize("mode", ["r+b", "ab", "wb"])
def test_a_file_that_is_open_for_writing_is_busy_until_it_is_closed(file: Path, mode: str) -> None:
    with file.open(mode):
        assert scan.read(str(file)) == scan.Busy()
    assert isinstance(scan.read(str(file)), scan.Content)


def test_a_reader_of_the_file_is_no_writer(file: Path) -> None:
    with file.open("rb"):
        assert isinstance(scan.read(str(file)), scan.Content)


def test_where_leases_are_not_supported_the_reading_says_so(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, command: int, argument: int = 0) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    outcome = scan.read(str(file))
    assert isinstance(outcome, scan.Content)
    assert outcome.closed is None


def test_what_cannot_be_read_is_told(file: Path) -> None:
    assert scan.read(str(file.parent / "none")) == scan.Gone()
    link = file.parent / "link"
    link.symlink_to("nowhere")
    outcome = scan.read(str(link))
    assert isinstance(outcome, scan.Unreadable)
    assert "nowhere" in outcome.message
    os.mkfifo(file.parent / "pipe")
    assert scan.read(str(file.parent / "pipe")) == scan.Gone()


def test_writers_that_come_during_the_reading_neither_wait_long_nor_end_the_process(
    file: Path,
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", f"while True: open({str(file)!r}, 'r+b').close()"]
    )
    try:
        outcomes = [scan.read(str(file)) for _ in range(3000)]
    finally:
        writer.kill()
        writer.wait()
    assert {type(each) for each in outcomes} <= {scan.Content, scan.Busy}
    assert isinstance(scan.read(str(file)), scan.Content)


def test_every_kind_of_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "dir" / "sub").mkdir(parents=True)
    (tmp_path / "dir" / "b.yaml").touch()
    (tmp_path / "dir" / ".hidden").touch()
    (tmp_path / "dir" / "a.yaml").symlink_to("nowhere")
    found = scan.scan(str(tmp_path / "dir"))
    assert found.place is scan.Place.DIRECTORY
    assert {name: each.kind for name, each in found.entries.items()} == {
        "a.yaml": scan.EntryKind.UNKNOWN,
        "b.yaml": scan.EntryKind.FILE,
        "sub": scan.EntryKind.DIRECTORY,
    }
    assert scan.scan(str(tmp_path / "none")).place is scan.Place.MISSING
    assert scan.scan(str(tmp_path / "dir" / "b.yaml" / "x")).place is scan.Place.MISSING
    (tmp_path / "loop").symlink_to("loop")
    looping = scan.scan(str(tmp_path / "loop"))
    assert looping.place is scan.Place.UNREADABLE
    assert "symbolic links" in looping.fault
