"""Slow clients, idle clients and very many of them: others are served, and memory is bounded."""

from __future__ import annotations

import resource
import socket
import struct
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench import usage
from staticlet.testing import apiobjects, apirun
from staticlet.testing.until import until

WATCHERS = 1000
SLOW = 30
MB_FOR_A_WATCHER = 0.15
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def many_files():
    """A limit of open files that lets this process have very many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def crowded(tmp_path_factory, many_files):
    with apirun.running(tmp_path_factory.mktemp("crowd"), controllers="none") as running:
        yield running


def opened(server, stack, head):
    """A TLS connection of its own, with the beginning of a request sent."""
    raw = socket.create_connection(("127.0.0.1", apirun.port(server)), timeout=20)
    tls = stack.enter_context(apirun.trust(server).wrap_socket(raw, server_hostname="127.0.0.1"))
    tls.sendall(head.encode())
    return tls


def request(method, path, *more):
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {apirun.ADMIN_TOKEN}"]
    return "\r\n".join([*lines, *more, "", ""])


def test_slow_bodies_keep_nobody_waiting(crowded):
    client = apirun.client(crowded)
    half = request("POST", CONFIG_MAPS, "Content-Type: application/json", "Content-Length: 1000")
    with ExitStack() as stack:
        for _ in range(SLOW):
            opened(crowded, stack, half + '{"apiVersion":')
            opened(crowded, stack, "POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            raw = socket.create_connection(("127.0.0.1", apirun.port(crowded)))
            stack.callback(raw.close)  # not even a handshake
        began = time.monotonic()
        for number in range(20):
            client.create(CONFIG_MAPS, apiobjects.config_map(f"meanwhile-{number}"))
        assert time.monotonic() - began < 3
    assert client.ask("GET", "/readyz").code == 200
    client.close()


def test_a_thousand_idle_watchers_cost_little(crowded):
    client = apirun.client(crowded)
    client.create(CONFIG_MAPS, apiobjects.config_map("seen", a="1"))
    before = usage.memory(crowded.pid).pss_mb
    trust = apirun.trust(crowded)
    watch = request("GET", f"{CONFIG_MAPS}?watch=true&fieldSelector=metadata.name%3Dseen").encode()
    watching = []
    with ExitStack() as stack:
        for _ in range(WATCHERS):
            raw = socket.create_connection(("127.0.0.1", apirun.port(crowded)), timeout=20)
            tls = trust.wrap_socket(raw, server_hostname="127.0.0.1")
            stack.callback(tls.close)
            tls.sendall(watch)
            watching.append(tls)
        last = b""
        while b"ADDED" not in last:
            last += watching[-1].recv(65536)
        grown = usage.memory(crowded.pid).pss_mb - before
        assert grown < WATCHERS * MB_FOR_A_WATCHER, f"{grown:.0f} MB for {WATCHERS} watchers"
        began = time.monotonic()
        client.patch(f"{CONFIG_MAPS}/seen", {"data": {"a": "2"}})
        seen = b""
        while b"MODIFIED" not in seen:
            seen += watching[0].recv(65536)
        assert time.monotonic() - began < 2
    until(
        lambda: len([*_descriptors(crowded.pid)]) < WATCHERS / 2,
        "connections whose clients went are closed",
    )
    assert client.ask("GET", "/readyz").code == 200
    client.close()


def _descriptors(pid):
    yield from Path(f"/proc/{pid}/fd").iterdir()


def test_a_watcher_that_never_reads_is_ended_and_holds_nobody_up(crowded):
    client = apirun.client(crowded)
    client.create(CONFIG_MAPS, apiobjects.config_map("busy", a=""))
    before = usage.memory(crowded.pid).pss_mb
    with ExitStack() as stack:
        opened(crowded, stack, request("GET", f"{CONFIG_MAPS}?watch=true"))
        began = time.monotonic()
        for number in range(60):
            data = {"data": {"a": f"{number}" + "x" * 500_000}}
            client.patch(f"{CONFIG_MAPS}/busy", data)
        assert time.monotonic() - began < 20
        grown = usage.memory(crowded.pid).pss_mb - before
        assert grown < 60, f"{grown:.0f} MB are held for a watcher that does not read"
    client.delete(f"{CONFIG_MAPS}/busy")
    client.close()


def test_clients_that_vanish_amid_an_answer_are_no_trouble(crowded):
    """A reset is what a killed client leaves; the server's log is looked at when it ends."""
    client, writer = apirun.client(crowded), apirun.client(crowded)
    client.create(CONFIG_MAPS, apiobjects.config_map("shared", a=""))
    client.create(CONFIG_MAPS, apiobjects.config_map("long", a="x" * 900_000))
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            writer.patch(f"{CONFIG_MAPS}/shared", {"data": {"a": f"{number}"}})

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(40):
            for path in (f"{CONFIG_MAPS}?watch=true", CONFIG_MAPS, "/openapi/v2"):
                with ExitStack() as stack:
                    gone = opened(crowded, stack, request("GET", path))
                    gone.recv(100)
                    now = struct.pack("ii", 1, 0)
                    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
    finally:
        stop.set()
        thread.join()
    assert client.ask("GET", "/readyz").code == 200
    client.delete(f"{CONFIG_MAPS}/long")
    client.close()
    writer.close()
    apirun.untroubled(crowded)
