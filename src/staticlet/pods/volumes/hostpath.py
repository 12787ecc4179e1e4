"""A path of the machine as a volume: checked, or made, as its type says; never removed.

Follows the kubelet's hostPath plugin, down to the words of its refusals. An empty type checks
nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from staticlet.host import osfault
from staticlet.pods.faults import VolumeFault
from staticlet.pods.volumes import plan

_CHECKS: dict[str, tuple[Callable[[int], bool], str]] = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}
_DIRECTORY_MODE = 0o755
_FILE_MODE = 0o644


def make(volume: plan.HostPath) -> None:
    """See that what the type says is there, and make it where the type says so.

    Raises:
        VolumeFault: It is something else, or can not be made.
    """
    if ".." in volume.path.parts:
        raise VolumeFault(volume.name, f'hostPath {volume.path} must not contain ".."')
    if not volume.type:
        return
    if volume.type not in _CHECKS:
        raise VolumeFault(volume.name, f"{volume.type} is not a known hostPath type")
    try:
        _create(volume)
    except OSError as fault:
        words = osfault.words(fault, volume.path)
        raise VolumeFault(volume.name, f"cannot make {words}") from fault
    fits, noun = _CHECKS[volume.type]
    if not fits(_mode(volume.path)):
        raise VolumeFault(volume.name, f"hostPath type check failed: {volume.path} is not {noun}")


def _create(volume: plan.HostPath) -> None:
    """Make a directory with all above it, or an empty file in a directory that is there."""
    if _mode(volume.path):
        return
    if volume.type == "DirectoryOrCreate":
        volume.path.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    elif volume.type == "FileOrCreate":
        os.close(os.open(volume.path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, _FILE_MODE))


def _mode(path: Path) -> int:
    """What a path leads to, as the kernel codes it; 0 for nothing."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0
