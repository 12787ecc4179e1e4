"""CRI messages as the port's values. Pure.

Nothing of a message is kept: the values own plain strings and dicts, so a large reply is freed at
once.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from staticlet.runtime import port
from staticlet.wire import cri_pb2

_CONTAINER_STATES = {int(state): state for state in port.ContainerState}
_NAMESPACE_MODES = {int(mode): mode for mode in port.NamespaceMode}
_EVENT_TYPES = {int(kind): kind for kind in port.EventType}
_CGROUP_DRIVERS = {cri_pb2.SYSTEMD: "systemd", cri_pb2.CGROUPFS: "cgroupfs"}


class _Info(msgspec.Struct):
    """What is read of a verbose answer's `info`; the rest is the OCI spec and is skipped."""

    pid: int = 0


_INFO = msgspec.json.Decoder(_Info)


def version(reply: cri_pb2.VersionResponse) -> port.RuntimeVersion:
    """Who the runtime says it is."""
    return port.RuntimeVersion(
        name=reply.runtime_name,
        version=reply.runtime_version,
        api_version=reply.runtime_api_version,
    )


def conditions(reply: cri_pb2.StatusResponse) -> tuple[port.RuntimeCondition, ...]:
    """The runtime's conditions in its own order."""
    return tuple(
        port.RuntimeCondition(
            type=condition.type,
            status=condition.status,
            reason=condition.reason,
            message=condition.message,
        )
        for condition in reply.status.conditions
    )


def cgroup_driver(reply: cri_pb2.RuntimeConfigResponse) -> str | None:
    """`systemd` or `cgroupfs`; None when the runtime does not tell."""
    if not reply.HasField("linux"):
        return None
    return _CGROUP_DRIVERS.get(reply.linux.cgroup_driver)


def sandbox(item: cri_pb2.PodSandbox | cri_pb2.PodSandboxStatus) -> port.Sandbox:
    """A sandbox of a list or of a status: both carry the same fields."""
    metadata = item.metadata
    return port.Sandbox(
        id=item.id,
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        attempt=metadata.attempt,
        ready=item.state == cri_pb2.SANDBOX_READY,
        created_at_ns=item.created_at,
        labels=dict(item.labels),
        annotations=dict(item.annotations),
    )


def sandbox_status(reply: cri_pb2.PodSandboxStatusResponse) -> port.SandboxStatus:
    """A sandbox in detail; on the host network its addresses are the host's, hence none."""
    status = reply.status
    mode = _NAMESPACE_MODES.get(status.linux.namespaces.options.network, port.NamespaceMode.POD)
    shown = sandbox(status)
    return port.SandboxStatus(
        sandbox=shown,
        ips=() if mode is port.NamespaceMode.NODE else _ips(status.network),
        network=mode,
        pid=_pid(reply.info) if shown.ready else None,
    )


def container(item: cri_pb2.Container) -> port.Container:
    """A container of a list."""
    metadata = item.metadata
    return port.Container(
        id=item.id,
        sandbox_id=item.pod_sandbox_id,
        name=metadata.name,
        attempt=metadata.attempt,
        state=_state(item.state),
        created_at_ns=item.created_at,
        image=_image_name(item.image),
        image_ref=item.image_ref,
        labels=dict(item.labels),
        annotations=dict(item.annotations),
    )


def container_status(reply: cri_pb2.ContainerStatusResponse) -> port.ContainerStatus:
    """A container in detail; its pid only while it runs."""
    status = reply.status
    state = _state(status.state)
    return port.ContainerStatus(
        id=status.id,
        name=status.metadata.name,
        attempt=status.metadata.attempt,
        state=state,
        created_at_ns=status.created_at,
        started_at_ns=status.started_at,
        finished_at_ns=status.finished_at,
        exit_code=status.exit_code,
        image=_image_name(status.image),
        image_ref=status.image_ref,
        reason=status.reason,
        message=status.message,
        log_path=status.log_path,
        labels=dict(status.labels),
        annotations=dict(status.annotations),
        pid=_pid(reply.info) if state is port.ContainerState.RUNNING else None,
    )


def event(reply: cri_pb2.ContainerEventResponse) -> port.RuntimeEvent | None:
    """An event; None for a kind that the port has no word for."""
    kind = _EVENT_TYPES.get(reply.container_event_type)
    if kind is None:
        return None
    return port.RuntimeEvent(
        container_id=reply.container_id, type=kind, sandbox_id=reply.pod_sandbox_status.id
    )


def image(item: cri_pb2.Image) -> port.Image:
    """An image that is present."""
    return port.Image(
        id=item.id,
        tags=tuple(item.repo_tags),
        digests=tuple(item.repo_digests),
        size_bytes=item.size,
        uid=item.uid.value if item.HasField("uid") else None,
        username=item.username,
    )


def _ips(network: cri_pb2.PodSandboxNetworkStatus) -> tuple[str, ...]:
    if not network.ip:
        return ()
    return (network.ip, *(more.ip for more in network.additional_ips))


def _image_name(spec: cri_pb2.ImageSpec) -> str:
    return spec.user_specified_image or spec.image


def _state(number: int) -> port.ContainerState:
    return _CONTAINER_STATES.get(number, port.ContainerState.UNKNOWN)


def _pid(info: Mapping[str, str]) -> int | None:
    """The pid of a verbose answer: containerd and CRI-O write it as JSON under the key `info`."""
    try:
        return _INFO.decode(info.get("info", "{}")).pid or None
    except msgspec.MsgspecError:
        return None
