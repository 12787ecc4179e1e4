"""The API server of `staticlet up` comes back, ends with `up`, and never fights for its port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from staticlet.app import apichild
from staticlet.config.settings import Settings
from staticlet.runtime.managed import process
from staticlet.testing import ports
from staticlet.testing.until import until

SETTINGS = Settings(node_name="n1")
START_S = 20.0
TROUBLESHOOTING = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"


@pytest.fixture
def wanted(tmp_path: Path) -> apichild.Wanted:
    return apichild.Wanted(
        state_dir=tmp_path / "api", pid_file=tmp_path / "api.pid", port=ports.free()
    )


@contextlib.asynccontextmanager
async def running(wanted: apichild.Wanted, stop: asyncio.Event) -> AsyncIterator[None]:
    """The child, kept up while the block runs."""
    async with asyncio.timeout(3 * START_S), asyncio.TaskGroup() as group:
        child = apichild.ApiChild(wanted, SETTINGS)
        task = group.create_task(child.run(stop), name="API server")
        yield
        task.cancel()


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(START_S):
        while not holds():  # noqa: ASYNC110  another process is looked at
            await asyncio.sleep(0.02)


def listens(wanted: apichild.Wanted) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", wanted.port)) == 0


def noted(wanted: apichild.Wanted) -> int:
    identity = process.parse_identity(wanted.pid_file.read_text())
    assert identity is not None
    return identity.pid


async def test_it_serves_for_the_node_and_ends_in_the_end(wanted: apichild.Wanted) -> None:
    async with running(wanted, asyncio.Event()):
        await eventually(lambda: listens(wanted))
        pid = noted(wanted)
        assert f"127.0.0.1:{wanted.port}" in wanted.places.node_conf.read_text()
        assert wanted.places.ca.exists()
        assert os.getpgid(pid) == os.getpgrp()
    assert process.identify(pid) is None
    assert not wanted.pid_file.exists()


async def test_killed_it_comes_back_on_the_same_port(wanted: apichild.Wanted) -> None:
    async with running(wanted, asyncio.Event()):
        await eventually(lambda: listens(wanted))
        first = noted(wanted)
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: noted(wanted) != first and listens(wanted))


async def test_one_that_ends_while_we_stop_is_not_begun_anew(wanted: apichild.Wanted) -> None:
    stop = asyncio.Event()
    child = apichild.ApiChild(wanted, SETTINGS)
    async with asyncio.timeout(START_S), asyncio.TaskGroup() as group:
        group.create_task(child.run(stop), name="API server")
        await eventually(wanted.pid_file.exists)
        stop.set()
        os.kill(noted(wanted), signal.SIGKILL)  # as Ctrl-C in a terminal ends us both
    assert not wanted.pid_file.exists()


async def test_a_port_that_is_taken_is_said_once_and_waited_for(
    wanted: apichild.Wanted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(apichild, "PORT_RETRY_S", 0.05)
    with socket.create_server(("127.0.0.1", wanted.port)) as other:
        async with running(wanted, asyncio.Event()):
            await asyncio.sleep(0.5)
            assert not wanted.pid_file.exists()
            other.close()
            await eventually(lambda: listens(wanted))
    (said,) = [one.getMessage() for one in caplog.records if "no API server" in one.getMessage()]
    assert said == (
        f"no API server: cannot listen on 127.0.0.1 port {wanted.port}: Address already in use; "
        "end what listens there, or give another --api-port; pods run without it"
    )
    assert said.replace(str(wanted.port), "6443") in TROUBLESHOOTING.read_text()


async def test_one_that_was_left_behind_is_ended_first(
    wanted: apichild.Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apichild, "STOP_GRACE_S", 0.1)
    arguments = apichild.command(wanted, SETTINGS, parent=os.getpid())
    old = process.spawn_beside(arguments)
    try:
        await eventually(lambda: listens(wanted))
        wanted.pid_file.write_text(old.identity.to_json())
        old.signal(signal.SIGSTOP)  # it hangs, and notices nothing
        async with running(wanted, asyncio.Event()):
            await eventually(lambda: noted(wanted) != old.pid and listens(wanted))
            assert old.ended
    finally:
        await old.kill()


PARENT = """
import os, subprocess, sys, time
from pathlib import Path
from staticlet.app import apichild
from staticlet.config.settings import Settings
wanted = apichild.Wanted(state_dir=Path(sys.argv[1]), pid_file=Path(), port=int(sys.argv[2]))
command = apichild.command(wanted, Settings(node_name="n1"), parent=os.getpid())
print(subprocess.Popen(command).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def parent(wanted: apichild.Wanted) -> Iterator[subprocess.Popen[str]]:
    """Stands for an `up` that starts a server; it prints that child's pid on its first line."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(wanted.state_dir), str(wanted.port)],
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        yield started
        started.kill()


def test_it_ends_with_its_parent_even_if_that_is_killed(
    wanted: apichild.Wanted, parent: subprocess.Popen[str]
) -> None:
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    until(lambda: listens(wanted), "the child serves")
    parent.kill()
    until(lambda: not Path(f"/proc/{child}").exists(), "the child has ended", deadline_s=5)


def test_it_does_not_stay_if_its_parent_ended_before_it_looked(
    parent: subprocess.Popen[str],
) -> None:
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    until(lambda: not Path(f"/proc/{child}").exists(), "the child has ended")
