"""Files that hold secrets: readable by their owner alone, and replaced whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

LIMIT_BYTES = 1024 * 1024
"""No key, certificate or kubeconfig comes near this; what is larger is something else."""


def read(path: Path) -> bytes | None:
    """What is in a file; None when there is no such file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is too large to be what it should be.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"is larger than {LIMIT_BYTES // 1024} KiB")
    return data


def write(path: Path, data: bytes) -> None:
    """Write a file with mode 0600; after a power cut it is the old one or the new one.

    Its directory is made where it is missing, with mode 0700.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _settle(path.parent)


def _settle(directory: Path) -> None:
    """Have the directory's entries last too."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
