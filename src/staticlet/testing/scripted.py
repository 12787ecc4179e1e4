"""Pods whose containers are shell scripts, as plain manifests, for end-to-end tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staticlet.testing.containerd import BUSYBOX_TAGGED

WAIT = "trap 'exit 143' TERM; while true; do sleep 60 & wait $!; done"
"""Runs until TERM, which it obeys at once."""


def pod(
    name: str, *containers: Mapping[str, Any] | str, host_network: bool = True, **spec: Any
) -> dict[str, Any]:
    """A pod of scripts; a string is the script of a container called `main`."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "hostNetwork": host_network,
            "containers": [
                script(one) if isinstance(one, str) else dict(one) for one in containers
            ],
            **spec,
        },
    }


def script(text: str = WAIT, name: str = "main", **fields: Any) -> dict[str, Any]:
    """A container that runs a script."""
    return {"name": name, "image": BUSYBOX_TAGGED, "command": ["sh", "-c", text], **fields}


def shared(path: Path, mount_path: str = "/shared") -> tuple[dict[str, Any], dict[str, Any]]:
    """A directory of the host as a volume, and its mount."""
    volume = {"name": "shared", "hostPath": {"path": str(path), "type": "Directory"}}
    return volume, {"name": "shared", "mountPath": mount_path}
