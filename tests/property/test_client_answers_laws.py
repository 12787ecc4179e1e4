"""Whatever a server answers, the outcome is an object or a fault in words."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staticlet.aio import clock as clocks
from staticlet.client import answers, connection, kubeconfig, lines, port
from staticlet.testing import kubeconfigs, lyingserver

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["kind", "status", "code", "reason", "message", "details", "metadata", "object", "type"]
)
OBJECTS = st.dictionaries(
    FIELDS, JSON | st.sampled_from(["Status", "Failure", "ERROR", "ADDED"]), max_size=6
)
BODIES = st.binary(max_size=200) | (OBJECTS | JSON).map(lambda said: json.dumps(said).encode())
MEDIA = st.sampled_from(["application/json", "text/html", "text/plain", "", "x/y"])


def _check(fault: port.ApiFault) -> None:
    text = str(fault)
    assert text
    assert text.isprintable()
    assert len(text) < 3000
    if isinstance(fault, port.Refused):
        assert 400 <= fault.code < 600
        assert 0 <= (fault.retry_after_s or 0) < 1 << 31


def _check_words(fault: kubeconfig.BadKubeconfig) -> None:
    assert str(fault).startswith("/k")


@given(code=st.integers(0, 999), media=MEDIA, body=BODIES, after=st.text(), location=st.text())
def test_any_answer_is_an_object_or_a_fault(
    code: int, media: str, body: bytes, after: str, location: str
) -> None:
    answer = answers.Answer(
        server="https://s",
        code=code,
        media=media,
        retry_after=after,
        location=location,
        body=body,
    )
    try:
        found = answers.read(answer, credentials="/k")
    except port.ApiFault as fault:
        _check(fault)
    else:
        assert isinstance(found, dict)
        assert code // 100 == 2


@given(BODIES)
def test_any_line_is_an_event_or_a_fault(line: bytes) -> None:
    try:
        event = answers.event(line, server="https://s")
    except port.ApiFault as fault:
        _check(fault)
    else:
        assert isinstance(event.object["metadata"], dict)


@given(st.lists(st.binary(max_size=20) | st.just(b"\n")))
def test_lines_are_those_of_the_whole(chunks: list[bytes]) -> None:
    taken = lines.Lines(10_000)
    got = [line for chunk in chunks for line in taken.take(chunk)]
    ended = b"".join(chunks).split(b"\n")[:-1]
    assert got == [line for line in ended if line.strip()]


@given(st.binary(max_size=300) | JSON.map(lambda said: json.dumps(said).encode()))
def test_any_text_is_a_kubeconfig_or_is_told_to_be_none(text: bytes) -> None:
    try:
        kubeconfig.parse(text, Path("/k"))
    except kubeconfig.BadKubeconfig as fault:
        _check_words(fault)


@given(
    cluster=st.dictionaries(
        st.sampled_from(["server", "certificate-authority-data", "extensions", "proxy-url"]), JSON
    ),
    user=st.dictionaries(
        st.sampled_from(["token", "tokenFile", "exec", "client-key", "username", "as"]),
        JSON | st.dictionaries(st.sampled_from(["apiVersion", "command", "env", "args"]), JSON),
    ),
)
def test_any_fields_are_taken_or_told(cluster: dict[str, Any], user: dict[str, Any]) -> None:
    try:
        kubeconfig.parse(kubeconfigs.text(cluster=cluster, user=user), Path("/k"))
    except kubeconfig.BadKubeconfig as fault:
        _check_words(fault)


HEADS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 X\r\n",
        b"HTTP/1.0 404\r\n",
        b"HTTP/9.9 999 \xff\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 8\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: \x00=;;\r\nContent-Type: \xfe/;=\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n",
        b"",
    ]
)
RAW = st.tuples(
    HEADS,
    st.sampled_from([b"\r\n", b"", b"Content-Length: 4\r\n\r\n"]) | st.binary(max_size=40),
    st.binary(max_size=60) | st.sampled_from([b"4\r\n{}\r\n\r\n0\r\n\r\n", b"zz\r\n", b"{}"]),
).map(b"".join)


async def _told(said: bytes, path: Path) -> None:
    async with lyingserver.telling(said) as liar:
        kubeconfigs.write(path, liar.url)
        api = connection.Connection(path / "kubeconfig", clock=clocks.SystemClock())
        async with aclosing(api):
            for _ in range(2):
                try:
                    await api.ask("GET", "/api/v1/pods", deadline_s=0.5)
                except port.ApiFault as fault:
                    _check(fault)
            try:
                async for _ in api.watch("/api/v1/pods", query={}, silence_s=0.5):
                    pass
            except port.ApiFault as fault:
                _check(fault)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("liar")


@settings(max_examples=120, deadline=None)
@given(RAW)
def test_any_bytes_on_the_wire_are_an_answer_or_a_fault(place: Path, said: bytes) -> None:
    with asyncio.Runner() as runner:
        runner.run(_told(said, place))
