"""What a file of revisions says: the objects as they are, and the changes that are still known."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from staticlet.apiserver.store import encoding, sqlite, statefile
from staticlet.apiserver.store.journal import Row
from staticlet.apiserver.store.port import Action, Change, Key, Record

# A backup knows nothing of the revisions that were made after it, but watchers may. A store that
# is begun from one counts on far beyond them, and sends all watchers back to list anew.
LEAP = 1_000_000_000

_NOT_THE_FILE = {  # what SQLite says when the file may well be whole
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A store as it was left.

    Attributes:
        revision: Its newest revision.
        oldest: Changes after this revision are known.
        standing: The objects.
        changes: What is known of the past, with when it was, in seconds since 1970.
        needless: Revisions in the file that say nothing any more.
        copied: Whether this is a backup's first start: its revision is new.
    """

    revision: int
    oldest: int
    standing: Sequence[Record]
    changes: Sequence[tuple[Change, float]]
    needless: Sequence[int]
    copied: bool


def load(path: Path, fields: encoding.Fields) -> Loaded:
    """Read a file of ours; nothing is written to it.

    Raises:
        BadFile: It is damaged, or cannot be read.
    """
    # What a crash left half written in the middle of a backup's first start is for SQLite to
    # take back, which it cannot do without writing.
    mode = "rw" if path.with_name(f"{path.name}-journal").exists() else "ro"
    try:
        with closing(statefile.connected(path, mode)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise statefile.damaged(path, verdict.splitlines()[-1])
            past = connection.execute("SELECT oldest, copied FROM past").fetchall()
            if len(past) != 1:
                raise statefile.damaged(path, "it does not say where it begins")
            oldest, copied = past[0]
            if copied:
                return _begun_anew(replayed(sqlite.read(connection), fields, oldest=None))
            return replayed(sqlite.read(connection), fields, oldest=oldest)
    except (sqlite3.Error, ValueError) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_THE_FILE:
            raise statefile.unusable(path, error) from error
        raise statefile.damaged(path, str(error)) from error


def replayed(rows: Iterable[Row], fields: encoding.Fields, *, oldest: int | None) -> Loaded:
    """What rows say, in the order of their revisions.

    Args:
        rows: All of them.
        fields: Says by which values an object is selected.
        oldest: Up to this revision they say only what stood; None for all of them.

    Raises:
        ValueError: A row holds no object.
    """
    standing: dict[Key, Record] = {}
    changes: list[tuple[Change, float]] = []
    needless: list[int] = []
    newest = oldest or 0
    for row in rows:
        previous = standing.pop(row.key, None) if row.removed else standing.get(row.key)
        record = encoding.restored(
            row.key, row.encoded, revision=row.revision, fields=fields, before=previous
        )
        if not row.removed:
            standing[row.key] = record
        newest = max(newest, row.revision)
        if oldest is not None and row.revision > oldest:
            change = _change(record, previous, removed=row.removed)
            changes.append((change, row.at / 1000))
        else:
            needless.extend([previous.revision] if previous is not None else [])
            needless.extend([row.revision] if row.removed else [])
    return Loaded(
        revision=newest,
        oldest=newest if oldest is None else oldest,
        standing=list(standing.values()),
        changes=changes,
        needless=needless,
        copied=oldest is None,
    )


def _change(record: Record, previous: Record | None, *, removed: bool) -> Change:
    if removed:
        return Change(action=Action.DELETED, record=record, previous=previous)
    action = Action.ADDED if previous is None else Action.MODIFIED
    return Change(action=action, record=record, previous=previous)


def _begun_anew(loaded: Loaded) -> Loaded:
    revision = loaded.revision + LEAP
    return Loaded(
        revision=revision,
        oldest=revision,
        standing=loaded.standing,
        changes=(),
        needless=loaded.needless,
        copied=True,
    )
