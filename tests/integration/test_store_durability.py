"""What was acknowledged is there after kill -9 at any moment, and watchers miss nothing.

STATICLET_KILL_ROUNDS says how often (15 when it is not set).
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from staticlet.apiserver.store import history, live, opening
from staticlet.apiserver.store.port import Action, Change, Key

ROUNDS = int(os.environ.get("STATICLET_KILL_ROUNDS", "15"))
WORKERS = 4
KEEPING = history.Keeping(revisions=1000, few=1000)


Said = dict[int, tuple[Key, str]]  # by revision: which object, and its count or "-"


def heard(output: bytes) -> Said:
    """What a writer said was acknowledged."""
    said = {}
    for line in output.split(b"\n")[1:-1]:  # what was cut off was not said
        revision, worker, name, count = line.decode().split()
        said[int(revision)] = (Key("pods", f"w{worker}", name), count)
    return said


def killed_after(place: Path, seconds: float, *, starting: bool) -> bytes:
    """What a writer says until it is killed so long after it began, or after its own start."""
    script = Path(__file__).with_name("store_writer.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(place), str(WORKERS)],
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as writer:
        assert writer.stdout is not None
        output = b"" if starting else os.read(writer.stdout.fileno(), 6)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([writer.stdout], [], [], left)[0]:
                output += os.read(writer.stdout.fileno(), 1 << 16)
        assert writer.poll() is None
        writer.kill()
        while more := os.read(writer.stdout.fileno(), 1 << 16):
            output += more
        writer.wait()
    assert starting or output.startswith(b"begun\n")
    return output


class Follower:
    """A watcher that goes on from where it was when the store comes back."""

    def __init__(self) -> None:
        self.since = 2
        self.known: dict[Key, int] = {}
        self.resumed = 0

    async def go_on(self, place: Path, said: Said) -> None:
        """Hold the store against what was acknowledged since, and what it tells of it."""
        async with opening.opened(place, fields=lambda _, __: {}, keeping=KEEPING) as store:
            assert store.revision >= max(said, default=self.since)
            if self.since < store.oldest:
                self.check_newest(store, said)
            else:
                self.resumed += 1
                self.check_all(store, said)
            self.known = {record.key: record.revision for record in store.list("pods").records}
            self.since = store.revision

    def check_newest(self, store: live.LiveStore, said: Said) -> None:
        """More happened than is kept: what is kept must be all there."""
        changes = store._history.since("pods", store.oldest)
        revisions = [change.revision for change in changes]
        assert revisions == list(range(store.oldest + 1, store.revision + 1))
        told = {change.revision: outcome(change) for change in changes}
        assert all(told[revision] == one for revision, one in said.items() if revision in told)

    def check_all(self, store: live.LiveStore, said: Said) -> None:
        """Everything that was acknowledged is told, in order, and leads to what is there."""
        changes = store._history.since("pods", self.since)
        revisions = [change.revision for change in changes]
        assert revisions == list(range(self.since + 1, store.revision + 1))
        told = {change.revision: outcome(change) for change in changes}
        assert {revision: told[revision] for revision in said} == said
        for change in changes:
            before = self.known.pop(change.record.key, None)
            assert before == (None if change.previous is None else change.previous.revision)
            assert (change.action is Action.ADDED) == (before is None)
            if change.action is not Action.DELETED:
                self.known[change.record.key] = change.revision
        listed = store.list("pods").records
        assert self.known == {record.key: record.revision for record in listed}


def outcome(change: Change) -> tuple[Key, str]:
    """A change as the writer says it."""
    removed = change.action is Action.DELETED
    return change.record.key, "-" if removed else str(change.record.object()["count"])


@pytest.mark.timeout(60 + 3 * ROUNDS)
async def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    dice = random.Random(7)  # noqa: S311
    follower = Follower()
    acknowledged = 0
    for turn in range(ROUNDS):
        # Every fourth time it may be killed while it opens the file that the last one left.
        starting = turn % 4 == 3
        seconds = dice.uniform(0.1, 0.4) if starting else dice.uniform(0, 0.25)
        said = heard(killed_after(tmp_path, seconds, starting=starting))
        await follower.go_on(tmp_path, said)
        acknowledged += len(said)
    assert acknowledged > ROUNDS
    assert follower.resumed > ROUNDS // 2
