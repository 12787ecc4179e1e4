"""Writes to a store until it is killed; says on its output what was acknowledged, as it is."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from staticlet.apiserver.store import history, live, opening
from staticlet.apiserver.store.port import Decision, Key, Put, Record, Remove

KEYS = 6


def step(worker: int, count: int) -> Callable[[Record | None], Decision]:
    """Every seventh write removes; all others say who wrote, and how often it had written."""

    def decide(before: Record | None) -> Decision:
        if before is not None and count % 7 == 0:
            return Remove(before.object())
        value = {"metadata": {"name": "x"}, "worker": worker, "count": count, "text": "x" * 2000}
        return Put(value)

    return decide


async def work(store: live.LiveStore, worker: int) -> None:
    """Write to the worker's own keys without end."""
    count = store.revision
    while True:
        count += 1
        key = Key("pods", f"w{worker}", f"p{count % KEYS}")
        written = await store.write(key, step(worker, count))
        assert written is not None
        removed = store.get(key) is None
        line = f"{written.revision} {worker} {key.name} {'-' if removed else count}\n"
        os.write(1, line.encode())


async def main(place: Path, workers: int) -> None:
    """Let so many write at once; with a short past, so that it is shortened all the time."""
    keeping = history.Keeping(revisions=1000, few=1000)
    async with (
        opening.opened(place, fields=lambda _, __: {}, keeping=keeping) as store,
        asyncio.TaskGroup() as group,
    ):
        os.write(1, b"begun\n")
        for worker in range(workers):
            group.create_task(work(store, worker))


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
