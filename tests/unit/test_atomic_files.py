"""A directory of files that change all at once."""

import os
import stat

import pytest

from staticlet.host import atomicfiles
from staticlet.host.atomicfiles import File

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files get owners")


def files(**contents):
    return [File(path=path, content=text.encode()) for path, text in contents.items()]


def read(directory):
    """What users see: every visible name, links followed."""
    found = {}
    for path in sorted(directory.iterdir()):
        if not path.name.startswith(".."):
            inner = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
            found |= {str(p.relative_to(directory)): p.read_text() for p in inner}
    return found


def hidden(directory):
    return sorted(p.name for p in directory.iterdir() if p.name.startswith(".."))


def test_files_are_seen_by_their_names_below_a_link_that_is_swapped(tmp_path):
    assert atomicfiles.write(tmp_path, files(a="1", b="2"))
    assert read(tmp_path) == {"a": "1", "b": "2"}
    assert str((tmp_path / "a").readlink()) == "..data/a"
    assert (tmp_path / str((tmp_path / "..data").readlink()) / "a").read_text() == "1"


def test_a_change_brings_adds_and_removes_files_and_leaves_nothing_of_the_old(tmp_path):
    atomicfiles.write(tmp_path, files(a="1", b="2"))
    before = str((tmp_path / "..data").readlink())
    assert atomicfiles.write(tmp_path, files(b="3", c="4"))
    assert read(tmp_path) == {"b": "3", "c": "4"}
    assert len(hidden(tmp_path)) == 2
    assert not (tmp_path / before).exists()


def test_what_is_there_already_is_not_written_again(tmp_path):
    atomicfiles.write(tmp_path, files(a="1"))
    before = str((tmp_path / "..data").readlink())
    assert not atomicfiles.write(tmp_path, files(a="1"))
    assert str((tmp_path / "..data").readlink()) == before


@pytest.mark.parametrize(
    "changed",
    [
        File(path="a", content=b"2", mode=0o640, owner=0),
        File(path="a", content=b"1", mode=0o600, owner=0),
        File(path="a", content=b"1", mode=0o640, owner=5),
    ],
)
def test_another_content_mode_or_owner_is_a_change(tmp_path, changed):
    atomicfiles.write(tmp_path, [File(path="a", content=b"1", mode=0o640)])
    assert atomicfiles.write(tmp_path, [changed])
    seen = (tmp_path / "a").stat()
    assert (stat.S_IMODE(seen.st_mode), seen.st_uid) == (changed.mode, changed.owner)


def test_files_may_be_deep_and_directories_are_for_all_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        atomicfiles.write(tmp_path, [File(path="x/y/z", content=b"1", mode=0o604)])
    finally:
        os.umask(before)
    assert read(tmp_path) == {"x/y/z": "1"}
    assert stat.S_IMODE((tmp_path / "x/y").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "x/y/z").stat().st_mode) == 0o604


def test_a_group_owns_files_and_directories(tmp_path):
    atomicfiles.write(tmp_path, files(**{"x/y": "1"}), group=7)
    assert (tmp_path / "x/y").stat().st_gid == (tmp_path / "x").stat().st_gid == 7
    assert not atomicfiles.write(tmp_path, files(**{"x/y": "1"}), group=7)
    assert atomicfiles.write(tmp_path, files(**{"x/y": "1"}), group=None)


def test_of_two_files_with_one_path_the_last_one_counts(tmp_path):
    atomicfiles.write(tmp_path, [*files(a="1"), *files(a="2")])
    assert read(tmp_path) == {"a": "2"}


@pytest.mark.parametrize(
    "path", ["", "/a", "../a", "a/../b", "..a", "..data", "a//b", "./a", "a/", "a\0b", "a\ud800"]
)
def test_no_path_leads_out_of_the_directory_or_into_its_inside(tmp_path, path):
    atomicfiles.write(tmp_path, files(a="1"))
    with pytest.raises(atomicfiles.BadPath):
        atomicfiles.write(tmp_path, files(**{path: "2"}))
    assert read(tmp_path) == {"a": "1"}


def test_no_file_is_below_another_one(tmp_path):
    with pytest.raises(atomicfiles.BadPath, match="below another file"):
        atomicfiles.write(tmp_path, files(**{"a": "1", "a/b": "2"}))


def test_what_an_earlier_life_left_is_cleared_and_what_it_broke_is_mended(tmp_path):
    atomicfiles.write(tmp_path, files(a="1"))
    (tmp_path / "..half").mkdir()
    (tmp_path / "..half/a").write_text("x")
    (tmp_path / "..data_tmp").symlink_to("..half")
    (tmp_path / "a").unlink()
    (tmp_path / "stray").write_text("x")
    assert not atomicfiles.write(tmp_path, files(a="1"))
    assert read(tmp_path) == {"a": "1"}
    assert len(hidden(tmp_path)) == 2


def test_a_link_that_leads_elsewhere_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a").write_text("not ours")
    inside = tmp_path / "volume"
    inside.mkdir()
    (inside / "..data").symlink_to(elsewhere)
    (inside / "a").symlink_to(elsewhere / "a")
    atomicfiles.write(inside, files(a="1"))
    assert read(inside) == {"a": "1"}
    assert (elsewhere / "a").read_text() == "not ours"


def test_a_file_that_cannot_be_written_leaves_the_old_ones_in_force(tmp_path):
    atomicfiles.write(tmp_path, files(a="1"))
    long = "x" * 300
    with pytest.raises(OSError, match="name too long"):
        atomicfiles.write(tmp_path, files(a="2", **{long: "3"}))
    assert read(tmp_path) == {"a": "1"}
    assert len(hidden(tmp_path)) == 2


def test_nothing_at_all_is_a_fine_content(tmp_path):
    atomicfiles.write(tmp_path, files(a="1"))
    assert atomicfiles.write(tmp_path, [])
    assert read(tmp_path) == {}


def test_no_repr_shows_a_content():
    assert "secret" not in repr(File(path="a", content=b"secret"))
