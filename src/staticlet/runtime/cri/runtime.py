"""The runtime port over CRI v1: sandboxes and containers.

Calls that end something take an absent id for done: whatever was asked for is the case.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from staticlet.runtime import port
from staticlet.runtime.cri import channel, decode, encode, faults
from staticlet.wire import cri_grpc, cri_pb2

if TYPE_CHECKING:
    from grpclib import client


_AT_ONCE_S = 1.0
"""A stream of events that ends sooner than this was never meant to carry any."""

Request = TypeVar("Request")
Reply = TypeVar("Reply")


class CriRuntime:
    """A `port.Runtime` over one connection.

    Args:
        connection: The runtime's socket; its owner closes it.
        request_timeout_s: The deadline of a call (kubelet: runtimeRequestTimeout). Starting a
            sandbox has twice that, as with the kubelet; stopping a container has its grace more.
    """

    def __init__(
        self, connection: channel.Connection, *, request_timeout_s: float = 120.0
    ) -> None:
        self._connection = connection
        self._timeout_s = request_timeout_s
        self._stub = cri_grpc.RuntimeServiceStub(connection.channel)

    async def version(self) -> port.RuntimeVersion:
        """Who is there. Raises NotCri when CRI v1 is not spoken."""
        try:
            reply = await self._call(self._stub.Version, cri_pb2.VersionRequest())
        except port.Unsupported as error:
            raise faults.not_cri(error, self._connection.path) from error
        return decode.version(reply)

    async def conditions(self) -> Sequence[port.RuntimeCondition]:
        """Whether the runtime and its network are ready."""
        return decode.conditions(await self._call(self._stub.Status, cri_pb2.StatusRequest()))

    async def cgroup_driver(self) -> str | None:
        """`systemd` or `cgroupfs`; None where the runtime does not tell (containerd 1.6)."""
        try:
            reply = await self._call(self._stub.RuntimeConfig, cri_pb2.RuntimeConfigRequest())
        except port.Unsupported:
            return None
        return decode.cgroup_driver(reply)

    async def run_sandbox(self, config: port.SandboxConfig, *, handler: str = "") -> str:
        """Create and start a sandbox; its id."""
        request = cri_pb2.RunPodSandboxRequest(
            config=encode.sandbox_config(config), runtime_handler=handler
        )
        reply = await self._connection.call(
            self._stub.RunPodSandbox, request, timeout_s=2 * self._timeout_s
        )
        return reply.pod_sandbox_id

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """Stop a sandbox and its network; stopped or absent ones are no error."""
        request = cri_pb2.StopPodSandboxRequest(pod_sandbox_id=sandbox_id)
        try:
            await self._call(self._stub.StopPodSandbox, request)
        except port.NotFound:
            return

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove a sandbox with all its containers; absent ones are no error."""
        request = cri_pb2.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id)
        try:
            await self._call(self._stub.RemovePodSandbox, request)
        except port.NotFound:
            return

    async def sandbox_status(
        self, sandbox_id: str, *, verbose: bool = False
    ) -> port.SandboxStatus:
        """One sandbox in detail; verbose asks for its pid too."""
        request = cri_pb2.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id, verbose=verbose)
        return decode.sandbox_status(await self._call(self._stub.PodSandboxStatus, request))

    async def list_sandboxes(self, labels: Mapping[str, str]) -> Sequence[port.Sandbox]:
        """All sandboxes that carry these labels."""
        request = cri_pb2.ListPodSandboxRequest(filter=encode.sandbox_filter(labels))
        reply = await self._call(self._stub.ListPodSandbox, request)
        return tuple(map(decode.sandbox, reply.items))

    async def create_container(
        self,
        sandbox_id: str,
        config: port.ContainerConfig,
        sandbox_config: port.SandboxConfig,
    ) -> str:
        """Create a container; its id."""
        request = cri_pb2.CreateContainerRequest(
            pod_sandbox_id=sandbox_id,
            config=encode.container_config(config),
            sandbox_config=encode.sandbox_config(sandbox_config),
        )
        return (await self._call(self._stub.CreateContainer, request)).container_id

    async def start_container(self, container_id: str) -> None:
        """Start a created container."""
        request = cri_pb2.StartContainerRequest(container_id=container_id)
        await self._call(self._stub.StartContainer, request)

    async def stop_container(self, container_id: str, *, grace_s: int) -> None:
        """Stop: TERM, then KILL after the grace; returns when the exit is recorded.

        Stopped or absent containers are no error.
        """
        request = cri_pb2.StopContainerRequest(container_id=container_id, timeout=grace_s)
        try:
            await self._connection.call(
                self._stub.StopContainer, request, timeout_s=self._timeout_s + grace_s
            )
        except port.NotFound:
            return

    async def remove_container(self, container_id: str) -> None:
        """Remove a container, killing it if it must; absent ones are no error."""
        request = cri_pb2.RemoveContainerRequest(container_id=container_id)
        try:
            await self._call(self._stub.RemoveContainer, request)
        except port.NotFound:
            return

    async def container_status(
        self, container_id: str, *, verbose: bool = False
    ) -> port.ContainerStatus:
        """One container in detail; verbose asks for its pid too."""
        request = cri_pb2.ContainerStatusRequest(container_id=container_id, verbose=verbose)
        return decode.container_status(await self._call(self._stub.ContainerStatus, request))

    async def list_containers(self, labels: Mapping[str, str]) -> Sequence[port.Container]:
        """All containers that carry these labels."""
        request = cri_pb2.ListContainersRequest(filter=encode.container_filter(labels))
        reply = await self._call(self._stub.ListContainers, request)
        return tuple(map(decode.container, reply.containers))

    async def reopen_log(self, container_id: str) -> None:
        """Make the runtime reopen the container's log file, after a rotation."""
        request = cri_pb2.ReopenContainerLogRequest(container_id=container_id)
        await self._call(self._stub.ReopenContainerLog, request)

    async def events(self) -> AsyncGenerator[port.RuntimeEvent, None]:
        """Follow what happens to containers; raises Unsupported where the call is missing.

        Close the iterator (`contextlib.aclosing`) to end the call. It never ends by itself: a
        stream that the runtime ends is Unavailable, or Unsupported when that happens at once,
        which is how CRI-O says that its events are switched off.
        """
        began = asyncio.get_running_loop().time()
        replies = self._connection.follow(
            self._stub.GetContainerEvents, cri_pb2.GetEventsRequest()
        )
        async with contextlib.aclosing(replies):
            async for reply in replies:
                if (event := decode.event(reply)) is not None:
                    yield event
        if asyncio.get_running_loop().time() - began < _AT_ONCE_S:
            raise port.Unsupported("the runtime has no events: it ends their stream at once")
        raise port.Unavailable("the runtime ended the stream of events")

    async def _call(
        self, method: client.UnaryUnaryMethod[Request, Reply], request: Request
    ) -> Reply:
        return await self._connection.call(method, request, timeout_s=self._timeout_s)
