"""What is valid in a Pod and not yet done here, and what that means for the user.

Nothing valid is refused: the pod runs, and each sentence says in what it differs from what the
manifest asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from staticlet.kube.fieldpath import Path
from staticlet.kube.plain import objects

Note: TypeAlias = tuple[Path, str]

_SPEC: Path = ("spec",)
_SUPPORTED_VOLUMES = frozenset(("name", "emptyDir", "hostPath", "downwardAPI", "projected"))
_SUPPORTED_MEDIA = ("", "Memory")
_IN_CONTAINER = {
    "livenessProbe": "the probe is not run: the container is never restarted for it",
    "readinessProbe": "the probe is not run: the container counts as ready when it runs",
    "startupProbe": "the probe is not run: the container counts as started when it runs",
    "volumeDevices": "the device is not given to the container",
    "restartPolicyRules": "the rules are not looked at: the pod's restartPolicy decides",
}
_IN_LIFECYCLE = {
    "postStart": "the hook is not run: the container just starts",
    "preStop": "the hook is not run: the container gets its stop signal at once",
    "stopSignal": "the container gets the stop signal of its image",
}
_IN_SPEC = {
    "runtimeClassName": "the runtime's default handler is used",
    "readinessGates": "the gates are not looked at: the pod is ready when its containers are",
    "evictionResponders": "nobody is asked before an eviction",
    "schedulingGroup": "the pod starts on its own, without its group",
}
_NO_VOLUME = "the volume is not made: a container that mounts it does not start"
_SIDECAR = (
    "the sidecar starts in its turn and is restarted, but it is stopped together with the other "
    "containers, not after them"
)


def check(raw: Mapping[str, Any]) -> list[Note]:
    """Everything in a valid pod that staticlet does not do yet, in the order of the fields."""
    spec = raw.get("spec") or {}
    notes = [*_spec(spec)]
    for field in ("initContainers", "containers"):
        for index, container in enumerate(objects(spec, field)):
            notes += _container(container, (*_SPEC, field, index), init=field != "containers")
    for index, volume in enumerate(objects(spec, "volumes")):
        notes += _volume(volume, (*_SPEC, "volumes", index))
    return [(path, f"not supported yet: {meaning}") for path, meaning in notes]


def _spec(spec: Mapping[str, Any]) -> Iterator[Note]:
    for field, meaning in _IN_SPEC.items():
        if spec.get(field):
            yield (*_SPEC, field), meaning
    if spec.get("hostUsers") is False:
        yield (*_SPEC, "hostUsers"), "the pod runs in the user namespace of the machine"


def _container(container: Mapping[str, Any], path: Path, *, init: bool) -> Iterator[Note]:
    for field, meaning in _IN_CONTAINER.items():
        if container.get(field):
            yield (*path, field), meaning
    for field, meaning in _IN_LIFECYCLE.items():
        if (container.get("lifecycle") or {}).get(field):
            yield (*path, "lifecycle", field), meaning
    policy = container.get("restartPolicy")
    if init and policy == "Always":
        yield (*path, "restartPolicy"), _SIDECAR
    elif policy:
        yield (*path, "restartPolicy"), "the pod's restartPolicy decides"
    for index, variable in enumerate(objects(container, "env")):
        if "fileKeyRef" in (variable.get("valueFrom") or {}):
            place: Path = (*path, "env", index, "valueFrom", "fileKeyRef")
            yield place, "the container does not start: its variable has no value"


def _volume(volume: Mapping[str, Any], path: Path) -> Iterator[Note]:
    for kind in volume:
        if kind not in _SUPPORTED_VOLUMES:
            yield (
                (*path, kind),
                "the volume is not made: a container that mounts it does not start",
            )
    medium = (volume.get("emptyDir") or {}).get("medium", "")
    if medium not in _SUPPORTED_MEDIA:
        yield (*path, "emptyDir", "medium"), _NO_VOLUME
