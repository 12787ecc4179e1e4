"""An HTTP server on a TLS socket, with every bound that keeps one client from harming others.

What is unforeseen in a handler is caught here, in one place: it is logged, its request is answered
with a Status of 500, and the server goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from asyncio import sslproto
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import abc, hdrs, http_exceptions, http_parser, streams, web

from staticlet.web import door, status

log = logging.getLogger(__name__)

BACKLOG = 512

READ_BYTES = 32 * 1024
"""What TLS reads at a time; a buffer of this size stays with each connection.

Python's own 256 KiB would be most of what an idle watcher costs.
"""

Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class ListenFault(Exception):
    """The address cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what clients may take.

    Attributes:
        connections: How many are answered; those above get 429 and are closed.
        refused: How many above that are told so; others are cut off.
        headers: How many lines of headers a request may have.
        line: How many bytes one of them, or the request line, may have.
        idle_s: How long a connection may stay between requests, or without a whole first one.
        handshakes: How many may be about to agree upon TLS; others wait, and who says nothing or
            takes very long is cut off for them.
        handshake_s: How long that may take.
        rest_s: How long the rest of a refused body is read, so that its client gets the answer.
        linger_s: How long a request under way may take when the server ends.
    """

    connections: int = 2_000
    refused: int = 200
    headers: int = 128
    line: int = 32 * 1024
    idle_s: float = 120.0
    handshakes: int = 2_000
    handshake_s: float = 10.0
    rest_s: float = 5.0
    linger_s: float = 1.0


LIMITS = Limits()


class _Connection(web.RequestHandler):
    """One connection, whose faults become Status answers."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, and what a handler did not foresee."""
        if status >= 500:
            log.error("%s %s failed unexpectedly", request.method, request.path, exc_info=exc)
        elif not isinstance(exc, http_exceptions.BadHttpMethod):
            log.debug("no HTTP from %s: %s", request.remote, message)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun: there can be no other")
        answer = _status(status, message or "")
        answer.force_close()
        return answer


def _status(code: int, message: str) -> web.Response:
    return status.response(status.of_http_fault(code, message))


@dataclass(slots=True)
class Crowd:
    """All who are connected.

    Attributes:
        open: How many they are.
    """

    open: int = 0


class _Request(web.BaseRequest):
    """A request whose answer does not say by what versions of which programs it was made."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.pop(hdrs.SERVER, None)


class _Server(web.Server):
    """aiohttp's server, with a bound on connections."""

    def __init__(self, handler: Handler, limits: Limits, crowd: Crowd) -> None:
        super().__init__(
            self._unless_crowded,
            handler_cancellation=True,  # a watcher that hangs up is noticed while nothing happens
            access_log=None,
            logger=log,
            keepalive_timeout=limits.idle_s,
            max_line_size=limits.line,
            max_field_size=limits.line,
            max_headers=limits.headers,
            lingering_time=limits.rest_s,
            auto_decompress=False,  # a small body may not become a large one
        )
        self._handler = handler
        self._limits = limits
        self._crowd = crowd
        self.request_factory = self._request

    def _request(
        self,
        message: http_parser.RawRequestMessage,
        payload: streams.StreamReader,
        protocol: web.RequestHandler,
        writer: abc.AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        return _Request(message, payload, protocol, writer, task, self._loop)

    def __call__(self) -> web.RequestHandler:
        """Make what handles one connection."""
        return _Connection(self, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection, or cut it off."""
        super().connection_made(handler, transport)
        self._crowd.open += 1
        if self._crowd.open > self._limits.connections + self._limits.refused:
            handler.force_close()

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """Count a connection off."""
        super().connection_lost(handler, exc)
        self._crowd.open -= 1

    async def _unless_crowded(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._crowd.open <= self._limits.connections:
            return await self._handler(request)
        answer = status.response(status.too_many("too many connections are open: try again later"))
        answer.force_close()
        return answer


def bound(address: str, port: int) -> socket.socket:
    """A TCP socket, bound and not yet listening; port 0 takes any free one.

    Raises:
        ListenFault: The address is none of this machine's, or is taken.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind((address, port))
    except OSError as fault:
        made.close()
        raise ListenFault(
            f"cannot listen on {address} port {port}: {fault.strerror or fault}"
        ) from fault
    return made


@contextlib.asynccontextmanager
async def serving(
    handler: Handler,
    sock: socket.socket,
    tls: ssl.SSLContext | None,
    *,
    crowd: Crowd,
    limits: Limits = LIMITS,
) -> AsyncIterator[None]:
    """Answer requests while the context is open; then end, requests under way first.

    Args:
        handler: Answers one request.
        sock: Where to listen; it is closed in the end.
        tls: The server's side of TLS; None for plain HTTP.
        crowd: Told how many are connected.
        limits: What clients may take.
    """
    sslproto.SSLProtocol.max_size = READ_BYTES
    server = _Server(handler, limits, crowd)
    entrance = door.Door(server, tls, most=limits.handshakes, handshake_s=limits.handshake_s)
    try:
        sock.listen(BACKLOG)
        sock.setblocking(False)  # noqa: FBT003  its only argument
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(entrance.take(sock), name="taking connections")
            try:
                yield
            finally:
                taking.cancel()
    except BaseExceptionGroup as faults:
        if len(faults.exceptions) == 1:
            raise faults.exceptions[0] from None  # of the context's own block
        raise
    finally:
        sock.close()
        server.pre_shutdown()
        await server.shutdown(limits.linger_s)
