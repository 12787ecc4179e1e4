"""Answers of the agent that come bit by bit: watches and logs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import click

from staticlet.cli import agentsocket

_REASONS = {
    400: "BadRequest",
    404: "NotFound",
    409: "Conflict",
    422: "Invalid",
    500: "InternalError",
}
_PIECE_BYTES = 64 * 1024


class Refused(click.ClickException):
    """The agent said no, and why."""

    def __init__(self, status: int, text: str) -> None:
        reason = _REASONS.get(status, str(status))
        super().__init__(f"Error from agent ({reason}): {text}")

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the words as they are: they say that they are an error."""
        click.echo(self.message, file=file, err=file is None)


class Stream:
    """An answer that is being received."""

    def __init__(self, agent: agentsocket.Agent, connection: http.client.HTTPConnection) -> None:
        self._agent = agent
        self._connection = connection
        self._reply = connection.getresponse()
        if self._reply.status != http.client.OK:
            raise Refused(self._reply.status, self._reply.read().decode(errors="replace"))

    def allow(self, timeout_s: float | None) -> None:
        """How long to wait for the next bit, in seconds; None for ever."""
        if self._connection.sock is not None:
            self._connection.sock.settimeout(timeout_s)

    def events(self) -> Iterator[Mapping[str, Any]]:
        """The lines of JSON, until the agent ends.

        Raises:
            TimeoutError: The next one did not come in time.
        """
        while line := self._next(self._reply.readline):
            yield json.loads(line)

    def pieces(self) -> Iterator[bytes]:
        """The bytes as they come."""
        while piece := self._next(lambda: self._reply.read1(_PIECE_BYTES)):
            yield piece

    def _next(self, read: Any) -> bytes:
        try:
            got: bytes = read()
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as fault:
            raise click.ClickException(f"the agent on {self._agent.path} has gone") from fault
        return got


@contextmanager
def opened(agent: agentsocket.Agent, what: str, *, method: str = "GET") -> Iterator[Stream]:
    """The answer to a request, from here to the end of the block; waits for ever for each bit.

    Raises:
        Refused: The agent said no.
        click.ClickException: Nobody answers there.
    """
    connection = agentsocket.UnixConnection(agent.path)
    try:
        try:
            connection.request(method, what)
            stream = Stream(agent, connection)
        except (OSError, http.client.HTTPException) as fault:
            raise agentsocket.unreachable(agent.path, fault) from fault
        stream.allow(None)
        yield stream
    finally:
        connection.close()
