"""The form in which pods are kept: what kube-apiserver's conversions and encoding make of them.

A field that says nothing (an empty text, a list without items, a false flag that Go does not tell
from an absent one) is left out, aliases agree with each other, and the times that Go always writes
are there as null. Two pods that mean the same are then equal as plain data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staticlet.apiserver.resources.kind import Object
from staticlet.kube import core, shape
from staticlet.kube.validate import peek

_KEPT_TEXTS = frozenset(
    (
        ("EnvVar", "name"),
        ("GRPCAction", "service"),
        ("HostPathVolumeSource", "type"),
        ("PersistentVolumeClaimSpec", "storageClassName"),
        ("PodDNSConfigOption", "value"),
        ("Sysctl", "name"),
        ("Sysctl", "value"),
    )
)
"""Texts that are written although they are empty."""

_DROPPED_FLAGS = frozenset(
    (
        ("PodSpec", "hostNetwork"),
        ("PodSpec", "hostPID"),
        ("PodSpec", "hostIPC"),
        ("Container", "stdin"),
        ("Container", "stdinOnce"),
        ("Container", "tty"),
        ("EphemeralContainer", "stdin"),
        ("EphemeralContainer", "stdinOnce"),
        ("EphemeralContainer", "tty"),
        ("VolumeMount", "readOnly"),
        ("NFSVolumeSource", "readOnly"),
        ("PersistentVolumeClaimVolumeSource", "readOnly"),
    )
)
"""Flags that mean the same false or absent."""

_DROPPED_NUMBERS = frozenset((("ContainerPort", "hostPort"), ("Probe", "initialDelaySeconds")))
"""Numbers that mean the same zero or absent."""

_SPEC = shape.of(core.PodSpec)
_STATUS_LISTS = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def settle(pod: Object) -> None:
    """Bring a pod into its form, in place. Expects its shape to have been checked."""
    spec = pod.get("spec")
    if isinstance(spec, dict):
        _account(spec)
        _tidy(spec, _SPEC)
    status = pod.get("status")
    if isinstance(status, dict):
        _settle_status(status)


def _account(spec: Object) -> None:
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _tidy(record: Object, wanted: shape.Record) -> None:
    fields, struct = wanted.fields, wanted.struct.__name__
    for name in [*record]:
        value = record[name]
        if value is None or _says_nothing(struct, name, value, fields.get(name)):
            del record[name]
        elif type(value) is dict:
            inner = fields.get(name)
            if type(inner) is shape.Record:
                _tidy(value, inner)
        elif type(value) is list:
            _tidy_items(value, fields.get(name))


def _tidy_items(items: list[Any], wanted: shape.Shape | None) -> None:
    if type(wanted) is shape.ListOf and type(wanted.item) is shape.Record:
        for item in items:
            _tidy(item, wanted.item)


def _says_nothing(struct: str, name: str, value: Any, wanted: shape.Shape | None) -> bool:
    if value == "":
        return (struct, name) not in _KEPT_TEXTS
    if value is False:
        return (struct, name) in _DROPPED_FLAGS
    if value == 0:
        return (struct, name) in _DROPPED_NUMBERS
    return value == [] or (value == {} and type(wanted) is shape.MapOf)


def _settle_status(status: Object) -> None:
    _addresses(status)
    for condition in status.get("conditions") or ():
        condition.setdefault("lastProbeTime", None)
        condition.setdefault("lastTransitionTime", None)
    for field in _STATUS_LISTS:
        for one in status.get(field) or ():
            _container_status(one)
    for name in [*status]:
        if status[name] in ("", [], None):
            del status[name]


def _addresses(status: Object) -> None:
    """`podIP` and the first of `podIPs` are one; where they differ `podIP` is right."""
    single, several = peek.text(status, "podIP"), peek.objects(status, "podIPs")
    if single and (not several or peek.text(several[0], "ip") != single):
        status["podIPs"] = [{"ip": single}]
    elif several and not single:
        status["podIP"] = peek.text(several[0], "ip")


_WRITTEN = {"image": "", "imageID": "", "name": "", "ready": False, "restartCount": 0}
_WRITTEN_AT_END = {"exitCode": 0, "startedAt": None, "finishedAt": None}


def _container_status(status: Object) -> None:
    _fill(status, _WRITTEN)
    for field in ("state", "lastState"):
        state = status.setdefault(field, {})
        if "running" in state:
            state["running"].setdefault("startedAt", None)
        if "terminated" in state:
            _fill(state["terminated"], _WRITTEN_AT_END)


def _fill(record: Object, written: Mapping[str, Any]) -> None:
    for name, value in written.items():
        record.setdefault(name, value)
