"""Wanted pods, a machine and settings for tests: what a test does not name has a fixed value."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import labels
from staticlet.pods.node import NodeFacts
from staticlet.pods.wanted import PodKey, WantedPod
from staticlet.runtime import port

UID = "0123456789abcdef0123456789abcdef"
NODE = NodeFacts(name="n1", ips=("192.0.2.7",), memory_bytes=16 * 1024**3, cpus=4)


def container(name: str = "c", **fields: Any) -> dict[str, Any]:
    """A container as a manifest has it."""
    return {"name": name, "image": "localhost/busybox:latest", **fields}


def wanted(
    *containers: dict[str, Any],
    name: str = "web-n1",
    namespace: str = "default",
    uid: str = UID,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> WantedPod:
    """A wanted pod; `spec` holds more fields of its spec, as a manifest has them."""
    raw = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "labels": labels,
            "annotations": annotations,
        },
        "spec": {"containers": list(containers) or [container()], **spec},
    }
    return WantedPod(
        key=PodKey(namespace, name),
        uid=uid,
        revision=f"revision-of-{uid}",
        pod=msgspec.convert(raw, type=core.Pod),
        source="file",
        origin=f"/etc/kubernetes/manifests/{name}.yaml",
        seen=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


def sandbox(of: WantedPod) -> port.Sandbox:
    """A sandbox that lives and was made for a pod, as the runtime lists it."""
    return port.Sandbox(
        id=f"sandbox-of-{of.uid}",
        name=of.key.name,
        namespace=of.key.namespace,
        uid=of.uid,
        attempt=0,
        ready=True,
        created_at_ns=1,
        annotations=labels.sandbox_annotations(of, settings().root_dir),
    )


def settings(directory: Path = Path("/var/lib/staticlet"), **fields: Any) -> Settings:
    """Settings with all directories below one."""
    return Settings(
        node_name="n1",
        root_dir=directory,
        pod_logs_dir=directory / "log/pods",
        container_logs_dir=directory / "log/containers",
        **fields,
    )
