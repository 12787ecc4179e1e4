"""What systemd hears, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from dataclasses import replace

import pytest

from staticlet.aio import clock
from staticlet.app import attached, serve, service, vitals
from staticlet.config import load
from staticlet.config.settings import Settings
from staticlet.host import notify

WELL = vitals.Vitals(
    works=True,
    pods="1 pod, 1 running",
    runtime="containerd 1.6.20",
    fault="",
    listing_since=None,
    call_s=0.0,
)


class Systemd:
    """The other end of the socket."""

    def __init__(self, path):
        self.own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.own.bind(path)

    async def hears(self):
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            return (await loop.sock_recv(self.own, 4096)).decode()

    def silent(self):
        with pytest.raises(BlockingIOError):
            self.own.recv(4096)

    def drain(self):
        said = []
        with contextlib.suppress(BlockingIOError):
            while True:
                said.append(self.own.recv(4096).decode())
        return said


@pytest.fixture
def address(tmp_path):
    return str(tmp_path / "notify")


@pytest.fixture
def systemd(address):
    made = Systemd(address)
    yield made
    made.own.close()


class Subject:
    """Stands for an agent."""

    def __init__(self):
        self.works = asyncio.Event()
        self.settings = Settings(node_name="n1", static_pod_path=None)
        self.now = replace(WELL, works=False)
        self.used = []

    def work(self):
        self.now = replace(self.now, works=True)
        self.works.set()

    def vitals(self):
        return self.now

    def use(self, settings):
        self.settings = settings
        self.used.append(settings)


@contextlib.asynccontextmanager
async def task_of(work):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


@pytest.fixture
def _soon(monkeypatch):
    """Seconds are hundredths."""
    monkeypatch.setattr(service, "STATUS_S", 0.05)


@pytest.mark.parametrize("abstract", [False, True])
async def test_messages_are_as_sd_notify_has_them(abstract, address):
    path = f"\0staticlet-{os.getpid()}" if abstract else address
    other = Systemd(path)
    with contextlib.closing(other.own):
        own = notify.Notifier(address=path.replace("\0", "@"))
        own.ready()
        own.status("1 pod\nREADY=1")
        own.reloading(monotonic_s=12.5)
        own.stopping()
        own.alive()
        assert other.drain() == [
            "READY=1",
            "STATUS=1 pod READY=1",
            "RELOADING=1\nMONOTONIC_USEC=12500000",
            "STOPPING=1",
            "WATCHDOG=1",
        ]


def test_nobody_who_listens_is_no_fault(address):
    notify.Notifier(address=address).ready()
    notify.Notifier().ready()


def test_a_listener_that_is_slow_is_not_waited_for(systemd, address):
    own = notify.Notifier(address=address)
    began = time.monotonic()
    for _ in range(2000):
        own.alive()
    assert time.monotonic() - began < 5
    assert systemd.drain()


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"NOTIFY_SOCKET": "/run/n"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000"}, 30.0),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}, None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "x"}, None),
        ({"WATCHDOG_USEC": "30000000"}, None),
        ({"NOTIFY_SOCKET": "vsock:2:1", "WATCHDOG_USEC": "30000000"}, None),
    ],
)
def test_systemd_says_by_the_environment_what_it_wants(environ, watchdog_s):
    given = dict(environ)
    own = notify.from_environment(given)
    assert own.watchdog_s == watchdog_s
    assert own.listened_to is (environ.get("NOTIFY_SOCKET") == "/run/n")
    assert given == {}


def test_a_watchdog_for_this_very_process_is_meant_for_us():
    given = {"NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}
    assert notify.from_environment(given).watchdog_s == 1.0


async def test_ready_is_told_when_pods_are_looked_after_and_not_before(systemd, address):
    subject = Subject()
    subject.now = replace(subject.now, fault="nobody is there")
    notifier = notify.Notifier(address=address)
    async with task_of(service.tell(subject, notifier, clock.SystemClock())):
        assert await systemd.hears() == "STATUS=waiting for a container runtime: nobody is there"
        systemd.silent()
        subject.now = WELL
        subject.work()
        assert await systemd.hears() == "READY=1"
        assert await systemd.hears() == "STATUS=1 pod, 1 running; runtime containerd 1.6.20"


@pytest.mark.usefixtures("_soon")
async def test_the_status_is_told_when_it_changes_and_only_then(systemd, address):
    subject = Subject()
    subject.work()
    notifier = notify.Notifier(address=address)
    async with task_of(service.tell(subject, notifier, clock.SystemClock())):
        await systemd.hears()
        await systemd.hears()
        subject.now = replace(subject.now, pods="2 pods, 2 running")
        assert (await systemd.hears()).startswith("STATUS=2 pods")
        await asyncio.sleep(0.2)
        systemd.silent()


async def test_the_watchdog_hears_at_half_its_time_and_nothing_while_the_list_is_stuck(
    systemd, address, monkeypatch
):
    monkeypatch.setattr(vitals, "SPARE_S", 0.0)
    subject = Subject()
    subject.work()
    notifier = notify.Notifier(address=address, watchdog_s=0.1)
    async with task_of(service.tell(subject, notifier, clock.SystemClock())):
        began = time.monotonic()
        for _ in range(5):
            while await systemd.hears() != "WATCHDOG=1":
                pass
        assert 0.15 < time.monotonic() - began < 2
        subject.now = replace(subject.now, listing_since=time.monotonic() - 1)
        await asyncio.sleep(0.1)
        systemd.drain()
        await asyncio.sleep(0.2)
        systemd.silent()
        subject.now = replace(subject.now, fault="away")  # then it waits, and is not stuck
        while await systemd.hears() != "WATCHDOG=1":
            pass


async def test_systemd_is_told_when_a_reload_begins_and_ends(systemd, address):
    subject = Subject()
    subject.works.set()
    new = replace(subject.settings, cluster_domain="other")
    outside = service.Service(
        notifier=notify.Notifier(address=address),
        load=lambda: load.Loaded(settings=new, values=(), findings=(), ineffective=()),
    )
    async with task_of(service.reload_on_hangup(subject, outside, clock.SystemClock())):
        outside.hangup.set()
        begun = await systemd.hears()
        assert begun.startswith("RELOADING=1\nMONOTONIC_USEC=")
        told_s = int(begun.rpartition("=")[2]) / 1e6
        assert abs(told_s - time.clock_gettime(time.CLOCK_MONOTONIC)) < 10
        assert await systemd.hears() == "READY=1"
        assert subject.used == [new]


async def test_an_agent_that_finds_no_runtime_tells_so_and_that_it_stops(
    systemd, address, tmp_path, monkeypatch
):
    monkeypatch.setattr(attached.endpoint, "resolve", lambda _: None)
    outside = service.Service(notifier=notify.Notifier(address=address))
    stop = asyncio.Event()
    settings = Settings(node_name="n1", root_dir=tmp_path, static_pod_path=None)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve.serve_agent(settings, stop, outside=outside))
        assert await systemd.hears() == "STATUS=looking for a container runtime"
        stop.set()
    assert systemd.drain() == ["STOPPING=1"]
