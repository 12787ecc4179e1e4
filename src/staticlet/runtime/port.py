"""The runtime port: what pods may ask of a container runtime, and the values they exchange.

The words are the CRI's. Times are integers of nanoseconds since the epoch, as the CRI has them (0:
not yet). Durations carry their unit in the name. The adapter translates protocol errors into the
small tree below; nothing above it sees gRPC.

    RuntimeFault                    any refusal of the runtime
    ├── Unavailable                 nobody answers on the socket (absent, restarting): wait
    │   └── NotCri                  somebody answers, but does not speak CRI v1
    ├── NotFound                    no such sandbox, container or image
    ├── Unsupported                 the runtime does not have this call
    └── DeadlinePassed              the call took longer than its deadline
"""

from __future__ import annotations

import enum
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class RuntimeFault(Exception):
    """The runtime refused a call; the text is the runtime's own, without gRPC's wrapping."""


class Unavailable(RuntimeFault):
    """Nobody answers on the socket."""


class NotCri(Unavailable):
    """Somebody answers, but does not speak CRI v1."""


class NotFound(RuntimeFault):
    """There is no such sandbox, container or image."""


class Unsupported(RuntimeFault):
    """The runtime does not have this call."""


class DeadlinePassed(RuntimeFault):
    """The call took longer than its deadline."""


class NamespaceMode(enum.IntEnum):
    """Whose namespace is used; the CRI's numbers."""

    POD = 0
    CONTAINER = 1
    NODE = 2
    TARGET = 3


class Propagation(enum.IntEnum):
    """Mount propagation; the CRI's numbers."""

    PRIVATE = 0
    HOST_TO_CONTAINER = 1
    BIDIRECTIONAL = 2


class ProfileType(enum.IntEnum):
    """Kinds of seccomp and AppArmor profile; the CRI's numbers."""

    RUNTIME_DEFAULT = 0
    UNCONFINED = 1
    LOCALHOST = 2


class ContainerState(enum.IntEnum):
    """States of a container; the CRI's numbers."""

    CREATED = 0
    RUNNING = 1
    EXITED = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityProfile:
    """A seccomp or AppArmor profile; `localhost_ref` is a path (seccomp) or a name (AppArmor)."""

    type: ProfileType
    localhost_ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SELinuxOptions:
    """An SELinux context."""

    user: str = ""
    role: str = ""
    type: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespaces:
    """Which namespaces are shared with whom."""

    network: NamespaceMode = NamespaceMode.POD
    pid: NamespaceMode = NamespaceMode.CONTAINER
    ipc: NamespaceMode = NamespaceMode.POD


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsConfig:
    """What the sandbox's resolv.conf says."""

    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PortMapping:
    """A host port of a sandbox; protocol is TCP, UDP or SCTP; host_port 0 maps nothing."""

    protocol: str
    container_port: int
    host_port: int
    host_ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """CRI PodSandboxConfig: all that the runtime must know to make a pod sandbox."""

    name: str
    namespace: str
    uid: str
    attempt: int
    hostname: str = ""
    log_directory: str = ""
    dns: DnsConfig | None = None
    port_mappings: tuple[PortMapping, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    cgroup_parent: str = ""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    namespaces: Namespaces = field(default_factory=Namespaces)
    privileged: bool = False
    run_as_user: int | None = None
    run_as_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    readonly_rootfs: bool = False
    seccomp: SecurityProfile | None = None
    selinux: SELinuxOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A bind mount of a host path into a container."""

    container_path: str
    host_path: str
    readonly: bool = False
    selinux_relabel: bool = False
    propagation: Propagation = Propagation.PRIVATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device node of the host in a container."""

    container_path: str
    host_path: str
    permissions: str = "rwm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """CRI LinuxContainerResources; 0 means: say nothing."""

    cpu_period_us: int = 0
    cpu_quota_us: int = 0
    cpu_shares: int = 0
    memory_limit_bytes: int = 0
    oom_score_adj: int = 0
    hugepage_limits: Mapping[str, int] = field(default_factory=dict)
    unified: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSecurity:
    """CRI LinuxContainerSecurityContext."""

    privileged: bool = False
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    namespaces: Namespaces = field(default_factory=Namespaces)
    run_as_user: int | None = None
    run_as_username: str = ""
    run_as_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    readonly_rootfs: bool = False
    no_new_privs: bool = False
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    seccomp: SecurityProfile | None = None
    apparmor: SecurityProfile | None = None
    selinux: SELinuxOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerConfig:
    """CRI ContainerConfig: all that the runtime must know to make a container."""

    name: str
    attempt: int
    image: str
    user_specified_image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    envs: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    devices: tuple[Device, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    log_path: str = ""
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    resources: Resources = field(default_factory=Resources)
    security: ContainerSecurity = field(default_factory=ContainerSecurity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A pod sandbox as the runtime lists it."""

    id: str
    name: str
    namespace: str
    uid: str
    attempt: int
    ready: bool
    created_at_ns: int
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStatus:
    """A sandbox in detail.

    `ips` is empty on the host network. `pid` is the sandbox process where the runtime tells it
    (verbose status), else None.
    """

    sandbox: Sandbox
    ips: tuple[str, ...] = ()
    network: NamespaceMode = NamespaceMode.POD
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container as the runtime lists it; `image` is what the user asked for where known."""

    id: str
    sandbox_id: str
    name: str
    attempt: int
    state: ContainerState
    created_at_ns: int
    image: str = ""
    image_ref: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStatus:
    """A container in detail; `pid` only while it runs and where the runtime tells it."""

    id: str
    name: str
    attempt: int
    state: ContainerState
    created_at_ns: int
    started_at_ns: int = 0
    finished_at_ns: int = 0
    exit_code: int = 0
    image: str = ""
    image_ref: str = ""
    reason: str = ""
    message: str = ""
    log_path: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that is present.

    `uid` is the numeric user that the image asks for, `username` its name when it is not
    numeric; both None/empty for root by default.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    size_bytes: int = 0
    uid: int | None = None
    username: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAuth:
    """Credentials for one pull; empty fields are not sent. Its repr shows no secret."""

    username: str = ""
    password: str = field(default="", repr=False)
    server_address: str = ""
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    auth: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeVersion:
    """Who the runtime says it is."""

    name: str
    version: str
    api_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeCondition:
    """One condition of the runtime: RuntimeReady, NetworkReady."""

    type: str
    status: bool
    reason: str = ""
    message: str = ""


class EventType(enum.IntEnum):
    """What happened to a container; the CRI's numbers."""

    CREATED = 0
    STARTED = 1
    STOPPED = 2
    DELETED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeEvent:
    """One event of GetContainerEvents; `container_id` is the sandbox's for sandbox events."""

    container_id: str
    type: EventType
    sandbox_id: str = ""


class Runtime(Protocol):
    """What a runtime does with sandboxes and containers. Every method may raise RuntimeFault."""

    async def version(self) -> RuntimeVersion:
        """Who is there. Raises NotCri when CRI v1 is not spoken."""
        ...

    async def conditions(self) -> Sequence[RuntimeCondition]:
        """Whether the runtime and its network are ready."""
        ...

    async def cgroup_driver(self) -> str | None:
        """`systemd` or `cgroupfs`; None where the runtime does not tell."""
        ...

    async def run_sandbox(self, config: SandboxConfig, *, handler: str = "") -> str:
        """Create and start a sandbox; its id."""
        ...

    async def stop_sandbox(self, sandbox_id: str) -> None:
        """Stop a sandbox and its network; stopped or absent ones are no error."""
        ...

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove a sandbox with all its containers; absent ones are no error."""
        ...

    async def sandbox_status(self, sandbox_id: str, *, verbose: bool = False) -> SandboxStatus:
        """One sandbox in detail; verbose asks for its pid too."""
        ...

    async def list_sandboxes(self, labels: Mapping[str, str]) -> Sequence[Sandbox]:
        """All sandboxes that carry these labels."""
        ...

    async def create_container(
        self, sandbox_id: str, config: ContainerConfig, sandbox_config: SandboxConfig
    ) -> str:
        """Create a container; its id."""
        ...

    async def start_container(self, container_id: str) -> None:
        """Start a created container."""
        ...

    async def stop_container(self, container_id: str, *, grace_s: int) -> None:
        """Stop: TERM, then KILL after the grace; returns when the exit is recorded.

        Stopped or absent containers are no error.
        """
        ...

    async def remove_container(self, container_id: str) -> None:
        """Remove a container, killing it if it must; absent ones are no error."""
        ...

    async def container_status(
        self, container_id: str, *, verbose: bool = False
    ) -> ContainerStatus:
        """One container in detail; verbose asks for its pid too."""
        ...

    async def list_containers(self, labels: Mapping[str, str]) -> Sequence[Container]:
        """All containers that carry these labels."""
        ...

    async def reopen_log(self, container_id: str) -> None:
        """Make the runtime reopen the container's log file, after a rotation."""
        ...

    def events(self) -> AsyncGenerator[RuntimeEvent, None]:
        """Follow what happens to containers; raises Unsupported where the call is missing.

        Close it (`contextlib.aclosing`) to end the call.
        """
        ...


class Images(Protocol):
    """What a runtime does with images. Every method may raise RuntimeFault."""

    async def image_status(self, ref: str) -> Image | None:
        """The image, or None when it is not present."""
        ...

    async def pull(
        self, ref: str, *, auth: RegistryAuth | None = None, sandbox: SandboxConfig | None = None
    ) -> str:
        """Pull an image; the id or digest under which it can be run."""
        ...

    async def list_images(self) -> Sequence[Image]:
        """All images that are present."""
        ...
