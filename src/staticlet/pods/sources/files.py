"""The file source's decisions: from what the directory shows and what happened to its pods.

Pure: `observe` takes a scan and the events before it, and names the files to be read; `absorb`
takes what the reading gave. Time comes in as an argument.

What counts is the level, the directory as it stands. Events add the one thing that it cannot show:
that a file was removed and put back, which is a deliberate restart. The rules, in which this
departs from the kubelet (pkg/kubelet/config/file.go, file_linux.go):

- A file that was deleted or moved out of the directory is removed at once, and its pods' numbers
  of incarnation go up. One that is merely absent (renamed to a name that is no manifest, as
  editors do before they write anew; or gone with no event) has a moment to come back.
- A file under a new name is the same file. A file replaced by another is the same file.
- A file that somebody is writing stays what it was until it is closed.
- A missing directory has a moment to come back; then its pods go. An unreadable one changes
  nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from staticlet.host.change import Change, Kind
from staticlet.kube import finding
from staticlet.pods.sources import known, scan
from staticlet.pods.sources.draft import Draft
from staticlet.pods.sources.known import File, Rules, State
from staticlet.pods.wanted import Manifest, ManifestState, Snapshot


def worth_a_scan(state: State, changes: Sequence[Change]) -> bool:
    """Whether anything happened but more writing to files that are known to be written."""
    return any(
        each.kind is not Kind.MODIFIED
        or (each.name in state.files and not state.files[each.name].writing)
        for each in changes
    )


def observe(
    state: State,
    *,
    seen: scan.Scan,
    changes: Sequence[Change] = (),
    now: float,
    rules: Rules,
) -> State:
    """Take note of events and of the scan that was made after them.

    Args:
        state: What was known.
        seen: The directory as it is.
        changes: What happened since the last scan, in order.
        now: Monotonic seconds.
        rules: The source's rules.

    Returns:
        The new state; its `reads` name the files to be read for `absorb`.
    """
    draft = Draft(state, rules=rules, now=now)
    for change in changes:
        draft.apply(change)
    if seen.place is scan.Place.MISSING:
        return draft.missing()
    if seen.place is scan.Place.UNREADABLE:
        return draft.unreadable(seen.fault)
    return draft.compared(seen)


def absorb(
    state: State,
    *,
    outcomes: Mapping[str, scan.Outcome],
    now: float,
    time: datetime,
    rules: Rules,
) -> State:
    """Take what reading gave.

    Args:
        state: As `observe` left it.
        outcomes: One for each of its `reads`.
        now: Monotonic seconds.
        time: The date, for content that is new.
        rules: The source's rules.
    """
    files = dict(state.files)
    before = known.held(files)
    retry = state.deadline
    for name, outcome in outcomes.items():
        file = files[name]
        if isinstance(outcome, scan.Content) and _complete(outcome, name, state=state, time=time):
            files[name] = _judged(file, outcome, state=state, time=time, rules=rules)
        elif isinstance(outcome, scan.Content | scan.Busy):
            files[name] = replace(file, writing=True)
            wait = known.RETRY_S if isinstance(outcome, scan.Busy) else known.SETTLE_S
            retry = known.sooner(retry, now + wait)
        elif isinstance(outcome, scan.Unreadable):
            bad = rules.judge.bad(file.judged.manifest.origin, outcome.message, file.judged.goods)
            files[name] = File(judged=bad)
        else:
            files[name] = replace(file, absent_since=now)
            retry = known.sooner(retry, now + known.ABSENCE_S)
    left = before.keys() - known.held(files).keys()
    settled = frozenset(name for name in outcomes if name in files and not files[name].writing)
    return replace(
        state,
        files=files,
        reads=(),
        closed=state.closed - settled,
        incarnations=known.raised(state.incarnations, left),
        deadline=retry,
    )


def snapshot(state: State) -> Snapshot:
    """What the source wants and has to say now."""
    shown = [_shown(file) for file in state.files.values() if _visible(file)]
    manifests = sorted((*shown, *state.ignored), key=lambda each: each.origin)
    return Snapshot(
        source="file",
        ready=state.ready,
        manifests=tuple(manifests),
        findings=state.findings,
    )


def _complete(content: scan.Content, name: str, *, state: State, time: datetime) -> bool:
    """Whether content may be acted on, also where the file system cannot tell of open writers."""
    if content.closed or name in state.closed:
        return True
    age = abs(time.timestamp() - content.signature.mtime_ns / 1e9)
    return age >= (known.ABANDONED_S if name in state.written else known.SETTLE_S)


def _judged(
    file: File, content: scan.Content, *, state: State, time: datetime, rules: Rules
) -> File:
    mark = f"{content.mode}:{content.owner}:".encode()
    digest = hashlib.sha256(mark + content.data).digest()
    if digest == file.digest:
        return replace(file, signature=content.signature, writing=False)
    path = file.judged.manifest.origin
    words = known.risk(content.mode, content.owner, rules=rules)
    warning = finding.Finding(severity=finding.Severity.WARNING, source=path, message=words)
    verdict = rules.judge.content(
        content.data,
        origin=path,
        previous=file.judged.goods,
        seen=time,
        incarnations=state.incarnations,
        also=(warning,) if words else (),
    )
    return File(judged=verdict, signature=content.signature, digest=digest)


def _shown(file: File) -> Manifest:
    manifest = file.judged.manifest
    if file.writing:
        note = "open for writing: read when it is closed"
        return replace(manifest, state=ManifestState.WRITING, note=note)
    return manifest


def _visible(file: File) -> bool:
    """Absent files show only for the sake of their pods."""
    return file.absent_since is None or bool(file.judged.goods)
