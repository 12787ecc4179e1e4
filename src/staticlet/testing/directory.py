"""A manifest directory in memory, which drives the file source's decisions with virtual time.

It makes the events that Linux makes: the integration tests do the same on real file systems.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from staticlet.host.change import Change, Kind
from staticlet.kube import read
from staticlet.pods.sources import files, judge, known, scan
from staticlet.pods.wanted import Manifest, Snapshot

NODE = "node1"
PATH = "/manifests"


def manifest(name: str = "web", *, image: str = "nginx:1", extra: str = "") -> bytes:
    """A good manifest of one pod."""
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\nspec:\n"
        f"  containers:\n  - name: main\n    image: {image}\n{extra}"
    ).encode()


def images(snapshot: Snapshot) -> dict[str, tuple[str, int]]:
    """What a snapshot wants: the first image and the incarnation of each pod by its name."""
    return {
        pod.key.name: (pod.pod.spec.containers[0].image or "", pod.incarnation)
        for each in snapshot.manifests
        for pod in each.pods
        if pod.pod.spec
    }


def images_by_name(snapshot: Snapshot) -> dict[str, set[tuple[str, str]]]:
    """What each entry stands for: the names of its pods and their first images."""
    return {
        each.origin.rpartition("/")[2]: {
            (pod.key.name, pod.pod.spec.containers[0].image or "")
            for pod in each.pods
            if pod.pod.spec
        }
        for each in snapshot.manifests
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    data: bytes
    inode: int
    changed: int
    writing: bool = False
    mode: int = 0o644
    owner: int = 0
    kind: scan.EntryKind = scan.EntryKind.FILE

    @property
    def signature(self) -> scan.Signature:
        return scan.Signature(1, self.inode, len(self.data), self.changed, self.changed)


class FakeDirectory:
    """Files, the events of what is done to them, and the source's state."""

    def __init__(self, *, all_file_names: bool = False, leases: bool = True) -> None:
        self.rules = known.Rules(
            path=PATH,
            judge=judge.Judge(node_name=NODE, source="file", read=read.read),
            all_file_names=all_file_names,
        )
        self.state = known.State()
        self.now = 1000.0
        self.place = scan.Place.DIRECTORY
        self.fault = ""
        self.mode = 0o755
        self.reads: list[str] = []
        self._leases = leases
        self._files: dict[str, _Stored] = {}
        self._changes: list[Change] = []
        self._ticks = 0

    # What people do

    def write(self, name: str, data: bytes, *, mode: int = 0o644, owner: int = 0) -> None:
        """Open (truncating), write, close."""
        self.begin(name, data)
        self.close(name)
        self._files[name] = replace(self._files[name], mode=mode, owner=owner)

    def begin(self, name: str, data: bytes) -> None:
        """Open (truncating) and write, without closing."""
        before = self._files.get(name)
        if before is None:
            self._changes.append(Change(Kind.CREATED, name))
        inode = before.inode if before else self._tick()
        self._files[name] = _Stored(data=data, inode=inode, changed=self._tick(), writing=True)
        self._changes.append(Change(Kind.MODIFIED, name))

    def close(self, name: str) -> None:
        """Close what `begin` opened."""
        self._files[name] = replace(self._files[name], writing=False)
        self._changes.append(Change(Kind.WRITTEN, name))

    def move_in(self, name: str, data: bytes) -> None:
        """Rename a file from elsewhere, over what is there."""
        self._files[name] = _Stored(data=data, inode=self._tick(), changed=self._tick())
        self._changes.append(Change(Kind.MOVED_IN, name))

    def move_out(self, name: str) -> bytes:
        """Rename a file to elsewhere; its content."""
        self._changes.append(Change(Kind.MOVED_OUT, name))
        return self._files.pop(name).data

    def delete(self, name: str) -> None:
        """Unlink a file."""
        del self._files[name]
        self._changes.append(Change(Kind.DELETED, name))

    def rename(self, old: str, new: str) -> None:
        """Rename within the directory, over what is there."""
        self._files[new] = self._files.pop(old)
        self._changes.append(Change(Kind.RENAMED, new, old))

    def touch(self, name: str) -> None:
        """Change the times of a file."""
        self._files[name] = replace(self._files[name], changed=self._tick())
        self._changes.append(Change(Kind.ATTRIB, name))

    def make(self, name: str, kind: scan.EntryKind) -> None:
        """Make an entry that is no regular file."""
        self._files[name] = _Stored(data=b"", inode=self._tick(), changed=0, kind=kind)
        self._changes.append(Change(Kind.CREATED, name))

    def forget_events(self) -> None:
        """Lose what was not looked at yet, as when the kernel's queue overflows."""
        self._changes = [Change(Kind.OVERFLOW)]

    def replace_place(self) -> None:
        """Another directory with the same files takes the place of this one."""
        self._files = {
            name: replace(each, inode=self._tick(), changed=self._tick())
            for name, each in self._files.items()
        }
        self._changes.append(Change(Kind.REPLACED))

    # What the source does

    def look(self, *, after_s: float = 0.0) -> Snapshot:
        """Let time pass, scan, read, and take the snapshot; `reads` tells what was read."""
        self.now += after_s
        self.state = files.observe(
            self.state, seen=self._scan(), changes=self._changes, now=self.now, rules=self.rules
        )
        self._changes = []
        self.reads = list(self.state.reads)
        outcomes = {name: self._read(name) for name in self.state.reads}
        self.state = files.absorb(
            self.state, outcomes=outcomes, now=self.now, time=self._time(), rules=self.rules
        )
        return files.snapshot(self.state)

    def settle(self) -> Snapshot:
        """Look again at each deadline until none is left but those of open files."""
        snapshot = self.look()
        for _ in range(10):
            if self.state.deadline is None:
                break
            snapshot = self.look(after_s=max(0.0, self.state.deadline - self.now))
        return snapshot

    def shown(self, name: str) -> Manifest:
        """A manifest of the present snapshot."""
        found = {each.origin: each for each in files.snapshot(self.state).manifests}
        return found[f"{PATH}/{name}"]

    def _scan(self) -> scan.Scan:
        if self.place is not scan.Place.DIRECTORY:
            return scan.Scan(place=self.place, fault=self.fault)
        entries = {
            name: scan.Entry(each.kind, each.signature)
            for name, each in sorted(self._files.items())
            if not name.startswith(".")
        }
        return scan.Scan(place=self.place, entries=entries, mode=self.mode)

    def _read(self, name: str) -> scan.Outcome:
        stored = self._files[name]
        if stored.writing and self._leases:
            return scan.Busy()
        return scan.Content(
            data=stored.data,
            signature=stored.signature,
            mode=stored.mode,
            owner=stored.owner,
            closed=True if self._leases else None,
        )

    def _tick(self) -> int:
        """A new number; as a time, nanoseconds of the present second."""
        self._ticks += 1
        return int(self._time().timestamp() * 1_000_000_000) + self._ticks

    def _time(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now)
