"""Finds the drop-ins of `--config-dir`, in the order in which the kubelet lays them on.

Every file ending in `.conf` in the directory and below it, names in the order of their bytes, a
directory's files at the directory's own place in that order. Anything else is skipped; what looks
like a configuration with another ending is told, because it was surely meant to be read.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".conf"
_LOOKALIKES = (".yaml", ".yml", ".json")
_DEEPEST = 64


def find(directory: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """List the drop-ins of a directory.

    Symbolic links to files are followed, those to directories below it are not.

    Returns:
        The files to read, in order, and those that look like drop-ins but for their ending.

    Raises:
        OSError: a directory cannot be listed.
    """
    found = tuple(_walk(directory, 0))
    taken = tuple(path for path in found if path.name.endswith(SUFFIX))
    lookalikes = tuple(
        path for path in found if path.name.endswith(_LOOKALIKES) and not path.name.startswith(".")
    )
    return taken, lookalikes


def _walk(directory: Path, depth: int) -> Iterator[Path]:
    with os.scandir(directory) as entries:
        ordered = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    for entry in ordered:
        if not entry.is_dir(follow_symlinks=False):
            if not entry.is_dir():
                yield directory / entry.name
        elif depth == _DEEPEST:
            raise OSError(errno.ENAMETOOLONG, "directories are nested too deep", str(directory))
        else:
            yield from _walk(directory / entry.name, depth + 1)
