"""Fixtures that several kinds of tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from staticlet.testing import containerd as containerd_of_ours

# Without a loop of the thread's own, pytest-asyncio makes one for each runner on Python 3.11 and
# never closes it: the first async test after a synchronous one would fail with a ResourceWarning.
asyncio.set_event_loop(None)


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
