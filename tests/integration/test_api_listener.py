"""The TLS listener and its bounds: no client harms another, and no fault the server."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization

from staticlet.aio import clock
from staticlet.apiserver.http import forms, sending
from staticlet.apiserver.resources import registry
from staticlet.apiserver.verbs import answers
from staticlet.host import certs
from staticlet.kube import refusal
from staticlet.testing import apiloop
from staticlet.web import body, door, listener, status, tls

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def hello(request: web.BaseRequest) -> web.StreamResponse:
    del request
    return web.Response(text="hello")


@pytest.fixture
def files(tmp_path: Path) -> certs.Places:
    wanted = certs.Wanted(host_name="h", bind_address="127.0.0.1", port=1, node_name="n")
    certs.ensure(certs.Places(tmp_path), wanted, clock.SystemClock().now())
    return certs.Places(tmp_path)


@asynccontextmanager
async def serving(
    files: certs.Places, handler: listener.Handler, limits: listener.Limits = listener.LIMITS
) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """The handler behind TLS; its port, and TLS that trusts it."""
    context = tls.context(
        tls.TlsFiles(certificate=files.serving, key=files.serving, client_cas=(files.ca,))
    )
    sock = listener.bound("127.0.0.1", 0)
    crowd = listener.Crowd()
    async with listener.serving(handler, sock, context, crowd=crowd, limits=limits):
        yield sock.getsockname()[1], apiloop.trusting(files.state_dir)


async def answered(port: int, trust: ssl.SSLContext) -> bytes:
    """What a request of a connection of its own is answered; empty when it is cut off."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
    except (ConnectionError, ssl.SSLError):
        return b""
    try:
        writer.write(GET)
        return await reader.readuntil(b"\r\n")
    except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
        return b""
    finally:
        writer.transport.abort()


async def said(reader: asyncio.StreamReader) -> bytes:
    """Everything up to the end of the connection."""
    async with asyncio.timeout(10):
        return await reader.read()


async def test_a_handler_that_fails_gets_its_client_a_status_and_tells_nothing(files, caplog):
    async def broken(request: web.BaseRequest) -> web.StreamResponse:
        raise RuntimeError(f"a secret of {request.path}")

    async with serving(files, broken) as (port, trust):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
        writer.write(GET)
        answer = await said(reader)
        writer.close()
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (told["kind"], told["code"], told["reason"]) == ("Status", 500, "InternalError")
    assert b"secret" not in answer
    assert "a secret of /" in caplog.text


async def test_no_answer_says_by_what_it_was_made(files):
    async with serving(files, hello) as (port, trust):
        for asked in (GET, b"NO HTTP\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
            writer.write(asked.replace(b"Host", b"Connection: close\r\nHost"))
            answer = (await said(reader)).lower()
            writer.close()
            assert answer.startswith(b"http/1.")
            assert b"\r\nserver:" not in answer
            assert b"aiohttp" not in answer


async def test_more_connections_than_there_is_room_for_are_told_so(files):
    limits = listener.Limits(connections=1, refused=1)
    async with serving(files, hello, limits) as (port, trust):
        first, second = [
            await asyncio.open_connection("127.0.0.1", port, ssl=trust) for _ in range(2)
        ]
        second[1].write(GET)
        assert b" 429 Too Many Requests\r\n" in await said(second[0])
        first[1].close()
        second[1].close()


async def test_far_too_many_connections_are_cut_off(files):
    limits = listener.Limits(connections=1, refused=0)
    async with serving(files, hello, limits) as (port, trust):
        _, kept = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
        assert await answered(port, trust) == b""
        kept.close()


async def test_a_client_that_never_ends_its_headers_is_let_go(files):
    async with serving(files, hello, listener.Limits(idle_s=0.2)) as (port, trust):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert await said(reader) == b""
        writer.close()


async def test_a_client_that_never_speaks_tls_is_let_go(files):
    async with serving(files, hello, listener.Limits(handshake_s=0.2)) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await said(reader) == b""
        writer.close()


async def test_who_still_speaks_tls_when_the_server_ends_is_let_go(files):
    async with serving(files, hello) as (port, trust):
        raw = socket.create_connection(("127.0.0.1", port))
        raw.settimeout(0)
        for _ in range(10):
            await asyncio.sleep(0)  # until it is taken
    with contextlib.suppress(ConnectionError):
        reader, writer = await asyncio.open_connection(sock=raw, ssl=trust, server_hostname="h")
        writer.write(GET)
        assert await said(reader) == b""
        writer.close()


async def test_a_body_that_does_not_come_is_not_waited_for(files):
    async def reading(request: web.BaseRequest) -> web.StreamResponse:
        try:
            await body.read(request, within_s=0.2)
        except refusal.Refusal as refused:
            return status.response(refused)
        return web.Response()

    async with serving(files, reading, listener.Limits(rest_s=0)) as (port, trust):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
        assert b" 408 Request Timeout\r\n" in await said(reader)
        writer.close()


async def test_a_lack_of_files_is_told_once_and_then_connections_are_taken_again(
    files, caplog, monkeypatch
):
    loop = asyncio.get_running_loop()
    taken, faults = loop.sock_accept, [errno.EMFILE] * 500 + [errno.ECONNABORTED]

    async def lacking(sock):
        if faults:
            raise OSError(faults[0], os.strerror(faults.pop(0)))
        return await taken(sock)

    monkeypatch.setattr(door, "AGAIN_S", 0)
    monkeypatch.setattr(loop, "sock_accept", lacking)
    async with serving(files, hello) as (port, trust):
        assert b" 200 OK\r\n" in await answered(port, trust)
    said_of = [one.getMessage() for one in caplog.records]
    assert said_of.count("no more connections can be taken for now: Too many open files") == 1
    assert [one for one in said_of if "accept" in one or "aborted" in one] == []


@contextlib.asynccontextmanager
async def connected(port: int, number: int, said_first: bytes) -> AsyncIterator[list[object]]:
    """So many connections that say something, or nothing, and no more; what is read from each."""
    async with contextlib.AsyncExitStack() as every:
        readers = []
        for _ in range(number):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            every.callback(writer.close)
            writer.write(said_first)
            readers.append(reader)
        yield readers


async def test_where_there_is_no_room_who_says_nothing_is_cut_off(files, monkeypatch):
    monkeypatch.setattr(door, "MUTE_S", 0.05)
    limits = listener.Limits(handshakes=5)
    async with serving(files, hello, limits) as (port, trust), connected(port, 40, b"") as mute:
        assert b" 200 OK\r\n" in await answered(port, trust)
        for reader in mute[:35]:
            assert await said(reader) == b""
        assert not any(reader.at_eof() for reader in mute[36:])


async def test_where_there_is_no_room_who_takes_very_long_is_cut_off(files, monkeypatch):
    monkeypatch.setattr(door, "MUTE_S", 0.01)
    monkeypatch.setattr(door, "FAIR_S", 0.05)
    hint = b"\x16\x03\x01\x02\x00\x01"  # TLS begins like this
    limits = listener.Limits(handshakes=2)
    async with serving(files, hello, limits) as (port, trust), connected(port, 9, hint) as slow:
        assert b" 200 OK\r\n" in await answered(port, trust)
        for reader in slow[:7]:
            assert await said(reader) == b""


async def test_a_crowd_that_means_it_waits_its_turn_and_is_answered(files):
    limits = listener.Limits(handshakes=3)
    async with serving(files, hello, limits) as (port, trust), asyncio.TaskGroup() as group:
        asked = [group.create_task(answered(port, trust), name=str(n)) for n in range(60)]
    assert all(b" 200 OK\r\n" in each.result() for each in asked)


async def test_a_client_certificate_of_another_ca_is_refused(files, tmp_path):
    other = certs.Places(tmp_path / "other")
    wanted = certs.Wanted(host_name="h", bind_address="127.0.0.1", port=1, node_name="n")
    certs.ensure(other, wanted, clock.SystemClock().now())
    shown = apiloop.trusting(files.state_dir, other.admin_conf)
    ours = apiloop.trusting(files.state_dir, files.admin_conf)
    async with serving(files, hello) as (port, _):
        assert await answered(port, ours) == b"HTTP/1.1 200 OK\r\n"
        assert await answered(port, shown) == b""


async def test_a_watcher_that_does_not_read_is_ended(files):
    kind = registry.kinds().find("", "v1", "configmaps")
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[Sequence[answers.Event]]:
        try:
            while True:
                yield [answers.Event(type="BOOKMARK", object={"metadata": {"x": "x" * 100_000}})]
        finally:
            ended.set()

    watches = sending.Watches()
    sender = sending.Sender(clock=clock.SystemClock(), watches=watches, slow_s=0.2)

    async def watch(request: web.BaseRequest) -> web.StreamResponse:
        answer = answers.Stream(kind=kind, batches=endless())
        return await sender.send(request, answer, forms.PLAIN, ())

    async with serving(files, watch) as (port, trust):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, limit=1024)
        writer.write(GET)
        await reader.readuntil(b"\r\n")
        async with asyncio.timeout(10):
            await ended.wait()
        assert not watches.deadlines
        writer.transport.abort()


async def test_no_more_watches_are_begun_than_there_is_room_for():
    watches = sending.Watches(most=1)
    async with watches.admitted():
        with pytest.raises(refusal.Refusal) as refused:
            async with watches.admitted():
                pass
    assert (refused.value.code, refused.value.retry_after_s) == (429, 1)


async def test_all_watches_end_when_the_server_does():
    watches = sending.Watches()
    begun = asyncio.Event()

    async def watch() -> None:
        async with watches.admitted():
            begun.set()
            await asyncio.Event().wait()

    watching = asyncio.gather(watch())
    await begun.wait()
    watches.end()
    with pytest.raises(TimeoutError):
        await watching
    assert not watches.deadlines


def test_an_address_that_is_not_ours_is_said():
    with pytest.raises(listener.ListenFault, match=r"cannot listen on 192\.0\.2\.1 port 1"):
        listener.bound("192.0.2.1", 1)


@pytest.mark.parametrize("lacking", ["certificate", "key"])
def test_a_file_that_tls_lacks_is_named(tmp_path, lacking):
    junk = tmp_path / "there.pem"
    junk.write_text("no certificate")
    files = {"certificate": junk, "key": junk, lacking: tmp_path / "gone.pem"}
    with pytest.raises(tls.TlsFault, match=r"cannot serve with \S*gone\.pem: No such file"):
        tls.context(tls.TlsFiles(**files))


def test_what_is_no_certificate_is_not_served_with(tmp_path):
    junk = tmp_path / "there.pem"
    junk.write_text("no certificate")
    with pytest.raises(tls.TlsFault, match=r"cannot serve with \S*there\.pem and"):
        tls.context(tls.TlsFiles(certificate=junk, key=junk))


def test_nobody_is_asked_for_the_password_of_a_key(tmp_path, files):
    key = serialization.load_pem_private_key(files.serving.read_bytes(), password=None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(tls.TlsFault, match=r"locked\.pem: the private key is encrypted: write"):
        tls.context(tls.TlsFiles(certificate=files.serving, key=locked))


LARGE = answers.Plain(body={"text": "0123456789" * 1_600_000})


@asynccontextmanager
async def asked_for_much(
    files: certs.Places, request: bytes, *, slow_s: float
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.Future[int]]]:
    """The answer of 16 MB to a request, and what is left in the server's memory in the end."""
    sender = sending.Sender(clock=clock.SystemClock(), watches=sending.Watches(), slow_s=slow_s)
    left = asyncio.get_running_loop().create_future()

    async def handler(asked: web.BaseRequest) -> web.StreamResponse:
        transport = asked.transport
        made = await sender.send(asked, LARGE, forms.PLAIN, ())
        if not left.done():
            left.set_result(transport.get_write_buffer_size())
        return made

    async with serving(files, handler) as (port, trust), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, limit=1024)
        writer.write(request)
        try:
            yield reader, left
        finally:
            writer.transport.abort()


async def test_a_large_body_comes_whole_with_its_length(files):
    async with asked_for_much(files, GET, slow_s=10) as (reader, _):
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split()[0])
        assert json.loads(await reader.readexactly(size)) == LARGE.body


async def test_the_head_of_a_large_body_is_all_that_is_sent_of_it(files):
    twice = GET.replace(b"GET", b"HEAD") * 2
    async with asked_for_much(files, twice, slow_s=10) as (reader, _):
        for _ in range(2):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_who_does_not_read_a_large_body_costs_little_and_is_cut_off(files):
    async with asked_for_much(files, GET, slow_s=0.3) as (reader, left):
        await reader.readuntil(b"\r\n")
        assert await left < 2 * 2**20
        with pytest.raises(asyncio.IncompleteReadError):
            await reader.readexactly(16_000_000)
