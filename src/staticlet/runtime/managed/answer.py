"""Does containerd answer? Two questions, each on a connection of its own that is closed again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from grpclib import client, exceptions

from staticlet.wire import cri_grpc, cri_pb2

CALL_TIMEOUT_S = 5.0
# What a containerd that is absent, starting or going away makes of a call.
NO_ANSWER = (
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
    exceptions.GRPCError,
    exceptions.StreamTerminatedError,
    exceptions.ProtocolError,
)


@asynccontextmanager
async def channel(socket: Path) -> AsyncIterator[client.Channel]:
    """A connection that is made at the first call."""
    connection = client.Channel(path=str(socket))
    try:
        yield connection
    finally:
        connection.close()


async def version(socket: Path) -> str | None:
    """What containerd calls itself, or None while its CRI service does not answer."""
    try:
        async with channel(socket) as connection:
            stub = cri_grpc.RuntimeServiceStub(connection)
            answer = await stub.Version(cri_pb2.VersionRequest(), timeout=CALL_TIMEOUT_S)
    except NO_ANSWER:
        return None
    return f"{answer.runtime_name} {answer.runtime_version}"


async def has_image(socket: Path, ref: str) -> bool:
    """Whether the CRI service knows an image by this name; False while it does not answer.

    It learns of an import by an event, some milliseconds after `ctr` is done.
    """
    request = cri_pb2.ImageStatusRequest(image=cri_pb2.ImageSpec(image=ref))
    try:
        async with channel(socket) as connection:
            stub = cri_grpc.ImageServiceStub(connection)
            answer = await stub.ImageStatus(request, timeout=CALL_TIMEOUT_S)
    except NO_ANSWER:
        return False
    return bool(answer.image.id)
