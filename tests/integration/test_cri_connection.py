"""The connection to a runtime: what a caller sees when the other side is odd, slow, or gone.

The other side is a small gRPC server in the same process, or a plain socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import grpclib.const
import grpclib.exceptions
import grpclib.protocol
import grpclib.server
import pytest

from staticlet.runtime import port
from staticlet.runtime.cri import channel, runtime
from staticlet.wire import cri_pb2

Answer = Callable[["grpclib.server.Stream[Any, Any]"], Awaitable[None]]
SERVICE = "/runtime.v1.RuntimeService/"


class Server:
    """A runtime that answers as the test says."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[Answer, Any]] = {}

    def answer(self, method: str, request: Any, answer: Answer) -> None:
        self.answers[method] = (answer, request)

    def __mapping__(self) -> dict[str, grpclib.const.Handler]:
        kind = grpclib.const.Cardinality.UNARY_STREAM
        return {
            SERVICE + method: grpclib.const.Handler(answer, kind, request, object)
            for method, (answer, request) in self.answers.items()
        }


@pytest.fixture
def path() -> Iterator[pathlib.Path]:
    """A short path: pytest's own may be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="cri") as directory:
        yield pathlib.Path(directory) / "s"


@contextlib.asynccontextmanager
async def serving(path: pathlib.Path, service: Server) -> AsyncIterator[grpclib.server.Server]:
    server = grpclib.server.Server([service])
    await server.start(path=str(path))
    try:
        yield server
    finally:
        server.close()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def connected(
    path: pathlib.Path, *, timeout_s: float = 5.0
) -> AsyncIterator[runtime.CriRuntime]:
    async with channel.Connection(str(path)) as connection:
        yield runtime.CriRuntime(connection, request_timeout_s=timeout_s)


def refusing(status: grpclib.const.Status, message: str) -> Answer:
    async def answer(stream: grpclib.server.Stream[Any, Any]) -> None:
        raise grpclib.exceptions.GRPCError(status, message)

    return answer


def replying(*replies: Any) -> Answer:
    async def answer(stream: grpclib.server.Stream[Any, Any]) -> None:
        await stream.recv_message()
        for reply in replies:
            await stream.send_message(reply)

    return answer


async def raised(path: pathlib.Path, status: grpclib.const.Status, text: str) -> Exception:
    service = Server()
    service.answer("StartContainer", cri_pb2.StartContainerRequest, refusing(status, text))
    async with serving(path, service), connected(path) as cri:
        with pytest.raises(port.RuntimeFault) as caught:
            await cri.start_container("c")
    return caught.value


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (grpclib.const.Status.NOT_FOUND, port.NotFound),
        (grpclib.const.Status.UNIMPLEMENTED, port.Unsupported),
        (grpclib.const.Status.UNAVAILABLE, port.Unavailable),
        (grpclib.const.Status.DEADLINE_EXCEEDED, port.DeadlinePassed),
        (grpclib.const.Status.UNKNOWN, port.RuntimeFault),
        (grpclib.const.Status.INVALID_ARGUMENT, port.RuntimeFault),
    ],
)
async def test_a_refusal_is_the_fault_for_its_status_with_the_runtimes_own_words(
    path: pathlib.Path, status: grpclib.const.Status, fault: type[Exception]
) -> None:
    error = await raised(path, status, "rpc error: code = Unknown desc = disk é full")
    assert type(error) is fault
    assert str(error) == "disk é full"


async def test_a_runtime_that_is_still_loading_is_waited_for(path: pathlib.Path) -> None:
    error = await raised(path, grpclib.const.Status.UNKNOWN, "server is not initialized yet")
    assert type(error) is port.Unavailable


async def test_a_server_without_cri_v1_is_told_apart_with_advice(path: pathlib.Path) -> None:
    service = Server()
    no_cri = refusing(grpclib.const.Status.UNIMPLEMENTED, "unknown service RuntimeService")
    service.answer("Version", cri_pb2.VersionRequest, no_cri)
    async with serving(path, service), connected(path) as cri:
        with pytest.raises(port.NotCri, match=r"CRI v1 .*containerd 1\.6.*cri plugin"):
            await cri.version()


@pytest.mark.parametrize(
    ("said", "fault", "text"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", port.NotCri, "gRPC"),
        (b"\0\1\2\3 some other protocol altogether", port.NotCri, "gRPC"),
        (b"", port.Unavailable, "broke off"),
    ],
    ids=["an HTTP/1 server", "garbage", "nothing"],
)
async def test_a_socket_of_something_else_is_told_apart(
    path: pathlib.Path, said: bytes, fault: type[Exception], text: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(said)
        with contextlib.suppress(OSError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_unix_server(answer, path)
    async with server, connected(path) as cri:
        with pytest.raises(port.RuntimeFault, match=text) as caught:
            await cri.version()
    assert type(caught.value) is fault


async def test_a_connection_that_ends_as_it_is_made_is_a_fault(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = channel._Channel._create_connection

    async def ends_at_once(self: channel._Channel) -> grpclib.protocol.H2Protocol:
        made = await connect(self)
        made.data_received(said)  # as when the other side speaks before we are told to go on
        return made

    monkeypatch.setattr(channel._Channel, "_create_connection", ends_at_once)
    async with serving(path, Server()), connected(path) as cri:
        said = b"220 mail.example.lan at your service"
        with pytest.raises(port.NotCri, match="gRPC"):
            await cri.version()


async def test_no_socket_and_no_listener_are_unavailable(path: pathlib.Path) -> None:
    async with connected(path) as cri:
        with pytest.raises(port.Unavailable, match=f"there is no socket {path}"):
            await cri.version()
        server = await asyncio.start_unix_server(lambda _, writer: writer.close(), path)
        server.close()
        await server.wait_closed()
        with pytest.raises(port.Unavailable, match=r"nobody listens|there is no socket"):
            await cri.version()


async def test_a_call_that_takes_too_long_ends_and_is_cancelled_in_the_runtime(
    path: pathlib.Path,
) -> None:
    cancelled = asyncio.Event()

    async def hang(stream: grpclib.server.Stream[Any, Any]) -> None:
        await stream.recv_message()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    service = Server()
    service.answer("Version", cri_pb2.VersionRequest, hang)
    async with serving(path, service), connected(path, timeout_s=0.05) as cri:
        with pytest.raises(port.DeadlinePassed, match=r"Version took longer than 0\.05 s"):
            await cri.version()
        async with asyncio.timeout(5):
            await cancelled.wait()


async def test_a_call_that_is_cancelled_is_cancelled_in_the_runtime(path: pathlib.Path) -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(stream: grpclib.server.Stream[Any, Any]) -> None:
        await stream.recv_message()
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    service = Server()
    service.answer("RunPodSandbox", cri_pb2.RunPodSandboxRequest, hang)
    service.answer("Version", cri_pb2.VersionRequest, replying(cri_pb2.VersionResponse()))
    async with serving(path, service), connected(path) as cri, asyncio.TaskGroup() as group:
        config = port.SandboxConfig(name="a", namespace="b", uid="c", attempt=0)
        call = group.create_task(cri.run_sandbox(config), name="the call")
        await begun.wait()
        call.cancel()
        async with asyncio.timeout(5):
            await cancelled.wait()
        assert (await cri.version()).name == ""  # the same connection goes on


async def test_a_connection_that_breaks_leaves_no_cancellation_behind(
    path: pathlib.Path,
) -> None:
    async def vanish(stream: grpclib.server.Stream[Any, Any]) -> None:
        await stream.recv_message()
        stream._stream.connection.close()

    service = Server()
    service.answer("Version", cri_pb2.VersionRequest, vanish)
    async with serving(path, service), connected(path) as cri:
        task = asyncio.current_task()
        assert task is not None
        with pytest.raises(port.Unavailable, match="broke off"):
            await cri.version()
        assert task.cancelling() == 0
        with pytest.raises(TimeoutError):  # a deadline of the same task still works
            async with asyncio.timeout(0.01):
                await asyncio.sleep(10)


async def test_a_cancellation_is_not_lost_when_the_connection_breaks_at_once(
    path: pathlib.Path,
) -> None:
    begun = asyncio.Event()
    streams: list[grpclib.server.Stream[Any, Any]] = []

    async def hang(stream: grpclib.server.Stream[Any, Any]) -> None:
        await stream.recv_message()
        streams.append(stream)
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    service = Server()
    service.answer("Version", cri_pb2.VersionRequest, hang)
    async with serving(path, service), channel.Connection(str(path)) as connection:
        cri = runtime.CriRuntime(connection)
        async with asyncio.TaskGroup() as group:
            call = group.create_task(cri.version(), name="the call")
            await begun.wait()
            call.cancel()
            await connection.close()
        assert call.cancelled()


async def test_calls_work_again_after_the_runtime_came_back(path: pathlib.Path) -> None:
    streams: list[grpclib.server.Stream[Any, Any]] = []

    async def answer(stream: grpclib.server.Stream[Any, Any]) -> None:
        await stream.recv_message()
        await stream.send_message(cri_pb2.VersionResponse(runtime_name="containerd"))
        streams.append(stream)

    service = Server()
    service.answer("Version", cri_pb2.VersionRequest, answer)
    async with connected(path) as cri:
        for _ in range(3):
            async with serving(path, service):
                assert (await cri.version()).name == "containerd"
                streams.pop()._stream.connection.close()
            with pytest.raises(port.Unavailable):
                await cri.version()


async def test_a_list_of_twenty_megabytes_arrives_whole(path: pathlib.Path) -> None:
    items = [
        cri_pb2.Container(id=str(number), annotations={"big": "x" * 20_000})
        for number in range(1000)
    ]
    service = Server()
    reply = cri_pb2.ListContainersResponse(containers=items)
    service.answer("ListContainers", cri_pb2.ListContainersRequest, replying(reply))
    async with serving(path, service), connected(path) as cri:
        listed = await cri.list_containers({})
    assert [each.id for each in listed] == [str(number) for number in range(1000)]


async def test_two_hundred_calls_at_once_share_the_connection(path: pathlib.Path) -> None:
    service = Server()
    reply = cri_pb2.VersionResponse(runtime_name="containerd")
    service.answer("Version", cri_pb2.VersionRequest, replying(reply))
    async with serving(path, service), connected(path) as cri:
        names = {each.name for each in await asyncio.gather(*(cri.version() for _ in range(200)))}
    assert names == {"containerd"}


async def test_an_answer_without_a_message_is_not_cri(path: pathlib.Path) -> None:
    service = Server()
    service.answer("Version", cri_pb2.VersionRequest, replying())
    async with serving(path, service), connected(path) as cri:
        with pytest.raises(port.NotCri, match="without an answer"):
            await cri.version()


async def test_events_come_one_by_one_until_the_caller_has_enough(path: pathlib.Path) -> None:
    closed = asyncio.Event()

    async def endless(stream: grpclib.server.Stream[Any, Any]) -> None:
        await stream.recv_message()
        try:
            number = 0
            while True:
                number += 1
                await stream.send_message(
                    cri_pb2.ContainerEventResponse(
                        container_id=str(number), container_event_type=number % 5
                    )
                )
        finally:
            closed.set()

    service = Server()
    service.answer("GetContainerEvents", cri_pb2.GetEventsRequest, endless)
    seen = []
    async with serving(path, service), connected(path) as cri:
        async with contextlib.aclosing(cri.events()) as events:
            async for event in events:
                seen.append((event.container_id, event.type))
                if len(seen) == 4:
                    break
        async with asyncio.timeout(5):
            await closed.wait()
    # The fourth has a type that nobody knows yet: it is skipped.
    assert seen == [
        ("1", port.EventType.STARTED),
        ("2", port.EventType.STOPPED),
        ("3", port.EventType.DELETED),
        ("5", port.EventType.CREATED),
    ]


async def test_events_that_break_off_are_unavailable(path: pathlib.Path) -> None:
    async def one_and_gone(stream: grpclib.server.Stream[Any, Any]) -> None:
        await stream.recv_message()
        await stream.send_message(cri_pb2.ContainerEventResponse(container_id="1"))
        await asyncio.sleep(0.05)
        stream._stream.connection.close()

    service = Server()
    service.answer("GetContainerEvents", cri_pb2.GetEventsRequest, one_and_gone)
    async with (
        serving(path, service),
        connected(path) as cri,
        contextlib.aclosing(cri.events()) as events,
    ):
        assert (await anext(events)).container_id == "1"
        with pytest.raises(port.Unavailable):
            await anext(events)


async def test_events_end_with_the_fault_that_the_runtime_names(path: pathlib.Path) -> None:
    service = Server()
    service.answer(
        "GetContainerEvents",
        cri_pb2.GetEventsRequest,
        refusing(grpclib.const.Status.UNIMPLEMENTED, "method not implemented"),
    )
    async with serving(path, service), connected(path) as cri:
        with pytest.raises(port.Unsupported, match="method not implemented"):
            await anext(cri.events())


async def test_events_that_end_at_once_are_unsupported_as_cri_o_means_it(
    path: pathlib.Path,
) -> None:
    service = Server()
    service.answer("GetContainerEvents", cri_pb2.GetEventsRequest, replying())
    async with serving(path, service), connected(path) as cri:
        with pytest.raises(port.Unsupported, match="no events"):
            await anext(cri.events())


async def test_events_that_end_later_are_unavailable(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_AT_ONCE_S", 0.0)
    service = Server()
    event = cri_pb2.ContainerEventResponse(container_id="1")
    service.answer("GetContainerEvents", cri_pb2.GetEventsRequest, replying(event))
    async with (
        serving(path, service),
        connected(path) as cri,
        contextlib.aclosing(cri.events()) as events,
    ):
        assert (await anext(events)).container_id == "1"
        with pytest.raises(port.Unavailable, match="ended the stream"):
            await anext(events)
