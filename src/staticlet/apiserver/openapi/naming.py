"""The names that the types of the API go by in OpenAPI, such as `io.k8s.api.core.v1.Pod`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from staticlet.apiserver.resources.kind import Kind

if TYPE_CHECKING:
    import msgspec

_MACHINERY = "io.k8s.apimachinery.pkg"
META = f"{_MACHINERY}.apis.meta.v1"
QUANTITY = f"{_MACHINERY}.api.resource.Quantity"
INT_OR_STRING = f"{_MACHINERY}.util.intstr.IntOrString"
_OTHERS = {
    "meta_v1": META,
    "resource": f"{_MACHINERY}.api.resource",
    "runtime": f"{_MACHINERY}.runtime",
    "util_intstr": f"{_MACHINERY}.util.intstr",
    "version": f"{_MACHINERY}.version",
}
_VERSIONED = re.compile(r"(?P<group>[a-z]+)_(?P<version>v[0-9a-z]+)")


def of(struct: type[msgspec.Struct]) -> str:
    """The name of a type, by the module of its model (`core_v1`) and its own name."""
    module = struct.__module__.rpartition(".")[2]
    package = _OTHERS.get(module)
    if package is None:
        match = _VERSIONED.fullmatch(module)
        package = f"io.k8s.api.{match['group']}.{match['version']}" if match else module
    return f"{package}.{struct.__name__}"


def group_version_kind(group: str, version: str, kind: str) -> dict[str, str]:
    """What ties a type or an operation to a kind: the value of `x-kubernetes-group-version-kind`.

    The order of the names is that of kube-apiserver.
    """
    return {"group": group, "kind": kind, "version": version}


def root(kind: Kind) -> str:
    """Where the resources of a kind's group and version are: `api/v1`, `apis/policy/v1`."""
    return f"apis/{kind.api_version}" if kind.group else f"api/{kind.api_version}"


def operation_id(kind: Kind, verb: str, what: str) -> str:
    """The name of an operation, unique in the API: `readCoreV1NamespacedPod`."""
    group = (kind.group.partition(".")[0] or "core").capitalize()
    return f"{verb}{group}{kind.version.capitalize()}{what}"
