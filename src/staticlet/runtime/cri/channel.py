"""One connection to the runtime's unix socket, and what a call on it may become.

grpclib connects at the first call and again after a connection was lost, so a runtime that
restarts costs the calls of that time and nothing else. No call is repeated here: the callers
decide from what they see (level over edge).

Two things of grpclib are mended here. It wakes a call whose connection broke by cancelling the
task, without taking that back: the count would make a later `asyncio.timeout` or TaskGroup of the
same task misjudge a cancellation. And its own deadlines do the same, so deadlines are asyncio's; a
call that is given up is reset on the wire, which cancels it in the runtime.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Self, TypeVar

from grpclib import client, config, exceptions, protocol, utils

from staticlet.runtime import port
from staticlet.runtime.cri import calls, endpoint, faults

_WINDOW_BYTES = 16 * 1024 * 1024
"""What the runtime may send ahead; a list of a thousand pods comes without waiting for us."""

_SETTINGS = 4
"""The type of the frame with which every HTTP/2 server begins; it is the frame's fourth byte."""

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class Connection:
    """A channel to one socket, shared by all calls. Made inside the running loop; closed by hand.

    Args:
        where: The endpoint, `unix:///path` or a plain path.

    Raises:
        endpoint.BadEndpoint: `where` is no endpoint.
    """

    def __init__(self, where: str) -> None:
        self.path = endpoint.socket_path(where)
        windows = config.Configuration(
            http2_connection_window_size=_WINDOW_BYTES, http2_stream_window_size=_WINDOW_BYTES
        )
        self.channel = _Channel(path=self.path, config=windows)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Drop the connection; calls under way fail with Unavailable. A later call reconnects."""
        self.channel.close()
        await asyncio.sleep(0)  # the transport closes in the loop's next turn

    async def call(
        self,
        method: client.UnaryUnaryMethod[Request, Reply],
        request: Request,
        *,
        timeout_s: float | None,
    ) -> Reply:
        """One question, one answer; `timeout_s` None waits for as long as the runtime takes.

        Raises:
            port.RuntimeFault: the runtime refused, is not there, or took too long.
        """
        try:
            with calls.timed(_name(method)):
                async with asyncio.timeout(timeout_s):
                    reply = await self._ask(method, request)
        except TimeoutError as error:
            call = _name(method)
            raise port.DeadlinePassed(f"{call} took longer than {timeout_s:g} s") from error
        if reply is None:
            raise port.NotCri(f"{self.path} ended {method.name} without an answer")
        return reply

    async def _ask(
        self, method: client.UnaryUnaryMethod[Request, Reply], request: Request
    ) -> Reply | None:
        wake = _Wake()
        with _Guard(self.path, wake):
            async with method.open() as stream:
                stream._wrapper = wake
                await stream.send_message(request, end=True)
                return await stream.recv_message()

    async def follow(
        self, method: client.UnaryStreamMethod[Request, Reply], request: Request
    ) -> AsyncGenerator[Reply, None]:
        """One question, answers until the runtime ends them or the iterator is closed.

        Raises:
            port.RuntimeFault: as `call`, at any step.
        """
        wake = _Wake()
        async with method.open() as stream:
            stream._wrapper = wake
            with _Guard(self.path, wake):
                await stream.send_message(request, end=True)
            while True:
                with _Guard(self.path, wake):
                    reply = await stream.recv_message()
                    if reply is None:
                        await stream.recv_trailing_metadata()  # raises when it is no good end
                if reply is None:
                    return
                yield reply


def _name(method: client.UnaryUnaryMethod[Request, Reply]) -> str:
    """The call's name without its service."""
    return method.name.rpartition("/")[2]


class _Channel(client.Channel):
    """grpclib's channel, told to look at the first bytes.

    It would hand out a connection that ended in the very moment in which it was made, and then
    trip over what its end removed.
    """

    async def __connect__(self) -> protocol.H2Protocol:
        made = await super().__connect__()
        if made.processor.connection.is_closing():
            garbled = isinstance(made, _Protocol) and made.garbled
            raise exceptions.StreamTerminatedError(faults.GARBLED if garbled else "Closed at once")
        return made

    def _protocol_factory(self) -> protocol.H2Protocol:
        return _Protocol(client.Handler(), self._config, self._h2_config)


class _Protocol(protocol.H2Protocol):
    """Ends a connection whose other side does not begin as HTTP/2 does.

    Without it the reply of another kind of server reads as the head of a frame of megabytes, and
    the call waits for the rest.
    """

    garbled = False
    _begun = False

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, once the first ones were seen to be HTTP/2."""
        if not self._begun:
            self._begun = True
            if data[3:4] not in (b"", bytes([_SETTINGS])):
                self.garbled = True
                self.processor.close(faults.GARBLED)
                return
        super().data_received(data)


class _Wake(utils.Wrapper):
    """How grpclib wakes a call whose stream ended: at most once, and counted.

    grpclib's own may cancel the task again when the connection closes after the stream did.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cancelled_times = 0

    def cancel(self, error: Exception) -> None:
        """Remember the first error, and cancel the task that waits, if one does."""
        if self._error is None:
            self.cancelled_times = len(self._tasks)
            super().cancel(error)


class _Guard:
    """Turns what grpclib raises into the port's faults; takes back grpclib's own cancelling."""

    __slots__ = ("_before", "_path", "_task", "_wake")

    def __init__(self, path: str, wake: _Wake) -> None:
        self._path = path
        self._wake = wake

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call on the runtime needs a task")
        self._task: asyncio.Task[Any] = task
        self._before = task.cancelling()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, faults.FOREIGN):
            return
        if self._wake.cancelled_times:
            self._take_back(error)
        raise faults.translate(error, self._path) from error

    def _take_back(self, error: BaseException) -> None:
        """Undo what grpclib did to the task; a cancellation that is left is somebody's wish."""
        for _ in range(self._wake.cancelled_times):
            self._task.uncancel()
        if self._task.cancelling() > self._before:
            raise asyncio.CancelledError from error
