"""Paths, and the file systems that they are on."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from staticlet.app.doctor import placefacts
from staticlet.config.settings import Settings
from staticlet.host import mounts, pathwalk


def places(settings: Settings, *, runtime_root: str) -> placefacts.Places:
    """Where the agent and the runtime keep things."""
    return placefacts.Places(
        root_dir=place(settings.root_dir),
        pod_logs_dir=place(settings.pod_logs_dir),
        runtime_root=place(Path(runtime_root)) if runtime_root else None,
    )


def place(path: Path) -> placefacts.Place:
    """A path, and the file system that it is on or would be on."""
    kind, fault, found = placefacts.Kind.MISSING, "", None
    try:
        found = path.stat()
        kind = kind_of(found.st_mode)
    except (FileNotFoundError, NotADirectoryError):
        pass  # missing
    except OSError as error:
        fault = f"cannot be looked at: {(error.strerror or str(error)).lower()}"
    near = _nearest(path)
    entry = mounted_at(near.resolve(), mounts.current())
    room = os.statvfs(near)
    return placefacts.Place(
        path=str(path),
        kind=kind,
        access=access(str(path), found) if found else None,
        nearest=str(near),
        fstype=entry.fstype if entry else "",
        mount_point=str(entry.point) if entry else "/",
        flags=flags_of(entry) if entry else (),
        total_bytes=room.f_blocks * room.f_frsize,
        free_bytes=room.f_bavail * room.f_frsize,
        total_inodes=room.f_files,
        free_inodes=room.f_favail,
        fault=fault,
    )


def access(path: str, found: os.stat_result) -> placefacts.Access:
    """Who may write there."""
    return placefacts.Access(path=path, owner=found.st_uid, mode=stat.S_IMODE(found.st_mode))


def parents(path: Path) -> tuple[placefacts.Access, ...]:
    """Every directory that a path is found through, symlinks followed."""
    steps = pathwalk.walk(str(path)).steps
    found = []
    for directory in dict.fromkeys(directory for directory, _ in steps):
        try:
            found.append(access(directory, os.stat(directory)))  # noqa: PTH116  a string already
        except OSError:
            continue  # it went meanwhile
    return tuple(found)


def kind_of(mode: int) -> placefacts.Kind:
    """What a file mode stands for."""
    if stat.S_ISDIR(mode):
        return placefacts.Kind.DIRECTORY
    if stat.S_ISREG(mode):
        return placefacts.Kind.FILE
    return placefacts.Kind.SOCKET if stat.S_ISSOCK(mode) else placefacts.Kind.OTHER


def mounted_at(path: Path, entries: Sequence[mounts.MountEntry]) -> mounts.MountEntry | None:
    """The mount that a real path is on: the deepest, and of two at one place the last."""
    chosen = None
    for entry in entries:
        if path.is_relative_to(entry.point) and (
            chosen is None or len(entry.point.parts) >= len(chosen.point.parts)
        ):
            chosen = entry
    return chosen


def flags_of(entry: mounts.MountEntry) -> tuple[str, ...]:
    """The options of the mount; `ro` also when the file system itself went read-only."""
    return (*entry.flags, "ro") if "ro" in entry.options else entry.flags


def _nearest(path: Path) -> Path:
    """The path, or the nearest directory above that is there."""
    for near in (path, *path.parents):
        if os.access(near, os.F_OK):
            return near
    return Path("/")
