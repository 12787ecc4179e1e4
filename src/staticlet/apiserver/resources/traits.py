"""What descriptors of kinds are made of: sets of verbs, readers of fields, discovery's hash."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
"""What can be done with an ordinary resource."""

READ = ("get", "list", "watch")
"""What can be done with a resource that is served empty."""

CREATE = ("create",)
"""What can be done with a review: it is answered and never kept."""

CHANGE = ("get", "patch", "update")
"""What can be done with `/status` and its like."""


def at(*path: str, default: str = "") -> Callable[[Mapping[str, Any]], str]:
    """A reader of one field as selectors see it: text, booleans as `true` and `false`.

    Args:
        *path: The names on the way to the field.
        default: What an absent field, or an empty one, reads as.
    """

    def read(obj: Mapping[str, Any]) -> str:
        value: Any = obj
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, bool):
            return str(value).lower()
        return str(value or default)

    return read


def version_hash(group: str, version: str, kind: str) -> str:
    """The storageVersionHash of a kind, as kube-apiserver makes it of the version stored.

    Clients compare it to learn that the stored form of a resource has changed.
    """
    digest = hashlib.sha256(f"{group}/{version}/{kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()
