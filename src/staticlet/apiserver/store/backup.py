"""A copy of the store, taken while it is used.

The copy is one file, at rest, holding everything that was acknowledged when it began. To restore
it, it is put in the place of the store's file: the store then begins anew from it, with higher
revisions than any that watchers may still know of.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from staticlet.apiserver.store import statefile


class BackupFailed(Exception):
    """No copy was made; the text says why. What was at its place before is still there."""


async def take(place: Path, target: Path) -> None:
    """Copy a store without stopping the event loop, nor who writes; see `copy`.

    Raises:
        BackupFailed: There is no copy.
    """
    await asyncio.to_thread(copy, place, target)


def copy(place: Path, target: Path) -> None:
    """Copy a store, which may be in use, by this process or another.

    Args:
        place: Its file or its directory.
        target: The copy, made with mode 0600. An older backup there is replaced in one step.

    Raises:
        BackupFailed: There is no copy.
    """
    source = statefile.within(place)
    _check(source, target)
    made = target.with_name(f"{target.name}.part")
    try:
        made.unlink(missing_ok=True)
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            _fill(source, made)
            statefile.move(made, target)
        finally:
            made.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"cannot back up {source} to {target}: {error}") from error


def _fill(source: Path, made: Path) -> None:
    with closing(statefile.connected(source, "ro")) as connection:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != statefile.APPLICATION:
            raise BackupFailed(f"cannot back up {source}: it is not a store of this program")
        connection.execute("VACUUM INTO ?", (str(made),))
    with closing(statefile.connected(made, "rw")) as connection:
        connection.execute("UPDATE past SET copied = 1")


def _check(source: Path, target: Path) -> None:
    if not source.exists():
        raise BackupFailed(f"cannot back up {source}: there is no such file")
    if not target.exists():
        return
    if target.samefile(source) or not statefile.at_rest(target):
        raise BackupFailed(
            f"cannot back up to {target}: something else than a backup is there;"
            " move it away, or name another file"
        )
