"""Images from archives, for machines with no registry: imported at start, once.

An archive is imported when it is new or changed (size, modification time), or when an image that
it brought is no longer there. A bad one is reported with its name and holds up no other.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from staticlet.runtime.managed import answer, machine
from staticlet.runtime.managed.layout import Layout

LOG = logging.getLogger(__name__)

NAMESPACE = "k8s.io"  # the CRI's
SUFFIXES = (".tar", ".tar.gz", ".tgz")
IMPORT_TIMEOUT_S = 600.0
KNOWN_TIMEOUT_S = 10.0
UNPACKING = re.compile(r"^unpacking (\S+) \(sha256:", re.MULTILINE)


class ImportFailed(RuntimeError):
    """An archive could not be imported; the text is containerd's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """An archive that was imported: what it was then, and the images it brought."""

    stamp: str
    images: tuple[str, ...]


def pending(
    found: Mapping[str, str], record: Mapping[str, Imported], present: Collection[str]
) -> tuple[str, ...]:
    """The names among those found (with their stamps) that must be imported."""
    return tuple(name for name, stamp in found.items() if not _done(record, name, stamp, present))


def _done(record: Mapping[str, Imported], name: str, stamp: str, present: Collection[str]) -> bool:
    known = record.get(name)
    return known is not None and known.stamp == stamp and set(known.images) <= set(present)


def dump_record(record: Mapping[str, Imported]) -> str:
    """The record as text, for the next start."""
    return json.dumps(
        {name: {"stamp": e.stamp, "images": list(e.images)} for name, e in record.items()},
        indent=1,
        sort_keys=True,
    )


def parse_record(text: str) -> dict[str, Imported]:
    """The record of an earlier start; empty when it cannot be read: importing twice is safe."""
    try:
        return {
            str(name): Imported(stamp=str(entry["stamp"]), images=tuple(map(str, entry["images"])))
            for name, entry in json.loads(text).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


class Importer:
    """Brings images into one containerd of ours."""

    def __init__(self, layout: Layout, *, snapshotter: str) -> None:
        self._layout = layout
        self._snapshotter = snapshotter

    async def from_directory(self) -> tuple[str, ...]:
        """Import what lies in the images directory; the complaints, one a bad archive."""
        record = self._record()
        found = {path.name: _stamp(path) for path in _archives(self._layout.images)}
        complaints = []
        for name in pending(found, record, await self._present()):
            try:
                images = await self._import(self._layout.images / name)
            except ImportFailed as fault:
                complaints.append(f"cannot import {self._layout.images / name}: {fault}")
                continue
            LOG.info("imported %s: %s", name, ", ".join(images) or "no new image")
            record[name] = Imported(stamp=found[name], images=images)
        self._save({name: entry for name, entry in record.items() if self._kept(name, found)})
        return tuple(complaints)

    async def from_bytes(self, name: str, data: bytes) -> tuple[str, ...]:
        """Import an archive that was made here, unless the same is there; its images.

        Raises:
            ImportFailed: With what containerd said.
        """
        key, stamp = f"({name})", hashlib.sha256(data).hexdigest()
        record = self._record()
        if not pending({key: stamp}, record, await self._present()):
            return record[key].images
        images = await self._import(None, data)
        self._save({**self._record(), key: Imported(stamp=stamp, images=images)})
        return images

    @staticmethod
    def _kept(name: str, found: Mapping[str, str]) -> bool:
        return name in found or name.startswith("(")

    async def _import(self, path: Path | None, data: bytes = b"") -> tuple[str, ...]:
        source = str(path) if path else "-"
        said = await self.ctr(
            "images", "import", "--snapshotter", self._snapshotter, source, stdin=data
        )
        images = tuple(dict.fromkeys(UNPACKING.findall(said)))
        await self._known(images)
        return images

    async def _known(self, images: Sequence[str]) -> None:
        """Wait until the CRI service has heard of the images."""
        try:
            async with asyncio.timeout(KNOWN_TIMEOUT_S):
                for ref in images:
                    while not await answer.has_image(self._layout.socket, ref):  # noqa: ASYNC110
                        await asyncio.sleep(0.005)  # containerd has no event to wait for
        except TimeoutError:
            LOG.warning("containerd imported %s but does not list it yet", ", ".join(images))

    async def _present(self) -> frozenset[str]:
        return frozenset((await self.ctr("images", "list", "--quiet")).split())

    async def ctr(self, *args: str, stdin: bytes = b"") -> str:
        """What `ctr` prints, in the CRI's namespace.

        Raises:
            ImportFailed: When it fails or takes too long, with its last line.
        """
        process = await asyncio.create_subprocess_exec(
            "ctr",
            "--address",
            str(self._layout.socket),
            "--namespace",
            NAMESPACE,
            *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PATH": machine.search_path()},
        )
        try:
            async with asyncio.timeout(IMPORT_TIMEOUT_S):
                out, err = await process.communicate(stdin)
        except TimeoutError:
            raise ImportFailed(f"ctr took longer than {IMPORT_TIMEOUT_S:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            lines = err.decode(errors="replace").strip().splitlines()
            raise ImportFailed(lines[-1].removeprefix("ctr: ") if lines else "ctr says nothing")
        return out.decode(errors="replace")

    def _record(self) -> dict[str, Imported]:
        try:
            return parse_record(self._layout.imported.read_text())
        except OSError:
            return {}

    def _save(self, record: Mapping[str, Imported]) -> None:
        draft = self._layout.imported.with_suffix(".new")
        draft.write_text(dump_record(record))
        draft.replace(self._layout.imported)


def _archives(directory: Path) -> list[Path]:
    try:
        return sorted(path for path in directory.iterdir() if path.name.endswith(SUFFIXES))
    except OSError:
        return []


def _stamp(path: Path) -> str:
    """What changes when the file does; a dangling link has a stamp too, and fails later."""
    try:
        status = path.stat()
    except OSError:
        return "unreadable"
    return f"{status.st_size}-{status.st_mtime_ns}"
