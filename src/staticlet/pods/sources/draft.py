"""The next state of the file source in the making: events applied, then compared with a scan."""

from __future__ import annotations

from dataclasses import replace

from staticlet.host.change import Change, Kind
from staticlet.kube import finding
from staticlet.pods.sources import judge, known, scan
from staticlet.pods.sources.known import File, Rules, State
from staticlet.pods.wanted import Manifest, ManifestState, PodKey


class Draft:
    """The next state in the making, for the length of one `observe`."""

    def __init__(self, state: State, *, rules: Rules, now: float) -> None:
        self.state = state
        self.rules = rules
        self.now = now
        self.files = dict(state.files)
        self.left: set[PodKey] = set()
        self.closed = set(state.closed)
        self.written = set(state.written)

    def apply(self, change: Change) -> None:
        """One event: move, drop or mark the file it speaks of."""
        match change.kind:
            case Kind.DELETED | Kind.MOVED_OUT:
                self._drop(change.name)
            case Kind.RENAMED:
                self._rename(change.old, change.name)
            case Kind.WRITTEN | Kind.MOVED_IN:
                self.closed.add(change.name)
                self.written.discard(change.name)
            case Kind.MODIFIED:
                self.closed.discard(change.name)
                self.written.add(change.name)
            case Kind.OVERFLOW:
                self.written.clear()
            case _:
                pass  # the scan tells

    def missing(self) -> State:
        """The path does not exist: after a moment its pods go, as with the kubelet."""
        since = self.now if self.state.missing_since is None else self.state.missing_since
        if self.now < since + known.MISSING_S:
            return self._state(
                self.state, missing_since=since, reads=(), deadline=since + known.MISSING_S
            )
        for name in list(self.files):
            self._drop(name)
        words = "does not exist: create it, or set staticPodPath to where the manifests are"
        said = (self._said(finding.Severity.WARNING, words),)
        return self._state(
            self.state,
            ready=True,
            missing_since=since,
            findings=said,
            ignored=(),
            reads=(),
            deadline=None,
        )

    def unreadable(self, fault: str) -> State:
        """The path cannot be looked at: nothing changes but what is said."""
        words = f"{fault}: what ran from it goes on running"
        said = (self._said(finding.Severity.ERROR, words),)
        return self._state(self.state, findings=said, reads=(), missing_since=None, deadline=None)

    def compared(self, seen: scan.Scan) -> State:
        """The path is there: compare its entries with what is known."""
        single = seen.place is scan.Place.FILE
        state = replace(self.state, single=single)
        names = [name for name, each in seen.entries.items() if self._counts(name, each, single)]
        present = set(names)
        self._follow_renames(seen, present)
        deadline = self._settle_absent(present)
        reads = []
        for name in names:
            file = self.files.get(name)
            if file is None or file.judged.manifest.origin != known.origin(
                name, state=state, rules=self.rules
            ):
                file = self._new(name, file, state=state)
            elif file.absent_since is not None:
                file = replace(file, absent_since=None)
            self.files[name] = file
            signature = seen.entries[name].signature
            changed = file.signature is None or file.signature != signature
            if changed or file.writing or name in self.closed:
                reads.append(name)
        return self._state(
            state,
            ready=True,
            missing_since=None,
            findings=() if single else self._permissions(seen),
            ignored=() if single else self._ignored(seen, present),
            reads=tuple(reads),
            deadline=deadline,
        )

    def _counts(self, name: str, entry: scan.Entry, single: bool) -> bool:  # noqa: FBT001  private
        if single:
            return True
        regular = entry.kind in (scan.EntryKind.FILE, scan.EntryKind.UNKNOWN)
        return regular and known.is_manifest(name, rules=self.rules)

    def _new(self, name: str, before: File | None, *, state: State) -> File:
        path = known.origin(name, state=state, rules=self.rules)
        if before is not None:  # a directory became a single file, or the other way round
            return File(judged=judge.moved(before.judged, origin=path))
        return File(judged=judge.judged(path, findings=(), fresh=(), kept=()))

    def _rename(self, old: str, new: str) -> None:
        self.written.discard(old)
        self.closed.add(new)
        file = self.files.get(old)
        if not known.is_manifest(new, rules=self.rules) or self.state.single:
            if file is not None:
                self.files[old] = replace(file, absent_since=self.now)
            return
        if file is None:
            return
        self._drop(new)
        del self.files[old]
        path = known.origin(new, state=self.state, rules=self.rules)
        self.files[new] = replace(file, judged=judge.moved(file.judged, origin=path))

    def _drop(self, name: str) -> None:
        file = self.files.pop(name, None)
        self.closed.discard(name)
        self.written.discard(name)
        if file is not None:
            self.left |= {good.pod.key for good in file.judged.goods}

    def _follow_renames(self, seen: scan.Scan, present: set[str]) -> None:
        """Renames that no event told of: the same file, unchanged, under another name."""
        lost = {
            file.signature.unnamed: name
            for name, file in self.files.items()
            if name not in present and file.signature is not None
        }
        if not lost:
            return
        for name in sorted(present - self.files.keys()):
            signature = seen.entries[name].signature
            old = lost.pop(signature.unnamed, "") if signature else ""
            if old:
                self._rename(old, name)

    def _settle_absent(self, present: set[str]) -> float | None:
        deadline: float | None = None
        for name in [name for name in self.files if name not in present]:
            file = self.files[name]
            since = self.now if file.absent_since is None else file.absent_since
            if not self.state.ready or self.now >= since + known.ABSENCE_S:
                self._drop(name)
            else:
                self.files[name] = replace(file, absent_since=since)
                deadline = known.sooner(deadline, since + known.ABSENCE_S)
        return deadline

    def _ignored(self, seen: scan.Scan, present: set[str]) -> tuple[Manifest, ...]:
        return tuple(
            Manifest(
                origin=f"{self.rules.path}/{name}",
                state=ManifestState.IGNORED,
                note=_why_ignored(entry, name, rules=self.rules),
            )
            for name, entry in seen.entries.items()
            if name not in present
        )

    def _permissions(self, seen: scan.Scan) -> tuple[finding.Finding, ...]:
        words = known.risk(seen.mode, seen.owner, rules=self.rules)
        return (self._said(finding.Severity.WARNING, words),) if words else ()

    def _said(self, severity: finding.Severity, message: str) -> finding.Finding:
        return finding.Finding(severity=severity, source=self.rules.path, message=message)

    def _state(
        self,
        base: State,
        *,
        reads: tuple[str, ...],
        missing_since: float | None,
        deadline: float | None,
        ready: bool | None = None,
        findings: tuple[finding.Finding, ...] | None = None,
        ignored: tuple[Manifest, ...] | None = None,
    ) -> State:
        raised = base.incarnations
        if self.left:
            raised = known.raised(raised, self.left - known.held(self.files).keys())
        return replace(
            base,
            ready=base.ready if ready is None else ready,
            files=self.files,
            incarnations=raised,
            ignored=base.ignored if ignored is None else ignored,
            findings=base.findings if findings is None else findings,
            reads=reads,
            closed=frozenset(self.closed & self.files.keys()),
            written=frozenset(self.written & self.files.keys()),
            missing_since=missing_since,
            deadline=deadline,
        )


def _why_ignored(entry: scan.Entry, name: str, *, rules: Rules) -> str:
    if entry.kind is scan.EntryKind.DIRECTORY:
        return "a directory: sub-directories are not read"
    if entry.kind is scan.EntryKind.OTHER:
        return str(entry.kind.value)
    if not rules.all_file_names and name.lower().endswith(known.SUFFIXES):
        return "the ending of its name must be in lower case"
    return "its name does not end in .yaml, .yml, .json or .manifest"
