"""Whose an object is, and what tells it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staticlet.apiserver.resources.kind import Object
from staticlet.apiserver.store.port import Key, Objects
from staticlet.kube import refusal
from staticlet.kube.validate import peek


def found(objects: Objects, key: Key) -> Object:
    """An object that must be there.

    Raises:
        refusal.Refusal: 404: it is not.
    """
    record = objects.get(key)
    if record is None:
        raise refusal.not_found(refusal.GroupResource("", key.resource), key.name)
    return record.object()


def node_of(pod: Object | None) -> str:
    """The node that a pod is bound to; empty when there is none."""
    return peek.text(peek.child(pod or {}, "spec"), "nodeName")


def uid(obj: Object) -> str:
    """The uid of an object."""
    return peek.text(peek.child(obj, "metadata"), "uid")


def labels(obj: Object) -> Mapping[str, str]:
    """The labels of an object."""
    return peek.text_map(peek.child(obj, "metadata"), "labels")


def field(obj: Object, part: str, name: str) -> Any:
    """A field of a part of an object; what is empty reads as absent."""
    return peek.child(obj, part).get(name) or None
