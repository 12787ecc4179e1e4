"""Fixtures that several kinds of tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from staticlet.testing import containerd as containerd_of_ours


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a containerd, so that `-m "not containerd"` leaves it out."""
    for item in items:
        if "containerd" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.containerd)


@pytest.fixture(scope="session")
def containerd() -> Iterator[containerd_of_ours.Containerd]:
    """A real containerd for the whole run, with the pause and busybox images; root only."""
    with containerd_of_ours.running() as running:
        yield running
