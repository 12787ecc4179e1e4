"""Notices, by inotify, whatever may change what a path shows: a directory or a single file.

The path may be missing, be a symlink or lead through some, and be replaced at any time; entries
of the directory may be symlinks too. Besides the directory itself, the watch is therefore on every
directory that the resolution of the path walks through (in each, only the one name matters) and on
those that the directory's symlinks lead through. Whenever one of these names changes, the watch is
laid anew.

It knows nothing of what the files hold. Events only say what happened, in the kernel's order; who
wants the truth looks at the directory after `take`: the watch is laid before, so that nothing
falls between.
"""

from __future__ import annotations

import asyncio
import enum
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import asyncinotify

from staticlet.host import pathwalk

_Mask = asyncinotify.Mask
_STRUCTURE = _Mask.CREATE | _Mask.DELETE | _Mask.MOVE | _Mask.DELETE_SELF | _Mask.MOVE_SELF
_CONTENT = _STRUCTURE | _Mask.CLOSE_WRITE | _Mask.MODIFY | _Mask.ATTRIB
_GONE = _Mask.DELETE_SELF | _Mask.MOVE_SELF | _Mask.UNMOUNT | _Mask.IGNORED
_MOST_PASSES = 10
_PAIR_WINDOW_S = 0.002


class Kind(enum.Enum):
    """What happened."""

    CREATED = enum.auto()
    """A name appeared; a file of that name may still be empty."""
    MODIFIED = enum.auto()
    """Written to, and not closed yet."""
    WRITTEN = enum.auto()
    """A writer closed it."""
    MOVED_IN = enum.auto()
    """Moved here from elsewhere, perhaps over another file."""
    MOVED_OUT = enum.auto()
    """Moved elsewhere."""
    RENAMED = enum.auto()
    """Moved within the directory, from `old` to `name`."""
    DELETED = enum.auto()
    """The name was unlinked."""
    ATTRIB = enum.auto()
    """Mode, owner, times or link count changed."""
    ELSEWHERE = enum.auto()
    """Something that a symlink in the directory leads through changed."""
    REPLACED = enum.auto()
    """The place itself appeared, went, or became another."""
    OVERFLOW = enum.auto()
    """The kernel dropped events: anything may have happened."""


@dataclass(frozen=True, slots=True)
class Change:
    """One event; `name` is an entry of the directory (or the single file), else empty."""

    kind: Kind
    name: str = ""
    old: str = ""


_KINDS = (
    (_Mask.DELETE, Kind.DELETED),
    (_Mask.MOVED_FROM, Kind.MOVED_OUT),
    (_Mask.MOVED_TO, Kind.MOVED_IN),
    (_Mask.CREATE, Kind.CREATED),
    (_Mask.CLOSE_WRITE, Kind.WRITTEN),
    (_Mask.MODIFY, Kind.MODIFIED),
    (_Mask.ATTRIB, Kind.ATTRIB),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
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

    def mask(self) -> asyncinotify.Mask:
        return _CONTENT if self.place or self.file or self.targets else _STRUCTURE

    def joined(self, other: _Role) -> _Role:
        return _Role(
            place=self.place or other.place,
            file=self.file or other.file,
            chain=self.chain | other.chain,
            links=self.links | other.links,
            targets=self.targets | other.targets,
        )


_NO_ROLE = _Role()
_VANISHED = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_REARMING = frozenset(
    {
        Kind.CREATED,
        Kind.MOVED_IN,
        Kind.MOVED_OUT,
        Kind.RENAMED,
        Kind.DELETED,
        Kind.ELSEWHERE,
        Kind.REPLACED,
        Kind.OVERFLOW,
    }
)


class WatchDir:
    """A watch on one path, for one asyncio task.

    Attributes:
        fault: Why nothing (or not everything) can be watched; empty when all is well. The caller
            then depends on looking from time to time.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.fault = ""
        self._path = os.path.abspath(path)  # noqa: PTH100  a string: it is walked name by name
        self._awake = asyncio.Event()
        self._events: list[asyncinotify.Event] = []
        self._roles: dict[int, _Role] = {}
        self._watches: dict[int, asyncinotify.Watch] = {}
        self._place: tuple[int, int] | None = None
        self._inotify: asyncinotify.Inotify | None = None

    def __enter__(self) -> Self:
        try:
            self._inotify = asyncinotify.Inotify(cache_size=256, sync_timeout=0)
        except OSError as fault:
            self.fault = _explained(fault)
            return self
        asyncio.get_running_loop().add_reader(self._inotify.fd, self._drain)
        self._arm()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.fd)
            self._inotify.close()

    async def changed(self) -> None:
        """Wait until there is something to take; may be cancelled without loss."""
        await self._awake.wait()
        if self._half_a_move():
            await asyncio.sleep(_PAIR_WINDOW_S)  # the other half is queued in the same system call

    def take(self) -> tuple[Change, ...]:
        """All that happened since the last take, in order; the watch is laid anew if need be."""
        self._drain()
        self._awake.clear()
        events, self._events = self._events, []
        changes = tuple(self._changes(events))
        if any(each.kind in _REARMING for each in changes):
            self._arm()
        return changes

    # What happened

    def _drain(self) -> None:
        if self._inotify is None:
            return
        while (event := self._inotify.sync_get()) is not None:
            self._events.append(event)
            self._awake.set()

    def _half_a_move(self) -> bool:
        cookies: set[int] = set()
        for event in self._events:
            if _Mask.MOVED_FROM in event.mask:
                cookies.add(event.cookie)
            elif _Mask.MOVED_TO in event.mask:
                cookies.discard(event.cookie)
        return bool(cookies)

    def _changes(self, events: list[asyncinotify.Event]) -> Iterator[Change]:
        """Events as changes. Once the place may be another, what its old self reports is void."""
        moves = _Moves.of(events)
        stale = False
        for event in events:
            mask, wd = event.mask, _wd(event)
            role = self._roles.get(wd, _NO_ROLE)
            name = str(event.name) if event.name is not None else ""
            if _Mask.Q_OVERFLOW in mask:
                yield Change(Kind.OVERFLOW)
            elif mask & _GONE:
                if wd in self._watches:
                    stale = stale or role.place
                    yield Change(Kind.REPLACED)
                continue
            if name in role.chain and mask & _STRUCTURE:
                stale = stale or not self._same_place()
                yield Change(Kind.REPLACED)
            if name in role.links and (mask & _STRUCTURE or name in role.targets):
                yield Change(Kind.ELSEWHERE)
            if name and name == role.file:
                yield from self._of_file(event, moves)
            elif name and role.place and not stale:
                yield from moves.named(event, name)

    def _of_file(self, event: asyncinotify.Event, moves: _Moves) -> Iterator[Change]:
        """A change of the single file, under the name by which the caller knows it."""
        name = os.path.basename(self._path)  # noqa: PTH119
        target = moves.target(event)
        if _Mask.MOVED_TO in event.mask:
            yield Change(Kind.MOVED_IN, name)
        elif target:
            yield Change(Kind.RENAMED, target, name)
        else:
            yield from _plain(event.mask, name)

    def _same_place(self) -> bool:
        try:
            found = os.stat(self._path)  # noqa: PTH116  one system call
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._place

    # What is watched

    def _arm(self) -> None:
        """Watch all that the path leads through now; repeat until nothing moved meanwhile."""
        for _ in range(_MOST_PASSES):
            plan = self._planned()
            self._lay(plan)
            if self._planned() == plan:
                return

    def _lay(self, plan: dict[str, _Role]) -> None:
        if self._inotify is None:
            return
        self.fault = ""
        roles: dict[int, _Role] = {}
        watches: dict[int, asyncinotify.Watch] = {}
        for directory, role in plan.items():
            mask = role.mask() | _Mask.MASK_ADD | _Mask.ONLYDIR
            try:
                watch = self._inotify.add_watch(directory, mask)
            except OSError as fault:
                if fault.errno not in _VANISHED:
                    self.fault = _explained(fault)
                continue
            roles[watch.wd] = roles.get(watch.wd, _NO_ROLE).joined(role)
            watches[watch.wd] = watch
        for wd, watch in self._watches.items():
            if wd not in watches:
                self._forget(watch)
        self._roles, self._watches = roles, watches

    def _forget(self, watch: asyncinotify.Watch) -> None:
        try:
            if self._inotify is not None:
                self._inotify.rm_watch(watch)
        except OSError:
            pass  # the kernel removed it with its directory

    def _planned(self) -> dict[str, _Role]:
        """Each directory to be watched, by its physical path, and why; outer ones first."""
        plan: dict[str, _Role] = {}

        def add(directory: str, role: _Role) -> None:
            plan[directory] = plan.get(directory, _NO_ROLE).joined(role)

        walk = pathwalk.walk(self._path)
        for directory, name in walk.steps:
            add(directory, _Role(chain=frozenset({name})))
        self._place = (walk.found.st_dev, walk.found.st_ino) if walk.found else None
        if walk.found is None:
            return plan
        if not stat.S_ISDIR(walk.found.st_mode):
            directory, name = os.path.split(walk.end)
            add(directory, _Role(file=name))
            return plan
        add(walk.end, _Role(place=True))
        for link in pathwalk.links(walk.end):
            for directory, name in link.steps:
                add(directory, _Role(links=frozenset({name})))
            directory, name = link.steps[-1]
            add(directory, _Role(targets=frozenset({name})))
        return plan


@dataclass(frozen=True, slots=True)
class _Moves:
    """Which halves of moves belong together, by watch and cookie."""

    arrivals: dict[tuple[int, int], str]
    departures: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, events: list[asyncinotify.Event]) -> _Moves:
        return cls(
            {_pair(each): str(each.name) for each in events if _Mask.MOVED_TO in each.mask},
            frozenset(_pair(each) for each in events if _Mask.MOVED_FROM in each.mask),
        )

    def target(self, event: asyncinotify.Event) -> str:
        """The new name of a departure within its directory; empty when it left."""
        return self.arrivals.get(_pair(event), "") if _Mask.MOVED_FROM in event.mask else ""

    def named(self, event: asyncinotify.Event, name: str) -> Iterator[Change]:
        """A change of an entry; the arriving half of a rename was told with the other."""
        target = self.target(event)
        if target:
            yield Change(Kind.RENAMED, target, name)
        elif not (_Mask.MOVED_TO in event.mask and _pair(event) in self.departures):
            yield from _plain(event.mask, name)


def _plain(mask: asyncinotify.Mask, name: str) -> Iterator[Change]:
    for bit, kind in _KINDS:
        if bit in mask:
            yield Change(kind, name)


def _pair(event: asyncinotify.Event) -> tuple[int, int]:
    return _wd(event), event.cookie


def _wd(event: asyncinotify.Event) -> int:
    watch = event.watch
    return -1 if watch is None else watch.wd


def _explained(fault: OSError) -> str:
    limits = {
        errno.ENOSPC: "raise fs.inotify.max_user_watches",
        errno.EMFILE: "raise fs.inotify.max_user_instances or the limit on open files",
    }
    advice = limits.get(fault.errno or 0, "changes are seen at the next re-list only")
    return f"cannot watch for changes: {os.strerror(fault.errno or 0).lower()}: {advice}"
