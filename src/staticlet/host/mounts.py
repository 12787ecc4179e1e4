"""Mounting, unmounting, and what is mounted now: mount(2), umount2(2) and mountinfo.

No path given here is handed to a shell or a helper program. Unmounting never follows a symlink.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_BIND = 0x1000
MNT_DETACH = 0x2
UMOUNT_NOFOLLOW = 0x8

_MOUNTINFO = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\([0-7]{3})")
_ESCAPED = re.compile(r"[\s\\#]")
"""Signs that the kernel writes as numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MountEntry:
    """One line of mountinfo.

    Attributes:
        point: Where it is mounted.
        root: Which directory of the file system is seen there.
        fstype: The file system's type.
        source: What is mounted.
        options: The file system's own options.
        flags: The options of this mount alone, `ro` and `noexec` among them.
    """

    point: Path
    root: str
    fstype: str
    source: str
    options: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def parse(text: str) -> Sequence[MountEntry]:
    """Read mountinfo text; lines that are not of its form are left out."""
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        first, last = left.split(" "), right.split(" ")
        if len(first) < 5 or len(last) < 3:
            continue
        found.append(
            MountEntry(
                point=Path(_unescape(first[4])),
                root=_unescape(first[3]),
                fstype=last[0],
                source=_unescape(last[1]),
                options=tuple(last[2].split(",")),
                flags=tuple(first[5].split(",")) if len(first) > 5 else (),
            )
        )
    return found


def current() -> Sequence[MountEntry]:
    """All mounts that this process sees, in the order in which they were made."""
    return parse(_MOUNTINFO.read_text(errors="surrogateescape"))


def at(point: Path) -> Sequence[MountEntry]:
    """What is mounted exactly here, the topmost last; `point` must be a real path."""
    return [entry for entry in _naming(point) if entry.point == point]


def below(directory: Path) -> Sequence[Path]:
    """Every mount point at or below a directory, the last made first.

    Args:
        directory: A real path: symlinks in it are not resolved.
    """
    found = [e.point for e in _naming(directory) if e.point.is_relative_to(directory)]
    return found[::-1]


def mount(source: str, target: Path, *, fstype: str, flags: int = 0, options: str = "") -> None:
    """Mount a file system.

    Raises:
        OSError: As mount(2) says.
    """
    code = _libc().mount(
        os.fsencode(source), os.fsencode(target), os.fsencode(fstype), flags, options.encode()
    )
    _check(code, target)


def mount_tmpfs(target: Path, *, size_bytes: int) -> None:
    """Mount memory at a directory, at most so much of it; 0 leaves the kernel's limit."""
    options = f"size={size_bytes}" if size_bytes else ""
    mount("tmpfs", target, fstype="tmpfs", flags=MS_NOSUID | MS_NODEV, options=options)


def bind(fd: int, target: Path) -> None:
    """Show what an open descriptor stands for at a path, whatever its name means meanwhile.

    Raises:
        OSError: As mount(2) says; ENOTDIR when only one of both is a directory.
    """
    mount(f"/proc/self/fd/{fd}", target, fstype="", flags=MS_BIND)


def unmount(target: Path) -> None:
    """Unmount what is topmost at a path; a busy one goes when its last user does.

    Nothing being mounted there is no error.

    Raises:
        OSError: As umount2(2) says.
    """
    path = os.fsencode(target)
    if not _libc().umount2(path, UMOUNT_NOFOLLOW):
        return
    code = ctypes.get_errno()
    if code in {errno.EINVAL, errno.ENOENT}:
        return
    if code != errno.EBUSY:
        raise OSError(code, os.strerror(code), str(target))
    _check(_libc().umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH), target)


def unmount_below(directory: Path) -> Sequence[Path]:
    """Unmount all that is at or below a directory; what is still mounted there afterwards."""
    points = below(directory)
    for point in points:
        unmount(point)
    return below(directory) if points else ()


def _naming(path: Path) -> Sequence[MountEntry]:
    """The mounts whose lines name a path, and maybe others.

    Each pod has three or four mounts, and every removed pod asks: reading all lines whole took
    most of the time of a removal where there are many pods.
    """
    text = _MOUNTINFO.read_text(errors="surrogateescape")
    plain = _ESCAPED.split(str(path))[0]
    return parse("\n".join(line for line in text.split("\n") if plain in line))


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    text = ctypes.c_char_p
    libc.mount.argtypes = (text, text, text, ctypes.c_ulong, text)
    libc.umount2.argtypes = (text, ctypes.c_int)
    return libc


def _check(code: int, target: Path) -> None:
    if code:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
