"""Small builders for tests: what a test does not name has a value that works everywhere.

Sandboxes are on the host network by default, so that they need no CNI.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staticlet.runtime import port

BUSYBOX = "localhost/busybox:latest"
"""The image that the tests' containerd holds, and the fakes too."""

FOREVER = ("sh", "-c", "trap 'exit 143' TERM; while true; do sleep 60 & wait $!; done")
"""Runs until it is told to end; obeys TERM at once, with 143."""

STUBBORN = ("sh", "-c", "trap '' TERM; while true; do sleep 1; done")
"""Runs until it is killed: 137."""

FAILS = ("sh", "-c", "echo hello; sleep 0.02; echo oops >&2; exit 3")
"""Says hello on stdout and oops on stderr, and ends with 3."""

SUCCEEDS = ("true",)
"""Ends with 0 at once."""

ABSENT = ("/no/such/program",)
"""Cannot be started."""


def sandbox_config(
    name: str = "web",
    *,
    namespace: str = "default",
    uid: str = "",
    attempt: int = 0,
    labels: Mapping[str, str] | None = None,
    network: port.NamespaceMode = port.NamespaceMode.NODE,
    **more: Any,
) -> port.SandboxConfig:
    """A sandbox with the labels that the kubelet gives; `more` are fields of SandboxConfig."""
    uid = uid or f"uid-of-{namespace}-{name}"
    return port.SandboxConfig(
        name=name,
        namespace=namespace,
        uid=uid,
        attempt=attempt,
        labels={
            "io.kubernetes.pod.name": name,
            "io.kubernetes.pod.namespace": namespace,
            "io.kubernetes.pod.uid": uid,
            **(labels or {}),
        },
        namespaces=port.Namespaces(network=network),
        **more,
    )


def container_config(
    name: str = "main",
    *,
    command: tuple[str, ...] = FOREVER,
    attempt: int = 0,
    image: str = BUSYBOX,
    labels: Mapping[str, str] | None = None,
    log_path: str | None = None,
    **more: Any,
) -> port.ContainerConfig:
    """A container that runs for ever; `more` are fields of ContainerConfig."""
    return port.ContainerConfig(
        name=name,
        attempt=attempt,
        image=image,
        user_specified_image=image,
        command=command,
        labels={"io.kubernetes.container.name": name, **(labels or {})},
        log_path=f"{name}/{attempt}.log" if log_path is None else log_path,
        **more,
    )


def container_of(
    sandbox: port.SandboxConfig, name: str = "main", **more: Any
) -> port.ContainerConfig:
    """A container that carries the labels of its sandbox, as the kubelet's do."""
    labels = {**sandbox.labels, **more.pop("labels", {})}
    return container_config(name, labels=labels, **more)


def manifest(
    name: str = "web",
    *,
    containers: tuple[Mapping[str, Any], ...] | None = None,
    metadata: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A Pod manifest as plain data; `spec` are fields of the pod's spec by their JSON names."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **(metadata or {})},
        "spec": {
            "hostNetwork": True,
            "containers": [dict(each) for each in containers or (container(),)],
            **spec,
        },
    }


def container(name: str = "main", **fields: Any) -> dict[str, Any]:
    """A container of a manifest as plain data, with `fields` by their JSON names."""
    return {"name": name, "image": BUSYBOX, "command": list(FOREVER), **fields}
