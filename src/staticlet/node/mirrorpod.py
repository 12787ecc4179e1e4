"""The mirror pod of a static pod: what is created, and what of a mirror is not as it should be.

Pure. Follows `CreateMirrorPod` of the kubelet: the mirror is the static pod as the agent holds it,
with one annotation more and the Node as its only owner. Departure: the kubelet compares the hash
alone, so that labels or an image that somebody edits on a mirror stay for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from staticlet.kube import core
from staticlet.kube.plain import objects
from staticlet.pods import identity
from staticlet.pods.sources import apipods

Object = dict[str, Any]

_CONTAINERS = ("containers", "initContainers")


def hash_of(pod: core.Pod) -> str:
    """The hash of a static pod's content."""
    notes: Mapping[str, str] = (pod.metadata.annotations if pod.metadata else None) or {}
    return notes.get(identity.HASH_ANNOTATION, "")


def is_mirror(obj: Mapping[str, Any]) -> bool:
    """Whether an object of the API is a mirror pod."""
    return apipods.MIRROR_ANNOTATION in _notes(obj)


def mirrors(obj: Mapping[str, Any], pod: core.Pod) -> bool:
    """Whether a mirror is of this very content of a static pod."""
    return bool(hash_of(pod)) and _notes(obj).get(apipods.MIRROR_ANNOTATION) == hash_of(pod)


def made(pod: core.Pod, *, node: str, node_uid: str) -> Object:
    """The mirror to create.

    Args:
        pod: The static pod with its final name, node name, annotations and tolerations.
        node: The node's name.
        node_uid: The uid of the Node, which owns the mirror.
    """
    whole: Object = msgspec.to_builtins(pod)
    meta = whole.get("metadata") or {}
    owner = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": node_uid, "controller": True}
    kept = {name: meta[name] for name in ("name", "namespace", "labels") if meta.get(name)}
    notes = {**(meta.get("annotations") or {}), apipods.MIRROR_ANNOTATION: hash_of(pod)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**kept, "annotations": notes, "ownerReferences": [owner]},
        "spec": whole.get("spec") or {},
    }


def drift(obj: Mapping[str, Any], pod: core.Pod, *, labels: Mapping[str, str] | None) -> str:
    """What somebody changed on a mirror, in words; empty where nothing is amiss.

    Labels and images are held to the static pod's. Annotations of others are theirs: networks
    and other controllers write there; ours must be as they were.

    Args:
        obj: The mirror.
        pod: Its static pod.
        labels: The labels that the API server gave the mirror when it was created (admission may
            add some); None where that is not known any more.
    """
    meta = pod.metadata or core.ObjectMeta()
    found = (obj.get("metadata") or {}).get("labels") or {}
    ours = meta.labels or {}
    for name in sorted({*found, *(labels or ours)}):
        wanted = (ours if labels is None else labels).get(name)
        if labels is None and name not in ours:
            continue
        if found.get(name) != wanted:
            return f"label {name} is {_shown(found.get(name))} instead of {_shown(wanted)}"
    for name, value in (meta.annotations or {}).items():
        there = _notes(obj).get(name)
        if there != value and name != identity.SEEN_ANNOTATION:
            return f"annotation {name} is {_shown(there)} instead of {_shown(value)}"
    return _image_drift(obj, msgspec.to_builtins(pod))


def _image_drift(obj: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    for field in _CONTAINERS:
        there = {one.get("name"): one.get("image") for one in _of(obj, field)}
        for one in _of(pod, field):
            image = there.get(one.get("name"))
            if image != one.get("image"):
                name = one.get("name")
                return f"image of {name} is {_shown(image)} instead of {_shown(one.get('image'))}"
    return ""


def _of(pod: Mapping[str, Any], field: str) -> list[Object]:
    return objects(pod.get("spec") or {}, field)


def _notes(obj: Mapping[str, Any]) -> Mapping[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}


def _shown(value: object) -> str:
    return "absent" if value is None else f'"{value}"'
