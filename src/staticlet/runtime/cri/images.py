"""The images port over CRI v1."""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.runtime import port
from staticlet.runtime.cri import channel, decode, encode
from staticlet.wire import cri_grpc, cri_pb2


class CriImages:
    """A `port.Images` over one connection, which may be the runtime's own.

    Args:
        connection: The image service's socket; its owner closes it.
        request_timeout_s: The deadline of a question; pulls have none, as with the kubelet.
    """

    def __init__(
        self, connection: channel.Connection, *, request_timeout_s: float = 120.0
    ) -> None:
        self._connection = connection
        self._timeout_s = request_timeout_s
        self._stub = cri_grpc.ImageServiceStub(connection.channel)

    async def image_status(self, ref: str) -> port.Image | None:
        """The image, or None when it is not present."""
        request = cri_pb2.ImageStatusRequest(image=cri_pb2.ImageSpec(image=ref))
        try:
            reply = await self._connection.call(
                self._stub.ImageStatus, request, timeout_s=self._timeout_s
            )
        except port.NotFound:
            return None
        return decode.image(reply.image) if reply.HasField("image") else None

    async def pull(
        self,
        ref: str,
        *,
        auth: port.RegistryAuth | None = None,
        sandbox: port.SandboxConfig | None = None,
    ) -> str:
        """Pull an image; the id or digest under which it can be run.

        Takes as long as the registry does: cancel it to give up.
        """
        request = cri_pb2.PullImageRequest(
            image=cri_pb2.ImageSpec(image=ref),
            auth=encode.registry_auth(auth),
            sandbox_config=None if sandbox is None else encode.sandbox_config(sandbox),
        )
        return (
            await self._connection.call(self._stub.PullImage, request, timeout_s=None)
        ).image_ref

    async def list_images(self) -> Sequence[port.Image]:
        """All images that are present."""
        reply = await self._connection.call(
            self._stub.ListImages, cri_pb2.ListImagesRequest(), timeout_s=self._timeout_s
        )
        return tuple(map(decode.image, reply.images))
