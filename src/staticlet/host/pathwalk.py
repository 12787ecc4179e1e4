"""Which directory entries a path is resolved through: change one, and it shows another thing.

The kernel resolves a path name by name and follows symlinks on the way; this does the same and
keeps record. Python's `realpath` only tells the end.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

_MOST_LINKS = 40


@dataclass(frozen=True, slots=True)
class Walk:
    """How a path was resolved.

    Attributes:
        steps: Every (physical directory, name in it) that was looked up, in order, those of
            symlinks' targets included, up to the first that is missing.
        end: The physical path that the steps lead to, free of symlinks.
        found: What stands there; None when something is missing or cannot be looked at.
    """

    steps: tuple[tuple[str, str], ...]
    end: str
    found: os.stat_result | None


def walk(path: str) -> Walk:
    """Resolve an absolute path; what is missing or forbidden ends the walk, without an error."""
    steps: list[tuple[str, str]] = []
    at, links, todo = "/", 0, _names(path)
    try:
        while todo:
            name = todo.pop()
            if name == "..":
                at = os.path.dirname(at)  # noqa: PTH120  strings throughout: this runs often
                continue
            steps.append((at, name))
            here = f"{at.rstrip('/')}/{name}"
            if not stat.S_ISLNK(os.lstat(here).st_mode):
                at = here
                continue
            links += 1
            if links > _MOST_LINKS:
                return Walk(tuple(steps), at, None)
            target = os.readlink(here)  # noqa: PTH115
            at = "/" if target.startswith("/") else at
            todo += _names(target)
        return Walk(tuple(steps), at, os.lstat(at))
    except OSError:
        return Walk(tuple(steps), at, None)


def links(directory: str) -> tuple[Walk, ...]:
    """The walks of all symlinks in a directory, in the order of their names."""
    try:
        with os.scandir(directory) as entries:
            paths = sorted(entry.path for entry in entries if entry.is_symlink())
    except OSError:
        return ()
    return tuple(walk(path) for path in paths)


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")][::-1]
