"""Laws of a directory whose files change all at once.

Every system call of a write is a place at which the writer may be killed, and at which a reader
may look. The laws are looked at just before each of them.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staticlet.host import atomicfiles

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="files get owners")

_paths = st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h"])
_contents = st.dictionaries(_paths, st.binary(max_size=3), max_size=5)
_CHANGING = frozenset(
    ("os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.chmod", "os.chown")
)


class Killed(BaseException):
    """The writer is no more."""


class Calls:
    """Hears of each call that changes something on the disk, through Python's audit hook."""

    def __init__(self):
        self.look = None
        sys.addaudithook(self._hear)

    def _hear(self, event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        if self.look is not None and (event in _CHANGING or writes):
            look, self.look = self.look, None  # what the look does itself is not looked at
            try:
                look()
            finally:
                self.look = look

    def through(self, look, work):
        self.look = look
        try:
            return work()
        finally:
            self.look = None


CALLS = Calls()


def write(directory, contents):
    made = [atomicfiles.File(path=path, content=data) for path, data in contents.items()]
    return atomicfiles.write(directory, made)


def in_force(directory):
    """All files, as one sees them who has opened `..data` and stays with what it was."""
    try:
        now = directory / (directory / "..data").readlink()
    except FileNotFoundError:
        return {}
    return {str(p.relative_to(now)): p.read_bytes() for p in now.rglob("*") if p.is_file()}


def visible(directory):
    found = {}
    for top in directory.iterdir():
        if not top.name.startswith(".."):
            inner = top.rglob("*") if top.is_dir() else [top]
            found |= {str(p.relative_to(directory)): p.read_bytes() for p in inner if p.is_file()}
    return found


@given(old=_contents, new=_contents)
def test_a_reader_sees_all_of_the_old_or_all_of_the_new(old, new):
    with TemporaryDirectory() as place:
        directory = Path(place)
        write(directory, old)
        seen = []
        CALLS.through(lambda: seen.append(in_force(directory)), lambda: write(directory, new))
        assert seen or old == new
        assert all(one in (old, new) for one in seen)
        turned = [one == new for one in seen]
        assert turned == sorted(turned)  # once new, always new
        assert in_force(directory) == visible(directory) == new


@given(old=_contents, new=_contents, last=_contents, at=st.integers(0, 40))
def test_after_a_death_at_any_moment_the_next_write_makes_it_whole(old, new, last, at):
    with TemporaryDirectory() as place:
        directory = Path(place)
        write(directory, old)
        left = at

        def look():
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        try:
            CALLS.through(look, lambda: write(directory, new))
        except Killed:
            assert in_force(directory) in (old, new)
        write(directory, last)
        assert in_force(directory) == visible(directory) == last
        hidden = [one for one in directory.iterdir() if one.name.startswith("..")]
        assert len(hidden) == 2


@given(contents=_contents)
def test_writing_the_same_again_changes_nothing(contents):
    with TemporaryDirectory() as place:
        directory = Path(place)
        assert write(directory, contents)
        calls = []
        again = CALLS.through(lambda: calls.append(1), lambda: write(directory, contents))
        assert not again
        assert not calls
