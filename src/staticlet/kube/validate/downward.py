"""References to the pod's own fields and resources, in environment variables and volumes."""

from __future__ import annotations

import re

from staticlet.kube import fieldpath, names, quantity
from staticlet.kube.validate import errors, peek, quantities

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
_KNOWN_FIELDS = {
    *ENV_FIELDS,
    *VOLUME_FIELDS,
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
}
_SUBSCRIPTED = re.compile(r"(?P<path>.*)\['(?P<key>.*)'\]")
_RESOURCES = tuple(
    f"{kind}.{name}"
    for kind in ("limits", "requests")
    for name in ("cpu", "ephemeral-storage", "memory")
)
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_BYTE_DIVISORS = tuple(
    f"1{suffix}" for suffix in ("", *"kMGTPE", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
)

_BYTE_KINDS = {
    "memory": "memory",
    "ephemeral-storage": "local ephemeral storage",
    "hugepages": "hugepages",
}


def field_ref(ref: peek.Object, path: fieldpath.Path, supported: tuple[str, ...]) -> errors.Errors:
    """A `fieldRef`: a field of the pod that exists and that may be named here."""
    version = peek.text(ref, "apiVersion") or "v1"
    field = peek.text(ref, "fieldPath")
    if not field:
        yield errors.required((*path, "fieldPath"))
        return
    subscript = _SUBSCRIPTED.fullmatch(field)
    if problem := _conversion_problem(version, field, subscript):
        detail = f"error converting fieldPath: {problem}"
        yield errors.invalid((*path, "fieldPath"), field, detail)
    elif subscript:
        key = subscript["key"]
        lower = subscript["path"] == "metadata.annotations"
        name = key.lower() if lower else key
        yield from errors.each((*path, "fieldPath"), name, names.qualified_name(name))
    elif field != "spec.host" and field not in supported:
        yield errors.unsupported((*path, "fieldPath"), field, supported)


def _conversion_problem(version: str, field: str, subscript: re.Match[str] | None) -> str:
    if version != "v1":
        return f"unsupported pod version: {version}"
    if subscript:
        if subscript["path"] in ("metadata.annotations", "metadata.labels"):
            return ""
        return f"field label does not support subscript: {field}"
    if field in _KNOWN_FIELDS or field == "spec.host":
        return ""
    return f"field label not supported: {field}"


def resource_ref(ref: peek.Object, path: fieldpath.Path, *, in_volume: bool) -> errors.Errors:
    """A `resourceFieldRef`: a container's request or limit, divided by a unit."""
    resource = peek.text(ref, "resource")
    if in_volume and not peek.text(ref, "containerName"):
        yield errors.required((*path, "containerName"))
    elif not resource:
        yield errors.required((*path, "resource"))
    elif resource not in _RESOURCES and not resource.startswith(_HUGE_PAGES):
        yield errors.unsupported((*path, "resource"), resource, _RESOURCES)
    yield from quantities.readable(ref.get("divisor"), (*path, "divisor"))
    divisor = quantities.read(ref.get("divisor"))
    if divisor and not divisor.is_zero:
        yield from _divisor(resource, divisor, (*path, "divisor"))


def _divisor(resource: str, divisor: quantity.Quantity, path: fieldpath.Path) -> errors.Errors:
    written = divisor.canonical()
    if resource.endswith(".cpu") and written not in ("1m", "1"):
        detail = "only divisor's values 1m and 1 are supported with the cpu resource"
        yield errors.invalid(path, resource, detail)
        return
    kind = _BYTE_KINDS.get("hugepages" if "hugepages-" in resource else resource.partition(".")[2])
    if kind and written not in _BYTE_DIVISORS:
        shown = ", ".join(_BYTE_DIVISORS)
        detail = f"only divisor's values {shown} are supported with the {kind} resource"
        yield errors.invalid(path, resource, detail)
