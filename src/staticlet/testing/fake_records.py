"""What the fake runtime remembers of sandboxes and containers."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field

from staticlet.runtime import port
from staticlet.testing import fakes


@dataclass(slots=True)
class Sandbox:
    """A sandbox, and what made it."""

    sandbox: port.Sandbox
    config: port.SandboxConfig
    ips: tuple[str, ...]
    pid: int


@dataclass(slots=True)
class Container:
    """A container, and what it does."""

    status: port.ContainerStatus
    sandbox_id: str
    key: str
    program: fakes.Program
    pid: int
    ended: asyncio.Event = field(default_factory=asyncio.Event)


def new_id(number: int) -> str:
    """An id that looks like a runtime's: its order says nothing."""
    return hashlib.sha256(f"fake {number}".encode()).hexdigest()


def sandbox_key(config: port.SandboxConfig, *, attempt: int | None = None) -> str:
    """What a runtime reserves: no two sandboxes, or containers of a name, may have it at once."""
    number = config.attempt if attempt is None else attempt
    return f"{config.name}_{config.namespace}_{config.uid}_{number}"


def addresses(config: port.SandboxConfig, number: int) -> tuple[str, ...]:
    """Its addresses; none on the host network."""
    if config.namespaces.network is port.NamespaceMode.NODE:
        return ()
    return (f"10.88.{number // 250}.{number % 250 + 2}",)


def new_sandbox(config: port.SandboxConfig, sandbox_id: str, at_ns: int) -> port.Sandbox:
    """A sandbox that was just started."""
    return port.Sandbox(
        id=sandbox_id,
        name=config.name,
        namespace=config.namespace,
        uid=config.uid,
        attempt=config.attempt,
        ready=True,
        created_at_ns=at_ns,
        labels=dict(config.labels),
        annotations=dict(config.annotations),
    )


def new_status(
    config: port.ContainerConfig, container_id: str, at_ns: int, image: port.Image, log_path: str
) -> port.ContainerStatus:
    """A container that was just created."""
    return port.ContainerStatus(
        id=container_id,
        name=config.name,
        attempt=config.attempt,
        state=port.ContainerState.CREATED,
        created_at_ns=at_ns,
        image=config.user_specified_image or config.image,
        image_ref=image.id,
        log_path=log_path,
        labels=dict(config.labels),
        annotations=dict(config.annotations),
    )


def listed(found: Container) -> port.Container:
    """A container as the runtime lists it."""
    status = found.status
    return port.Container(
        id=status.id,
        sandbox_id=found.sandbox_id,
        name=status.name,
        attempt=status.attempt,
        state=status.state,
        created_at_ns=status.created_at_ns,
        image=status.image,
        image_ref=status.image_ref,
        labels=status.labels,
        annotations=status.annotations,
    )
