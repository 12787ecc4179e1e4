"""The last good content of every manifest, kept over a restart of the agent.

Without it, an agent that starts while a manifest is broken would not know what ran from it, and
stop that. One small JSON file for each path or URL, below the root directory, readable by root
only. A cache: what is missing or damaged is as good as never kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from staticlet.host import osfault
from staticlet.pods.sources import judge

_LOG = logging.getLogger(__name__)
_FORMAT = 1


def directory(root_dir: Path) -> Path:
    """Where the cache is, below the agent's root directory."""
    return root_dir / "staticlet" / "last-good"


class LastGood:
    """The kept content of one source."""

    def __init__(self, place: Path, *, source: str) -> None:
        self._place = place
        self._source = source
        self._unsaved: set[str] = set()

    def load(self, judging: judge.Judge) -> dict[str, tuple[judge.Good, ...]]:
        """The pods of each origin; entries that cannot be used are left out."""
        found: dict[str, tuple[judge.Good, ...]] = {}
        for path in sorted(self._place.glob(f"{self._source}-*.json")):
            try:
                entry = json.loads(path.read_bytes())
                origin, pods = _restored(entry, judging)
            except (OSError, ValueError, KeyError, TypeError):
                _LOG.warning("Ignoring a damaged entry of the last-good cache: %s", path)
                continue
            if pods and path == self._path(origin):
                found[origin] = pods
        return found

    def update(
        self, old: Mapping[str, Sequence[judge.Good]], new: Mapping[str, Sequence[judge.Good]]
    ) -> None:
        """Write what changed from `old` to `new`, and remove what went.

        What could not be written is tried again each time.
        """
        failed: dict[str, OSError] = {}
        for origin, goods in new.items():
            before = old.get(origin)
            changed = before is not goods and before != goods
            if goods and (changed or origin in self._unsaved):
                try:
                    self._save(origin, goods)
                except OSError as fault:
                    failed[origin] = fault
        for origin in old:
            if not new.get(origin):
                self._drop(origin)
        self._tell(failed)

    def _tell(self, failed: Mapping[str, OSError]) -> None:
        """Say once that the cache cannot be written, and once that it can be again."""
        if failed and not self._unsaved:
            origin, fault = next(iter(failed.items()))
            _LOG.warning(
                "Cannot keep the last good content of %s: %s; it is tried again, and should the "
                "manifest turn bad before, its pod is lost at the next start of the agent",
                origin if len(failed) == 1 else f"{len(failed)} manifests",
                osfault.words(fault, self._place),
            )
        elif self._unsaved and not failed:
            _LOG.info("The last good content of every manifest is kept again")
        self._unsaved = set(failed)

    def _save(self, origin: str, goods: Sequence[judge.Good]) -> None:
        pods = [
            {"seen": good.pod.seen.isoformat(), "content": json.loads(good.content)}
            for good in goods
        ]
        entry = {"format": _FORMAT, "origin": origin, "pods": pods}
        self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(self._path(origin), json.dumps(entry, separators=(",", ":")))

    def _drop(self, origin: str) -> None:
        try:
            self._path(origin).unlink(missing_ok=True)
        except OSError as fault:
            words = osfault.words(fault, self._path(origin))
            _LOG.warning("Cannot remove the last good content of %s: %s", origin, words)

    def _path(self, origin: str) -> Path:
        name = hashlib.sha256(os.fsencode(origin)).hexdigest()[:32]
        return self._place / f"{self._source}-{name}.json"


def _restored(
    entry: Mapping[str, Any], judging: judge.Judge
) -> tuple[str, tuple[judge.Good, ...]]:
    if entry["format"] != _FORMAT:
        raise ValueError(entry["format"])
    origin = str(entry["origin"])
    made = [
        judging.restored(each["content"], origin=origin, seen=datetime.fromisoformat(each["seen"]))
        for each in entry["pods"]
    ]
    return origin, tuple(good for good in made if good is not None)


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(fd, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
