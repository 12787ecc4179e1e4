"""HTTP over a kept TLS connection, with as little of the client in the time as Python allows.

Requests are bytes that were made before; of an answer no more is looked at than where it ends.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
TIMEOUT_S = 30.0
_CHUNK = 1 << 18


class Refused(Exception):
    """An answer that is no success, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A server as its clients know it.

    Attributes:
        port: Its port on loopback.
        token: The administrator's.
    """

    port: int
    token: str

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        media_type: str = "application/json",
    ) -> bytes:
        """A whole request."""
        sent = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {HOST}:{self.port}",
            f"Authorization: Bearer {self.token}",
            "Accept: application/json",
        ]
        if body is not None:
            lines += [f"Content-Type: {media_type}", f"Content-Length: {len(sent)}"]
        return "\r\n".join([*lines, "", ""]).encode() + sent


class Connection:
    """One connection, which is kept."""

    def __init__(self, place: Place) -> None:
        raw = socket.create_connection((HOST, place.port), timeout=TIMEOUT_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = _tls().wrap_socket(raw, server_hostname=HOST)

    def send(self, request: bytes) -> None:
        """Send a request."""
        self.socket.sendall(request)

    def ask(self, request: bytes) -> bytearray:
        """Send a request and read the body of its answer.

        Raises:
            Refused: It is no success.
        """
        self.socket.sendall(request)
        return self.answer()

    def answer(self) -> bytearray:
        """Read one answer; its body, still in chunks where it came in chunks.

        Raises:
            Refused: It is no success.
        """
        data = self._more(bytearray())
        while (head_ends := data.find(b"\r\n\r\n")) < 0:
            self._more(data)
        head = bytes(data[:head_ends]).lower()
        del data[: head_ends + 4]
        if b"transfer-encoding: chunked" in head:
            while not data.endswith(b"0\r\n\r\n"):
                self._more(data)
        else:
            length = int(_header(head, b"content-length"))
            while len(data) < length:
                self._more(data)
        if not head.startswith(b"http/1.1 2"):
            raise Refused(f"{head[:60]!r} {bytes(data[:500])!r}")
        return data

    def close(self) -> None:
        """Close it."""
        self.socket.close()

    def _more(self, data: bytearray) -> bytearray:
        read = self.socket.recv(_CHUNK)
        if not read:
            raise Refused(f"the server hung up after {bytes(data[:200])!r}")
        data += read
        return data


def _header(head: bytes, name: bytes) -> bytes:
    """The value of a header in a head of lower case; zero where it is not there."""
    _, found, rest = head.partition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip() if found else b"0"


def _tls() -> ssl.SSLContext:
    """TLS that trusts whoever answers: a server that was just started on loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
