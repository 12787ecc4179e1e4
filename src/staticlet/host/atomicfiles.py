"""A directory of files that change all at once: a reader sees all of the old or all of the new.

Follows the kubelet's atomic writer, down to the names that programs have come to know:

    ..data -> ..a1b2c3       a link, which alone is replaced by a change
    ..a1b2c3/key             the files, in a directory of their own
    key -> ..data/key        what users open

Whoever is killed in the middle leaves the old files in force, or the new ones, and something that
the next write clears away. What is written already is not written again.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

DATA = "..data"
_NEXT = "..data_tmp"
_OWN = ".."
"""What the names of everything that is not for users begin with."""

DIRECTORY_MODE = 0o755
_LINK_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class BadPath(ValueError):
    """A file's path would lead out of the directory, or into what is not for users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file.

    Attributes:
        path: Where it is, relative to the directory.
        content: What is in it; never part of a repr.
        mode: Its permissions.
        owner: The user that owns it.
    """

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    owner: int = 0


def write(directory: Path, files: Iterable[File], *, group: int | None = None) -> bool:
    """Make the files of a directory these, and no others.

    Args:
        directory: It is there, and nobody else writes to it.
        files: Of two with one path, the last one counts.
        group: Owns all of them, and reads them; directories hand it down.

    Returns:
        Whether anything had to be changed.

    Raises:
        BadPath: A file cannot be where it is to be.
        OSError: The machine refused; what was there is in force.
    """
    wanted = {each.path: each for each in files}
    for path in wanted:
        _check(path, wanted)
    present = _present(directory)
    changed = present is None or _content(directory / present) != _wished(wanted, group)
    if changed:
        present = _replace(directory, [*wanted.values()], group)
    _show(directory, {PurePosixPath(path).parts[0] for path in wanted})
    _clear(directory, kept={DATA, present or ""})
    return changed


def _check(path: str, others: Mapping[str, File]) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        raise BadPath(f"{path!a} is no Unicode text") from None
    pure = PurePosixPath(path)
    steps = path.split("/")
    if not path or "\0" in path or pure.is_absolute() or ".." in steps or "" in steps:
        raise BadPath(f'"{path}" is no path inside the volume')
    if "." in steps or steps[0].startswith(_OWN):
        raise BadPath(f'"{path}" must not have a step "." and must not start with ".."')
    if any(str(parent) in others for parent in pure.parents):
        raise BadPath(f'"{path}" is to be below another file')


def _present(directory: Path) -> str | None:
    """The directory that is in force."""
    try:
        name = os.readlink(directory / DATA)  # noqa: PTH115  its text is asked for
    except OSError:
        return None
    fine = name.startswith(_OWN) and "/" not in name and (directory / name).is_dir()
    return name if fine else None


def _wished(files: Mapping[str, File], group: int | None) -> Mapping[str, tuple[object, ...]]:
    own = 0 if group is None else group
    return {path: (one.content, one.mode, one.owner, own) for path, one in files.items()}


def _content(directory: Path) -> Mapping[str, tuple[object, ...]]:
    """All files with what can be told of them, to be compared with what is wished."""
    found: dict[str, tuple[object, ...]] = {}
    for path in directory.rglob("*"):
        seen = path.lstat()
        if stat.S_ISDIR(seen.st_mode):
            continue
        content = path.read_bytes() if stat.S_ISREG(seen.st_mode) else None
        facts = (content, stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid)
        found[str(path.relative_to(directory))] = facts
    return found


def _replace(directory: Path, files: Sequence[File], group: int | None) -> str:
    """Write the files to a new directory and put it in force; its name."""
    fresh = Path(tempfile.mkdtemp(prefix=_OWN, dir=directory))
    try:
        _own_directory(fresh, group)
        for each in files:
            _write_one(fresh, each, group)
        link = directory / _NEXT
        link.unlink(missing_ok=True)
        link.symlink_to(fresh.name)
        link.replace(directory / DATA)
    except BaseException:
        if _present(directory) != fresh.name:
            shutil.rmtree(fresh, ignore_errors=True)
        raise
    return fresh.name


def _write_one(fresh: Path, each: File, group: int | None) -> None:
    path = fresh / each.path
    for parent in [*path.relative_to(fresh).parents][-2::-1]:
        if not (fresh / parent).is_dir():
            (fresh / parent).mkdir()
            _own_directory(fresh / parent, group)
    fd = os.open(path, _LINK_FLAGS, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(each.content)
        os.fchown(fd, each.owner, 0 if group is None else group)
        os.fchmod(fd, each.mode)


def _own_directory(directory: Path, group: int | None) -> None:
    if group is None:
        directory.chmod(DIRECTORY_MODE)
        return
    os.chown(directory, 0, group)
    directory.chmod(DIRECTORY_MODE | stat.S_ISGID)


def _show(directory: Path, names: set[str]) -> None:
    """Give users a link for each first step of a path, and no others."""
    for name in _names(directory):
        if not name.startswith(_OWN) and name not in names:
            _remove(directory / name)
    for name in sorted(names):
        link, target = directory / name, f"{DATA}/{name}"
        if link.is_symlink() and os.readlink(link) == target:  # noqa: PTH115
            continue
        if link.is_symlink() or link.exists():
            _remove(link)
        link.symlink_to(target)


def _clear(directory: Path, *, kept: set[str]) -> None:
    """Remove what earlier writes left."""
    for name in _names(directory):
        if name.startswith(_OWN) and name not in kept:
            _remove(directory / name)


def _names(directory: Path) -> Iterator[str]:
    return iter(sorted(entry.name for entry in directory.iterdir()))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
