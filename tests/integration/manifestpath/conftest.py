"""A manifest path on disk and in memory, with or without the source's settling times."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from staticlet.pods.sources import known
from staticlet.testing.directory import manifest
from staticlet.testing.sourceplace import Place


@pytest.fixture(params=["disk", "memory"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A directory on ext4 (or whatever /tmp is), and one on tmpfs."""
    if request.param == "disk":
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def place(base: Path) -> Place:
    """A directory that holds one good manifest."""
    path = base / "manifests"
    path.mkdir(mode=0o755)
    (path / "web.yaml").write_bytes(manifest())
    return Place(base, path)


@pytest.fixture
def settling() -> None:
    """For tests in which the source's settling times matter; in all others they never end."""


@pytest.fixture(autouse=True)
def _at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without settling, all that is seen is seen at once, however slow the machine."""
    if "settling" not in request.fixturenames:
        for name in ("ABSENCE_S", "MISSING_S", "RETRY_S"):
            monkeypatch.setattr(known, name, 3600.0)
