"""Names of servers are looked up without anybody waiting for a dead name server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from staticlet.client import lane, resolver

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 6443))]


class NameServer:
    """Stands for the C library; hangs until it is let go."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()
        self.says: Any = FOUND

    def look_up(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        self.answers.wait(20)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    made = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", made.look_up)
    return made


async def settled(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not look():  # noqa: ASYNC110  a thread tells nobody
            await asyncio.sleep(0.01)


async def test_addresses_are_found_and_kept_for_a_while(names: NameServer) -> None:
    made = resolver.Resolver()
    for _ in range(3):
        found = await made.resolve("api", 6443)
    assert [(one["host"], one["port"]) for one in found] == [("192.0.2.1", 6443)]
    assert names.asked == 1


async def test_a_name_server_that_hangs_keeps_one_thread_however_many_wait(
    names: NameServer,
) -> None:
    names.answers.clear()
    made = resolver.Resolver()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await made.resolve("api", 6443)
    assert names.asked == 1
    names.answers.set()
    assert await made.resolve("api", 6443)


async def test_the_last_addresses_are_used_while_the_name_server_is_dead(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver, "FRESH_S", 0.0)
    made = resolver.Resolver()
    first = await made.resolve("api", 6443)
    names.says = socket.gaierror(socket.EAI_AGAIN, "try again")
    for _ in range(3):
        assert await made.resolve("api", 6443) == first
    await settled(lambda: names.asked >= 2)
    assert await made.resolve("api", 6443) == first


async def test_a_name_that_is_not_found_is_a_fault(names: NameServer) -> None:
    names.says = socket.gaierror(socket.EAI_NONAME, "unknown")
    made = resolver.Resolver()
    with pytest.raises(socket.gaierror):
        await made.resolve("api", 6443)
    names.says = FOUND
    assert await made.resolve("api", 6443)


def test_sockets_notice_that_their_peer_is_gone() -> None:
    with lane._socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))) as made:
        options = (socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE, socket.TCP_KEEPCNT)
        values = [made.getsockopt(socket.IPPROTO_TCP, option) for option in options]
        assert values == [20_000, 15, 3]
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert not made.getblocking()
