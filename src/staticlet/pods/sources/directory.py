"""The file source at work: watches the manifest path, reads what changed, publishes snapshots.

One task. Every decision is in `files`; here is only the order of things: take the events, scan,
read, publish, and sleep until an event, a deadline, or the next re-list (`fileCheckFrequency`, for
what no event tells: network file systems, exhausted watches). Much is read and judged in a
thread, so that nobody else waits for it; the order of things stays, since this task waits.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from staticlet.aio import clock
from staticlet.host import watchdir
from staticlet.host.change import Change
from staticlet.kube import finding
from staticlet.pods import identity
from staticlet.pods.sources import files, judge, known, lastgood, scan
from staticlet.pods.wanted import Snapshot

_LOG = logging.getLogger(__name__)

MOST_BYTES_AT_ONCE = 256 * 1024
MOST_FILES_AT_ONCE = 32
"""More than so much is read in a thread: judging a small manifest takes about a millisecond."""


class DirectorySource:
    """Follows one directory or file of manifests until it is cancelled."""

    def __init__(
        self,
        path: Path,
        *,
        node_name: str,
        read: judge.Reader,
        publish: Callable[[Snapshot], None],
        root_dir: Path,
        times: clock.Clock,
        check_frequency_s: float = 20.0,
        all_file_names: bool = False,
        strict: bool = False,
    ) -> None:
        """Prepare; nothing is touched before `run`.

        Args:
            path: The directory or single file; may be missing.
            node_name: This node.
            read: The reader of manifests.
            publish: Takes every new snapshot; the first one when the first scan is done.
            root_dir: The agent's root directory, which holds the last-good cache.
            times: The clocks.
            check_frequency_s: How often everything is looked at without an event.
            all_file_names: Every name but dotfiles is a manifest, as with the kubelet.
            strict: Unknown fields and duplicate keys are errors.
        """
        judging = judge.Judge(node_name=node_name, source=identity.FILE, read=read, strict=strict)
        self._rules = known.Rules(
            path=str(path),
            judge=judging,
            all_file_names=all_file_names,
            trusted=frozenset({0, os.geteuid()}),
        )
        self._publish = publish
        self._times = times
        self._frequency_s = check_frequency_s
        self._cache = lastgood.LastGood(lastgood.directory(root_dir), source=identity.FILE)
        self._state = known.State()
        self._published: Snapshot | None = None
        self._watch_fault = ""

    async def run(self) -> None:
        """Follow the path; ends only by cancellation."""
        self._restore()
        with watchdir.WatchDir(self._rules.path) as watch:
            changes: list[Change] = []
            due = self._times.monotonic()
            while True:
                changes += watch.take()
                now = self._times.monotonic()
                if now >= due or files.worth_a_scan(self._state, changes):
                    await self._look(changes, watch.fault)
                    changes.clear()
                    due = known.sooner(self._state.deadline, now + self._frequency_s)
                try:
                    async with asyncio.timeout(max(0.0, due - self._times.monotonic())):
                        await watch.changed()
                except TimeoutError:
                    pass  # time for a look

    def _restore(self) -> None:
        kept = self._cache.load(self._rules.judge)
        self._state = known.initial(kept, rules=self._rules)
        self._cache.update(kept, _goods(self._state))  # of a path that is no longer configured

    async def _look(self, changes: Sequence[Change], watch_fault: str) -> None:
        before = _goods(self._state)
        seen = scan.scan(self._rules.path)
        now = self._times.monotonic()
        state = files.observe(self._state, seen=seen, changes=changes, now=now, rules=self._rules)
        much = _is_much(state, seen)
        if state.reads:
            read = functools.partial(self._read, state)
            state = await asyncio.to_thread(read) if much else read()
        self._state = state
        self._watch_fault = watch_fault
        self._tell()
        keep = functools.partial(self._cache.update, before, _goods(state))
        await asyncio.to_thread(keep) if much else keep()

    def _read(self, state: known.State) -> known.State:
        """Read what is to be read, and judge it."""
        outcomes = {
            name: scan.read(known.origin(name, state=state, rules=self._rules))
            for name in state.reads
        }
        return files.absorb(
            state,
            outcomes=outcomes,
            now=self._times.monotonic(),
            time=self._times.now(),
            rules=self._rules,
        )

    def _tell(self) -> None:
        """Publish what is new. Before the place was seen, only its being unreadable is news."""
        if not (self._state.ready or self._state.findings):
            return
        snapshot = files.snapshot(self._state)
        if self._watch_fault:
            warning = finding.Finding(
                severity=finding.Severity.WARNING,
                source=self._rules.path,
                message=self._watch_fault,
            )
            snapshot = replace(snapshot, findings=(*snapshot.findings, warning))
        if snapshot != self._published:
            self._published = snapshot
            self._publish(snapshot)


def _is_much(state: known.State, seen: scan.Scan) -> bool:
    """Whether reading would keep everybody else waiting."""
    signatures = (seen.entries[name].signature for name in state.reads if name in seen.entries)
    size = sum(min(each.size, judge.LARGEST_BYTES) for each in signatures if each)
    return len(state.reads) > MOST_FILES_AT_ONCE or size > MOST_BYTES_AT_ONCE


def _goods(state: known.State) -> Mapping[str, tuple[judge.Good, ...]]:
    return {file.judged.manifest.origin: file.judged.goods for file in state.files.values()}
