"""Seeing real processes end."""

import asyncio
import os
import subprocess

import pytest

from staticlet.host import machine, proc


@pytest.fixture
async def watch():
    made = proc.ExitWatch()
    yield made
    made.close()
    assert len(made) == 0


def sleeper():
    return subprocess.Popen(["sleep", "60"])


def parent_of_sleeper():
    script = "sleep 60 & echo $!; wait"
    return subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)


def open_fds():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  counts, names do not matter


async def test_an_exit_is_told_once_and_its_descriptor_closed(watch):
    told = asyncio.Event()
    calls = []
    before = open_fds()
    with sleeper() as process:
        watch.add(process.pid, lambda: (calls.append(1), told.set()))
        assert open_fds() == before + 1
        assert not told.is_set()
        process.kill()
        async with asyncio.timeout(5):
            await told.wait()
        await asyncio.sleep(0)
        assert calls == [1]
        assert open_fds() == before


async def test_a_process_that_is_not_our_child_is_watched_too(watch):
    told = asyncio.Event()
    with parent_of_sleeper() as shell:
        pid = int(shell.stdout.readline())
        watch.add(pid, told.set)
        os.kill(pid, 9)
        async with asyncio.timeout(5):
            await told.wait()


async def test_a_process_that_is_gone_is_told_at_the_next_turn_and_not_before(watch):
    with sleeper() as process:
        process.kill()
        process.wait()
    calls = []
    watch.add(process.pid, lambda: calls.append(1))
    assert calls == []
    await asyncio.sleep(0)
    assert calls == [1]


async def test_a_process_that_is_watched_no_longer_is_not_told(watch):
    calls = []
    with sleeper() as process:
        watch.add(process.pid, lambda: calls.append("running"))
        watch.remove(process.pid)
        watch.remove(process.pid)
        process.kill()
        process.wait()
    watch.add(process.pid, lambda: calls.append("gone"))
    watch.remove(process.pid)
    for _ in range(3):
        await asyncio.sleep(0)
    assert calls == []


async def test_watching_again_replaces_the_callback(watch):
    told = asyncio.Event()
    calls = []
    with sleeper() as process:
        watch.add(process.pid, lambda: calls.append("old"))
        watch.add(process.pid, told.set)
        assert len(watch) == 1
        process.kill()
        async with asyncio.timeout(5):
            await told.wait()
    assert calls == []


def test_this_machine_answers_every_question():
    assert machine.memory_bytes() > 1024**2
    assert machine.cpus() >= 1
    assert len(machine.boot_id()) == 36
    assert machine.has_capability(machine.CAP_SYS_ADMIN) == (
        bool(machine.capabilities() & 1 << machine.CAP_SYS_ADMIN)
    )
    assert machine.interface_address("lo") == "127.0.0.1"
    assert machine.interface_address("no-such-if") is None
    address = machine.address()
    assert address is None or address.count(".") == 3 or ":" in address
