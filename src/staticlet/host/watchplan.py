"""Which directories are to be watched for the sake of one path, and why each."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from staticlet.host import pathwalk


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Why a directory is watched.

    Attributes:
        place: It is the directory itself.
        file: The name in it that is the single file.
        chain: Names in it that the path leads through.
        links: Names in it that a symlink of the directory leads through.
        targets: Those of them that the symlinks end in.
    """

    place: bool = False
    file: str = ""
    chain: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()

    @property
    def reads(self) -> bool:
        """Whether the content of files in it matters, not only their names."""
        return self.place or bool(self.file or self.targets)

    def joined(self, other: Role) -> Role:
        """Both reasons in one: the same directory under two paths."""
        return Role(
            place=self.place or other.place,
            file=self.file or other.file,
            chain=self.chain | other.chain,
            links=self.links | other.links,
            targets=self.targets | other.targets,
        )


NO_ROLE = Role()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to watch.

    Attributes:
        roles: By physical path, in the order in which the watches must be laid: outer directories
            first, so that what is replaced meanwhile is told.
        identity: Device and inode of what stands at the path now; None: nothing.
    """

    roles: dict[str, Role]
    identity: tuple[int, int] | None


def plan(path: str) -> Plan:
    """Plan the watch of an absolute path, as things are now."""
    walk = pathwalk.walk(path)
    chain = _Names(walk.steps)
    if walk.found is None:
        return Plan({each: Role(chain=chain.of(each)) for each in chain.directories}, None)
    identity = (walk.found.st_dev, walk.found.st_ino)
    if not stat.S_ISDIR(walk.found.st_mode):
        directory, name = os.path.split(walk.end)
        roles = {each: Role(chain=chain.of(each)) for each in chain.directories}
        roles[directory] = roles.get(directory, NO_ROLE).joined(Role(file=name))
        return Plan(roles, identity)
    found = pathwalk.links(walk.end)
    links = _Names(step for link in found for step in link.steps)
    targets = _Names(link.steps[-1] for link in found)
    roles = {
        each: Role(
            place=each == walk.end,
            chain=chain.of(each),
            links=links.of(each),
            targets=targets.of(each),
        )
        for each in dict.fromkeys((*chain.directories, walk.end, *links.directories))
    }
    return Plan(roles, identity)


class _Names:
    """Names by the directory that they are in."""

    def __init__(self, steps: Iterable[tuple[str, str]]) -> None:
        self._names: dict[str, set[str]] = {}
        for directory, name in steps:
            self._names.setdefault(directory, set()).add(name)

    @property
    def directories(self) -> tuple[str, ...]:
        return tuple(self._names)

    def of(self, directory: str) -> frozenset[str]:
        return frozenset(self._names.get(directory, ()))
