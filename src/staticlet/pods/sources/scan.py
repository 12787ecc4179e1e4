"""What a manifest path shows at one moment: its entries with their signatures, and their bytes.

This is the part that touches the file system, one look at a time, without waiting. `files` decides
what a scan means.
"""

from __future__ import annotations

import enum
import errno
import fcntl
import os
import signal
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from staticlet.host import osfault
from staticlet.pods.sources import judge


class Signature(NamedTuple):
    """What tells one content of a file from another without reading it."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @property
    def unnamed(self) -> tuple[int, int, int, int]:
        """What stays when a file is renamed: all but the time of that."""
        return self[:4]


class EntryKind(enum.Enum):
    """What an entry is, symlinks followed."""

    FILE = "a regular file"
    DIRECTORY = "a directory"
    OTHER = "neither a regular file nor a directory"
    UNKNOWN = "cannot be looked at"


class Entry(NamedTuple):
    """One entry of the directory; no signature when it cannot be looked at."""

    kind: EntryKind
    signature: Signature | None


class Place(enum.Enum):
    """What the path itself is."""

    DIRECTORY = enum.auto()
    FILE = enum.auto()
    MISSING = enum.auto()
    UNREADABLE = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One look at the path.

    Attributes:
        place: What the path is.
        entries: Every entry but dotfiles, in the order of names; of a single file, itself.
        fault: Why it is unreadable.
        mode: Permission bits of the directory.
        owner: Its owner's user id.
    """

    place: Place
    entries: Mapping[str, Entry] = field(default_factory=dict)
    fault: str = ""
    mode: int = 0o755
    owner: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file, read whole.

    Attributes:
        data: Its bytes; at most one more than the limit.
        signature: Of what was read.
        mode: Permission bits.
        owner: User id.
        closed: True when nobody had it open for writing before and after the reading; None when
            the file system cannot tell.
    """

    data: bytes
    signature: Signature
    mode: int = 0o644
    owner: int = 0
    closed: bool | None = True


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody has it open for writing, or wrote to it while it was read."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The name went between the scan and the reading."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It cannot be read; `message` says why and what to do."""

    message: str


Outcome = Content | Busy | Gone | Unreadable


def scan(path: str) -> Scan:
    """Look at the path; never raises for what it finds there."""
    try:
        found = os.stat(path)  # noqa: PTH116  strings throughout: thousands of files, 20 ms
        if stat.S_ISDIR(found.st_mode):
            mode = stat.S_IMODE(found.st_mode)
            return Scan(
                place=Place.DIRECTORY, entries=_entries(path), mode=mode, owner=found.st_uid
            )
    except (FileNotFoundError, NotADirectoryError):
        return Scan(place=Place.MISSING)
    except OSError as fault:
        return Scan(place=Place.UNREADABLE, fault=f"cannot be read: {osfault.advised(fault)}")
    if stat.S_ISREG(found.st_mode):
        name = os.path.basename(path)  # noqa: PTH119
        return Scan(place=Place.FILE, entries={name: _entry(found)})
    return Scan(place=Place.UNREADABLE, fault="is neither a directory nor a regular file")


def _entries(path: str) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    with os.scandir(path) as found:
        for each in found:
            if not each.name.startswith("."):
                try:
                    entries[each.name] = _entry(each.stat())
                except OSError:
                    entries[each.name] = Entry(EntryKind.UNKNOWN, None)
    return dict(sorted(entries.items()))


def _entry(found: os.stat_result) -> Entry:
    mode = found.st_mode
    if stat.S_ISREG(mode):
        kind = EntryKind.FILE
    else:
        kind = EntryKind.DIRECTORY if stat.S_ISDIR(mode) else EntryKind.OTHER
    return Entry(kind, _signature(found))


def _signature(found: os.stat_result) -> Signature:
    return Signature(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )


def read(path: str) -> Outcome:
    """Read a file whole, unless somebody is writing it.

    Opening never waits (a FIFO put in a file's place is found out afterwards).
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        return _missing(path)
    except OSError as fault:
        return Unreadable(f"cannot be read: {osfault.advised(fault)}")
    try:
        return _read(fd)
    except OSError as fault:
        return Unreadable(f"cannot be read: {osfault.advised(fault)}")
    finally:
        os.close(fd)


def _missing(path: str) -> Outcome:
    try:
        target = os.readlink(path)  # noqa: PTH115
    except OSError:
        return Gone()
    return Unreadable(
        f"is a symlink to {target}, which does not exist: create that, or remove the link to "
        "remove its pods"
    )


def _read(fd: int) -> Outcome:
    before = os.fstat(fd)
    if not stat.S_ISREG(before.st_mode):
        return Gone()
    if _closed(fd) is False:
        return Busy()
    chunks, left = [], judge.LARGEST_BYTES
    while left > 0 and (chunk := os.read(fd, left)):
        chunks.append(chunk)
        left -= len(chunk)
    closed, after = _closed(fd), os.fstat(fd)
    if closed is False or _signature(after) != _signature(before):
        return Busy()
    return Content(
        data=b"".join(chunks),
        signature=_signature(after),
        mode=stat.S_IMODE(after.st_mode),
        owner=after.st_uid,
        closed=closed,
    )


def _closed(fd: int) -> bool | None:
    """Whether nobody has this file open for writing; None when the file system cannot tell.

    A read lease is granted only then. It is given back at once; should a writer come in between,
    the kernel makes it wait for that and sends the lease's signal, by default SIGIO, which would
    end the process: so one is asked for that is ignored unless somebody wants it.
    """
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as fault:
        return False if fault.errno == errno.EAGAIN else None
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True
