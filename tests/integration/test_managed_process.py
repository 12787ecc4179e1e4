"""A process is known by a handle that cannot mean another one."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

import pytest

from staticlet.runtime.managed import process


def spawn(tmp_path: Path, script: str) -> process.Process:
    return process.spawn(["sh", "-c", script], log=tmp_path / "log")


async def test_the_status_of_an_ended_child_is_told(tmp_path: Path) -> None:
    child = spawn(tmp_path, "echo said; exit 3")
    await child.wait()
    assert child.ended
    assert child.how == "ended with status 3"
    assert (tmp_path / "log").read_text() == "said\n"
    child.close()


async def test_the_signal_that_killed_a_child_is_told(tmp_path: Path) -> None:
    child = spawn(tmp_path, "exec sleep 60")
    child.signal(signal.SIGKILL)
    await child.wait()
    assert child.how == "was killed by SIGKILL"
    child.close()


async def test_a_process_that_ignores_term_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = spawn(tmp_path, "trap '' TERM; echo ready; while :; do sleep 1; done")
    await child.stop(grace_s=0.05)
    assert process.find(child.identity) is None


async def test_a_running_process_is_found_by_its_identity(tmp_path: Path) -> None:
    child = spawn(tmp_path, "exec sleep 60")
    found = process.find(child.identity)
    assert found is not None
    assert not found.ended
    await child.kill()
    assert found.ended
    found.close()


async def test_another_process_with_the_same_pid_is_not_found(tmp_path: Path) -> None:
    child = spawn(tmp_path, "exec sleep 60")
    earlier = dataclasses.replace(child.identity, start_ticks=child.identity.start_ticks - 1)
    assert process.find(earlier) is None
    await child.kill()


def test_a_program_that_does_not_exist_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        process.spawn(["/no/such/program"], log=tmp_path / "log")
