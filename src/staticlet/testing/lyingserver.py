"""A server on loopback that answers with whatever bytes a test says, over plain HTTP or none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

_HEAD_END = b"\r\n\r\n"


class LyingServer:
    """One server; see `telling`.

    Attributes:
        script: The answers to come, in order; the last one is repeated.
        hold: After an answer, keep the connection open and say nothing.
        requests: The heads of the requests that came.
        port: Where it listens on 127.0.0.1.
    """

    def __init__(self, *script: bytes, hold: bool = False) -> None:
        self.script = list(script)
        self.hold = hold
        self.requests: list[str] = []
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a request's head and answer it."""
        self._writers.add(writer)
        try:
            head = await reader.readuntil(_HEAD_END)
            self.requests.append(head.decode("latin-1"))
            said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            writer.write(said)
            await writer.drain()
            if self.hold:
                await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            self._writers.discard(writer)
            writer.close()

    def close(self) -> None:
        """Cut all connections."""
        for writer in self._writers:
            writer.transport.abort()


def said(
    body: Any = b"",
    *,
    status: str = "200 OK",
    media: str = "application/json",
    headers: str = "",
) -> bytes:
    """An HTTP answer.

    Args:
        body: Bytes, or what is sent as JSON.
        status: Code and phrase.
        media: The content type.
        headers: More header lines, each with its end.
    """
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {len(data)}\r\n"
    return (head + headers + "\r\n").encode() + data


def stream(*lines: Any, ends: bool = True) -> bytes:
    """An HTTP answer that comes in chunks: one for each line, which is sent as JSON.

    Args:
        lines: Bytes, or what is sent as JSON with a line's end.
        ends: Whether the answer's end is sent.
    """
    parts = [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"]
    parts.append(b"Transfer-Encoding: chunked\r\n\r\n")
    for line in lines:
        data = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
        parts.append(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    return b"".join(parts) + (b"0\r\n\r\n" if ends else b"")


@contextlib.asynccontextmanager
async def telling(
    *script: bytes, hold: bool = False, tls: ssl.SSLContext | None = None
) -> AsyncIterator[LyingServer]:
    """A server that tells these answers, by TLS if it is given one."""
    told = LyingServer(*script, hold=hold)
    server = await asyncio.start_server(told.answer, "127.0.0.1", 0, ssl=tls)
    told.port = server.sockets[0].getsockname()[1]
    try:
        yield told
    finally:
        server.close()
        told.close()
