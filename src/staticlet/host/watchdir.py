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
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import asyncinotify

from staticlet.host import watchplan
from staticlet.host.change import Change, Kind

_Mask = asyncinotify.Mask
_STRUCTURE = _Mask.CREATE | _Mask.DELETE | _Mask.MOVE | _Mask.DELETE_SELF | _Mask.MOVE_SELF
_CONTENT = _STRUCTURE | _Mask.CLOSE_WRITE | _Mask.MODIFY | _Mask.ATTRIB
_GONE = _Mask.DELETE_SELF | _Mask.MOVE_SELF | _Mask.UNMOUNT | _Mask.IGNORED
_MOST_PASSES = 10
_MOST_EVENTS = 50_000
_PAIR_WINDOW_S = 0.002


_KINDS = (
    (_Mask.DELETE, Kind.DELETED),
    (_Mask.MOVED_FROM, Kind.MOVED_OUT),
    (_Mask.MOVED_TO, Kind.MOVED_IN),
    (_Mask.CREATE, Kind.CREATED),
    (_Mask.CLOSE_WRITE, Kind.WRITTEN),
    (_Mask.MODIFY, Kind.MODIFIED),
    (_Mask.ATTRIB, Kind.ATTRIB),
)


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
        self._roles: dict[int, watchplan.Role] = {}
        self._watches: dict[int, asyncinotify.Watch] = {}
        self._place: tuple[int, int] | None = None
        self._held = False
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
        if self._held:
            await asyncio.sleep(_PAIR_WINDOW_S)

    def take(self) -> tuple[Change, ...]:
        """All that happened since the last take, in order; the watch is laid anew if need be.

        The kernel queues the two halves of a move one after the other. Where only the first is
        there, it and what follows are held back once, for the next take, a moment later.
        """
        self._drain()
        self._awake.clear()
        split = len(self._events) if self._held else self._half_a_move()
        events, self._events = self._events[:split], self._events[split:]
        self._held = bool(self._events)
        if self._held:
            self._awake.set()
        changes = tuple(self._changes(events))
        if any(each.kind in _REARMING for each in changes):
            self._arm()
        return changes

    # What happened

    def _drain(self) -> None:
        if self._inotify is None:
            return
        for _ in range(_MOST_EVENTS):
            event = self._inotify.sync_get()
            if event is None:
                return
            self._events.append(event)
            self._awake.set()

    def _half_a_move(self) -> int:
        """Where the first move out of the place stands that lacks its other half, or the end."""
        moves = _Moves.of(self._events)
        for at, event in enumerate(self._events):
            if _Mask.MOVED_FROM in event.mask and not moves.target(event):
                role = self._roles.get(_wd(event), watchplan.NO_ROLE)
                if role.place or role.file:
                    return at
        return len(self._events)

    def _changes(self, events: list[asyncinotify.Event]) -> Iterator[Change]:
        """Events as changes. Once the place may be another, what its old self reports is void."""
        moves = _Moves.of(events)
        stale = False
        for event in events:
            mask, wd = event.mask, _wd(event)
            role = self._roles.get(wd, watchplan.NO_ROLE)
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
            plan = watchplan.plan(self._path)
            self._place = plan.identity
            self._lay(plan.roles)
            if watchplan.plan(self._path) == plan:
                return

    def _lay(self, plan: dict[str, watchplan.Role]) -> None:
        if self._inotify is None:
            return
        self.fault = ""
        roles: dict[int, watchplan.Role] = {}
        watches: dict[int, asyncinotify.Watch] = {}
        for directory, role in plan.items():
            mask = (_CONTENT if role.reads else _STRUCTURE) | _Mask.MASK_ADD | _Mask.ONLYDIR
            try:
                watch = self._inotify.add_watch(directory, mask)
            except OSError as fault:
                if fault.errno not in _VANISHED:
                    self.fault = _explained(fault)
                continue
            roles[watch.wd] = roles.get(watch.wd, watchplan.NO_ROLE).joined(role)
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
