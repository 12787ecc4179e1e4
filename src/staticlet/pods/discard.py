"""Removing what a pod or a container left on this machine, and nothing else.

What a pod leaves may hold mounts: its own tmpfs and subPaths, and whatever its containers mounted
in a shared volume. All of them are unmounted first, and nothing is removed while any is left: a
removal never goes through a mount into a hostPath or another file system.

Plain functions that block; doing them again is no error.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Set
from pathlib import Path

from staticlet.host import mounts
from staticlet.pods import paths
from staticlet.pods.wanted import PodKey


class CleanupFault(Exception):
    """Something of a pod could not be removed; it is left as it is, and can be tried again."""


def remove_pod(where: paths.PodPaths) -> None:
    """Remove a pod's directory, its logs and the links to them: after its last container.

    The mark that says whose it is goes last of all: whoever is killed in between leaves something
    that the next one knows as ours.

    Raises:
        CleanupFault: A mount or a file could not be removed.
    """
    _empty(where.directory, but=paths.MARK)
    remove_logs(where)
    _remove_tree(where.directory)


def remove_husks(root_dir: Path, *, but: Set[str] = frozenset()) -> None:
    """Remove pod directories with nothing in them, whose mark is gone already or not there yet.

    That is what an agent leaves that is killed at the first or the last step of a pod.

    Args:
        root_dir: The agent's root directory.
        but: UIDs whose directories are in use.
    """
    for uid in _names(root_dir / "pods") - but:
        directory = root_dir / "pods" / uid
        if _names(directory) <= {paths.NEW_MARK}:
            try:
                (directory / paths.NEW_MARK).unlink(missing_ok=True)
                directory.rmdir()
            except OSError:
                continue  # no directory, or something came into it: it is no husk


def left_behind(root_dir: Path, *, but: Set[str] = frozenset()) -> Mapping[str, PodKey]:
    """The pods that have a directory of ours here, by UID; those of a kubelet are not ours.

    Args:
        root_dir: The agent's root directory.
        but: UIDs that are not asked about: their directories are not looked into.
    """
    found = {}
    for uid in _names(root_dir / "pods") - but:
        try:
            text = (root_dir / "pods" / uid / paths.MARK).read_text()
        except (OSError, UnicodeDecodeError):
            continue  # being removed, or nothing that we wrote
        namespace, _, name = text.strip().partition("/")
        if namespace and name:
            found[uid] = PodKey(namespace, name)
    return found


def _names(directory: Path) -> Set[str]:
    try:
        return frozenset(os.listdir(directory))  # noqa: PTH208  names are all that is asked for
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def remove_logs(where: paths.PodPaths) -> None:
    """Remove a pod's log directory and the old style links into it.

    Raises:
        CleanupFault: A file could not be removed.
    """
    try:
        for link in _links(where.links, prefix=where.link_prefix):
            if _target(link).is_relative_to(where.log_directory):
                link.unlink(missing_ok=True)
    except OSError as fault:
        raise CleanupFault(f"cannot remove links to {where.log_directory}: {fault}") from fault
    _remove_tree(where.log_directory)


def remove_container(
    where: paths.PodPaths, container: str, restart_count: int, container_id: str
) -> None:
    """Remove what one start of a container left: its log with rotated parts, its last words.

    Raises:
        CleanupFault: A file could not be removed.
    """
    log_file = where.log_file(container, restart_count)
    try:
        where.log_link(container, container_id).unlink(missing_ok=True)
        where.termination_log(container, restart_count).unlink(missing_ok=True)
        for file in log_file.parent.glob(f"{log_file.name}*"):
            file.unlink(missing_ok=True)
    except OSError as fault:
        raise CleanupFault(f"cannot remove what {container_id} left: {fault}") from fault


def remove_older(where: paths.PodPaths, container: str, restart_count: int) -> None:
    """Remove what all lives of a container left but the present and the last one.

    Those that went with their sandbox were not removed one by one, so that the log of the last
    life can still be read; once the next one has begun, nobody asks for the one before.

    Raises:
        CleanupFault: A file could not be removed.
    """
    logs = where.container_log_directory(container)
    messages = where.container_directory(container)
    lives = {logs / name: _count(name.partition(".")[0], 10) for name in _names(logs)}
    lives |= {messages / name: _count(name, 16) for name in _names(messages)}
    try:
        for path, count in lives.items():
            if count is not None and count < restart_count - 1:
                path.unlink(missing_ok=True)
    except OSError as fault:
        raise CleanupFault(f"cannot remove what {container} left: {fault}") from fault


def _count(name: str, base: int) -> int | None:
    return int(name, base) if re.fullmatch("[0-9a-f]+" if base > 10 else "[0-9]+", name) else None


def remove_dead_links(links: Path, logs: Path) -> int:
    """Remove old style links to logs that are gone; how many.

    Args:
        links: Where the links are.
        logs: Where the logs are: links to elsewhere are somebody else's and stay.
    """
    removed = 0
    for link in _links(links):
        if _target(link).is_relative_to(logs) and not link.exists():
            link.unlink(missing_ok=True)
            removed += 1
    return removed


def _remove_tree(directory: Path) -> None:
    """Unmount and remove a directory with all that is in it."""
    _empty(directory)
    try:
        directory.rmdir()
    except FileNotFoundError:
        pass  # removed before
    except OSError as fault:
        raise CleanupFault(f"cannot remove {directory}: {fault}") from fault


def _empty(directory: Path, *, but: str = "") -> None:
    """Unmount and remove what is in a directory, except one entry."""
    try:
        held = mounts.unmount_below(directory)
    except OSError as fault:
        raise CleanupFault(f"cannot unmount what is below {directory}: {fault}") from fault
    if held:
        raise CleanupFault(f"cannot remove {directory}: {held[0]} is still mounted")
    try:
        for entry in directory.iterdir():
            if entry.name != but:
                _remove_entry(entry)
    except FileNotFoundError:
        pass  # removed before
    except OSError as fault:
        raise CleanupFault(f"cannot remove {directory}: {fault}") from fault


def _remove_entry(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def _links(directory: Path, *, prefix: str = "") -> list[Path]:
    try:
        with os.scandir(directory) as entries:
            named = (entry for entry in entries if entry.name.startswith(prefix))
            return [Path(entry.path) for entry in named if entry.is_symlink()]
    except FileNotFoundError:
        return []


def _target(link: Path) -> Path:
    """Where a link leads, by its text alone; a link that is gone leads nowhere."""
    try:
        return link.readlink()
    except OSError:
        return Path()
