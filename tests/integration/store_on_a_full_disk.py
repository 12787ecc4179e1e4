"""Fills the file system under a store, in a mount namespace of its own; tells what went well."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from staticlet.apiserver.store import live, opening, statefile
from staticlet.apiserver.store.port import Key, Put, WriteFailed


async def put(store: live.LiveStore, name: str) -> None:
    value = {"metadata": {"name": name}, "text": "x" * 3000}
    await store.write(Key("pods", "default", name), lambda _: Put(value))


async def main(place: Path) -> None:
    """Write until it is full, make room, and write again."""
    ballast = place / "ballast"
    ballast.write_bytes(b"x" * (1 << 20))
    done = []
    async with opening.opened(place, fields=lambda _, __: {}) as store:
        try:
            for n in range(2000):
                await put(store, f"p{n}")
                done.append(f"p{n}")
        except WriteFailed as failed:
            if failed.full:
                print("full")  # noqa: T201
        try:
            await store.check()
        except WriteFailed as failed:
            print("told" if failed.full else failed)  # noqa: T201
        if [record.key.name for record in store.list("pods").records] == sorted(done):
            print("reads")  # noqa: T201
        ballast.unlink()
        await put(store, "after")
        done.append("after")
        await store.check()
        print("writes")  # noqa: T201
    try:
        async with opening.opened(place, fields=lambda _, __: {}) as store:
            if [record.key.name for record in store.list("pods").records] == sorted(done):
                print("lasts")  # noqa: T201
    except statefile.BadFile as error:
        print(error)  # noqa: T201


subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", sys.argv[1]], check=True)
asyncio.run(main(Path(sys.argv[1])))
