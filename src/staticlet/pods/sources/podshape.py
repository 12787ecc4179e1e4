"""Whether something that an API server calls a pod has the shape of one. Pure.

A server may lie, or be another program than we think. Who reads a plain object relies on this much
of its shape, and on no more: fields that are newer than we are, or other than we know them, are
nobody's business here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

_Strings = dict[str, str]
_Things = list[dict[str, Any]]


class _Meta(msgspec.Struct):
    name: str
    uid: str
    namespace: str | None = None
    resourceVersion: str | None = None  # noqa: N815  the API's name, as those below
    creationTimestamp: str | None = None  # noqa: N815
    deletionTimestamp: str | None = None  # noqa: N815
    labels: _Strings | None = None
    annotations: _Strings | None = None
    finalizers: list[str] | None = None
    ownerReferences: _Things | None = None  # noqa: N815


class _Container(msgspec.Struct):
    name: str
    image: str | None = None


class _Spec(msgspec.Struct):
    nodeName: str | None = None  # noqa: N815
    containers: list[_Container] | None = None
    initContainers: list[_Container] | None = None  # noqa: N815


class _Named(msgspec.Struct):
    name: str


class _Typed(msgspec.Struct):
    type: str


class _Status(msgspec.Struct):
    phase: str | None = None
    conditions: list[_Typed] | None = None
    containerStatuses: list[_Named] | None = None  # noqa: N815
    initContainerStatuses: list[_Named] | None = None  # noqa: N815


class _Pod(msgspec.Struct):
    metadata: _Meta
    spec: _Spec | None = None
    status: _Status | None = None


def is_pod(obj: Mapping[str, Any]) -> bool:
    """Whether an object can be a pod, as far as plain objects are looked into."""
    try:
        made = msgspec.convert(obj, _Pod)
    except msgspec.ValidationError:
        return False
    return bool(made.metadata.uid)
