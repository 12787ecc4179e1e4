"""Kubeconfigs for tests, written as people write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def text(
    server: str = "https://127.0.0.1:6443",
    *,
    cluster: Mapping[str, Any] | None = None,
    user: Mapping[str, Any] | None = None,
    **whole: Any,
) -> bytes:
    """A kubeconfig with one context.

    Args:
        server: The server's URL.
        cluster: More fields of the cluster.
        user: The user's fields.
        whole: Fields of the whole, which count more.
    """
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "u", "user": dict(user or {})}],
        }
        | whole
    ).encode()


def write(place: Path, *given: Any, **fields: Any) -> Path:
    """Write a kubeconfig (see `text`) into a directory; its path."""
    path = place / "kubeconfig"
    path.write_bytes(text(*given, **fields))
    return path
