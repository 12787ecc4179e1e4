"""Containers whose sandbox is gone are found by listing, and removed."""

from __future__ import annotations

import logging

import pytest

from staticlet.pods import orphans
from staticlet.runtime import port


class Runtime:
    """Takes note of what is removed; may refuse, or be gone."""

    def __init__(self, fault: port.RuntimeFault | None = None) -> None:
        self.fault = fault
        self.done: list[tuple[str, str]] = []

    async def stop_container(self, container_id: str, *, grace_s: int) -> None:
        if self.fault is not None:
            raise self.fault
        self.done.append((f"stop {grace_s}", container_id))

    async def remove_container(self, container_id: str) -> None:
        self.done.append(("remove", container_id))


def sandbox(sandbox_id: str) -> port.Sandbox:
    return port.Sandbox(
        id=sandbox_id, name="a", namespace="n", uid="u", attempt=0, ready=True, created_at_ns=1
    )


def container(container_id: str, sandbox_id: str) -> port.Container:
    return port.Container(
        id=container_id,
        sandbox_id=sandbox_id,
        name="main",
        attempt=0,
        state=port.ContainerState.EXITED,
        created_at_ns=1,
    )


REMOVED = [("stop 0", "lost"), ("remove", "lost")]


async def test_a_container_whose_sandbox_is_gone_is_removed_when_it_is_listed_again() -> None:
    runtime = Runtime()
    watching = orphans.Orphans(runtime)  # type: ignore[arg-type]  all that it calls
    listed = ([sandbox("s")], [container("c", "s"), container("lost", "gone")])
    await watching.listed(*listed)
    assert runtime.done == []
    await watching.listed(*listed)
    assert runtime.done == REMOVED


async def test_a_container_whose_sandbox_was_listed_too_early_is_left_alone() -> None:
    runtime = Runtime()
    watching = orphans.Orphans(runtime)  # type: ignore[arg-type]  all that it calls
    await watching.listed([], [container("c", "s")])
    await watching.listed([sandbox("s")], [container("c", "s")])
    await watching.listed([], [container("c", "s")])
    assert runtime.done == []


async def test_one_that_cannot_be_removed_is_told_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runtime = Runtime(port.RuntimeFault("busy"))
    watching = orphans.Orphans(runtime)  # type: ignore[arg-type]  all that it calls
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            await watching.listed([], [container("lost", "gone")])
    assert "cannot remove container lost, which has no sandbox: busy" in caplog.text
    runtime.fault = None
    await watching.listed([], [container("lost", "gone")])
    assert runtime.done == REMOVED


async def test_a_runtime_that_is_gone_is_told_to_whoever_asked() -> None:
    runtime = Runtime(port.Unavailable("gone"))
    watching = orphans.Orphans(runtime)  # type: ignore[arg-type]  all that it calls
    await watching.listed([], [container("lost", "gone")])
    with pytest.raises(port.Unavailable):
        await watching.listed([], [container("lost", "gone")])
