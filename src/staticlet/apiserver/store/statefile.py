"""The file that the store is: whose it is, and who may use it.

Nothing here changes a file that is not known to be this program's, whole, and of a version that
it can read: all that is found out before the file is opened for writing. A new file is made
beside its place and moved there when it is complete, so a crash leaves either none or a good one.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

APPLICATION = 0x73746C74  # "stlt": what SQLite calls the application_id
VERSION = 1
NAME = "state.db"

_MAGIC = b"SQLite format 3\0"
_LOG_PAGES = 2000  # of 4 KiB: how long the write-ahead log may grow in a burst of writes
_LOG_SIZE = _LOG_PAGES << 12
_ROLLBACK = 1  # the header's word for a file that is in no need of a write-ahead log
_SCHEMA = f"""
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
CREATE TABLE revisions (
    revision INTEGER PRIMARY KEY,
    resource TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    removed INTEGER NOT NULL,
    at INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    object BLOB NOT NULL
) STRICT;
CREATE TABLE past (oldest INTEGER NOT NULL, copied INTEGER NOT NULL) STRICT;
"""


class BadFile(Exception):
    """A file that cannot be the store; it was left as it is.

    Attributes:
        path: Which.
        why: What is the matter with it.
        advice: What to do.
    """

    def __init__(self, path: Path, why: str, advice: str) -> None:
        super().__init__(f"cannot use {path}: {why}; {advice}")
        self.path = path
        self.why = why
        self.advice = advice


class InUse(BadFile):
    """A file that another process has open as its store."""


def within(place: Path) -> Path:
    """The file, given itself or its directory."""
    return (place / NAME if place.is_dir() else place).resolve()


def damaged(path: Path, why: str) -> BadFile:
    """What is raised about a file that is ours but not whole."""
    return BadFile(
        path,
        f"it is damaged ({why})",
        "keep it aside and put a backup in its place, or start with an empty state directory",
    )


def unusable(path: Path, error: Exception) -> BadFile:
    """What is raised when the file may be whole but cannot be read or written."""
    return BadFile(path, str(error), "see that this program may write there, and has room to")


@contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Keep other processes from using the file as their store until the end of the block.

    Raises:
        InUse: Another one does.
        BadFile: There cannot be a file.
    """
    try:
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unusable(path, error) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(
                path, "another process uses it", "stop that one, or name another state directory"
            ) from None
        yield
    finally:
        os.close(lock)


class InPlace:
    """Tells whether the files that are open still are those that bear their names.

    SQLite goes on in a file that was removed, and what it is given ends with it.

    Args:
        path: The store's file, claimed and open for writing.
    """

    def __init__(self, path: Path) -> None:
        names = (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}.lock"))
        self._known = {name: _identity(name) for name in names}

    def strayed(self) -> Path | None:
        """A file that was removed or replaced; None when all are there."""
        for name, known in self._known.items():
            if _identity(name) != known:
                return name
        return None


def room(path: Path) -> int:
    """How many bytes the file system of a file has left for us; 0 when that cannot be told."""
    try:
        found = os.statvfs(path)
    except OSError:
        return 0
    return found.f_frsize * (found.f_bfree if os.geteuid() == 0 else found.f_bavail)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def prepare(path: Path, *, oldest: int) -> None:
    """See that there is a file of ours: make one where there is none, refuse any other.

    Args:
        path: Where.
        oldest: From which revision on a new one counts.

    Raises:
        BadFile: What is there is something else, or from a newer version.
    """
    try:
        header = _header(path)
        if header is None or header[18] == _ROLLBACK:
            _set_log_aside(path)
        if header is None:
            _make(path, oldest=oldest)
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error


def connected(path: Path, mode: str) -> sqlite3.Connection:
    """A connection for any one thread at a time, each statement a transaction by itself.

    Args:
        path: Which file; it must be there.
        mode: `ro`, `rw`.

    Raises:
        sqlite3.Error: It cannot be opened.
    """
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=10.0,
    )


def writable(path: Path) -> sqlite3.Connection:
    """A connection whose commits outlast a power cut.

    Raises:
        BadFile: The file cannot be written to.
    """
    try:
        if not at_rest(path):
            _lay_out_log(path)
        connection = connected(path, "rw")
    except (OSError, sqlite3.Error) as error:
        raise unusable(path, error) from error
    try:
        (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = FAST")  # no extra writing for it
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_SIZE}")
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    if journal != "wal":
        connection.close()
        raise BadFile(path, "its file system has no shared memory", "name another directory")
    return connection


def at_rest(path: Path) -> bool:
    """Whether there is a file of ours that is at rest, as a backup is."""
    try:
        header = _header(path)
    except (BadFile, OSError):
        return False
    return header is not None and header[18] == _ROLLBACK


def _header(path: Path) -> bytes | None:
    # Read by hand: SQLite may write to a file already when it opens it.
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return None
    if not header:
        return None
    elsewhere = "move it away, or name another state directory"
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise BadFile(path, "it is not a SQLite file", elsewhere)
    version = int.from_bytes(header[60:64], "big")
    if int.from_bytes(header[68:72], "big") != APPLICATION or version < 1:
        raise BadFile(path, "it is the SQLite file of another program", elsewhere)
    if version > VERSION:
        raise BadFile(
            path,
            f"a newer version of this program wrote it (format {version}, known: {VERSION})",
            "use that version, or start with an empty state directory",
        )
    return header


def _make(path: Path, *, oldest: int) -> None:
    made = path.with_name(f"{path.name}.new")
    made.unlink(missing_ok=True)
    os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(connected(made, "rw")) as connection:
        connection.executescript(f"BEGIN; {_SCHEMA}")
        connection.execute("INSERT INTO past VALUES (?, 0)", (oldest,))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    move(made, path)


def move(made: Path, path: Path) -> None:
    """Put a complete file in its place, so that it is there after a power cut too."""
    for opened in (made, made.parent):
        descriptor = os.open(opened, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if opened == made:
            made.replace(path)


def _set_log_aside(path: Path) -> None:
    # A write-ahead log beside no file, or beside a backup that was put in place, belongs to the
    # file that was there before. SQLite cannot tell, and would write its pages into this one.
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        log.replace(path.with_name(f"{path.name}-wal.old"))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)


def _lay_out_log(path: Path) -> None:
    # To sync a file that has grown costs several times what it costs to sync one that has been
    # written over. SQLite takes a log of zeros for an empty one, and writes from its beginning.
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return
    disk = os.statvfs(path.parent)
    if disk.f_bavail * disk.f_frsize < 20 * _LOG_SIZE:
        return
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, bytes(_LOG_SIZE))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
