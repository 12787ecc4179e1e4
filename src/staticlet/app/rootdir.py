"""The root directory of one agent: made, locked, and nobody else's."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from staticlet.config.settings import Settings
from staticlet.host import osfault

log = logging.getLogger(__name__)

LOCK_NAME = "staticlet.lock"


class CannotStart(Exception):
    """The agent cannot start here; the text says why and what to do."""


@contextlib.contextmanager
def held(settings: Settings) -> Iterator[Settings]:
    """The settings with the root directory's real path, which is made and locked.

    Labels on the runtime name the root directory, so two agents must never share one.
    """
    try:
        settings.root_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        real = settings.root_dir.resolve()
        lock = os.open(real / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        words = osfault.words(fault, settings.root_dir)
        raise CannotStart(f"cannot use root directory {settings.root_dir}: {words}") from fault
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            pid = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise CannotStart(
                f"another agent (pid {pid}) uses root directory {real}: stop it, or give this "
                "one another --root-dir"
            ) from fault
        _write_pid(lock, real / LOCK_NAME)
        yield replace(settings, root_dir=real)
    finally:
        os.close(lock)


def _write_pid(lock: int, path: Path) -> None:
    """Say who holds the lock. A full disk is no reason not to look after what runs."""
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except OSError as fault:
        log.warning("cannot write the agent's pid to %s", osfault.words(fault, path))
