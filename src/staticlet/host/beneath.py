"""Opening and making what lies beneath a directory, without ever leaving it.

What is in a volume may have been put there by a container: a symlink to `/etc`, or one that is
swapped in between a check and its use. So every step from the base down is opened by descriptor
and refuses symlinks; symlinks that stay inside are resolved before, and the descriptor that comes
out is what was checked.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

_STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class OutsideFault(Exception):
    """The path leaves its base directory."""


def open_beneath(base: Path, relative: str, *, make_mode: int | None = None) -> int:
    """Open what lies at a relative path, as a descriptor that only names it (O_PATH).

    Args:
        base: The directory that must not be left; its own path is trusted.
        relative: The path below it.
        make_mode: With a mode, missing directories are made with it.

    Raises:
        OutsideFault: A symlink or `..` leads out of the base, or one was put in the way meanwhile.
        OSError: It does not exist, or a step is not a directory.
    """
    real = Path(os.path.realpath(base))
    steps = _steps(real, relative)
    fd = os.open(real, _STEP | os.O_DIRECTORY)
    try:
        for step in steps:
            deeper = _open_step(fd, step, make_mode)
            os.close(fd)
            fd = deeper
            _refuse_link(fd, step)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _steps(base: Path, relative: str) -> Sequence[str]:
    """The steps from the base to where the path leads, all symlinks inside it resolved."""
    if ".." in Path(relative).parts or Path(relative).is_absolute():
        raise OutsideFault(f"{relative} must be relative and must not contain ..")
    target = Path(os.path.realpath(base / relative))
    if not target.is_relative_to(base):
        raise OutsideFault(f"{relative} leads out of {base}, to {target}")
    return target.relative_to(base).parts


def _refuse_link(fd: int, step: str) -> None:
    if stat.S_ISLNK(os.fstat(fd).st_mode):
        raise OutsideFault(f"{step} is a symbolic link that can not be followed")


def _open_step(fd: int, step: str, make_mode: int | None) -> int:
    try:
        return os.open(step, _STEP, dir_fd=fd)
    except FileNotFoundError:
        if make_mode is None:
            raise
    try:
        os.mkdir(step, dir_fd=fd)
    except FileExistsError:
        return os.open(step, _STEP, dir_fd=fd)
    made = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
    try:
        os.fchmod(made, make_mode)
    finally:
        os.close(made)
    return os.open(step, _STEP, dir_fd=fd)
