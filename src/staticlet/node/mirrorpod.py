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


def kept(obj: Mapping[str, Any]) -> Object:
    """What of a mirror must stay as it was when the API server created it.

    That may not be quite what was asked for: admission there adds labels, or has images come from
    elsewhere. Undoing that would have no end.
    """
    meta = obj.get("metadata") or {}
    return {
        "metadata": {
            "labels": dict(meta.get("labels") or {}),
            "annotations": dict(meta.get("annotations") or {}),
            "ownerReferences": [{"uid": uid} for uid in _owners(obj)],
        },
        "spec": {
            field: [
                {"name": one.get("name"), "image": one.get("image")} for one in _of(obj, field)
            ]
            for field in _CONTAINERS
        },
    }


def drift(
    obj: Mapping[str, Any],
    pod: core.Pod,
    *,
    created: Mapping[str, Any] | None,
    node_uid: str,
) -> str:
    """What somebody changed on a mirror, in words; empty where nothing is amiss.

    Labels, images and the owner are held to what they were. Annotations of others are theirs:
    networks and other controllers write there; ours must be as they were.

    Args:
        obj: The mirror.
        pod: Its static pod.
        created: What `kept` made of it when it was created; None where that is not known any more.
        node_uid: The uid of the Node, which owns it; empty while there is none.
    """
    wanted = msgspec.to_builtins(pod) if created is None else created
    return (
        _label_drift(obj, wanted, all_of_them=created is not None)
        or _annotation_drift(obj, wanted, pod)
        or _image_drift(obj, wanted)
        or _owner_drift(obj, created, node_uid)
    )


def _label_drift(obj: Mapping[str, Any], wanted: Mapping[str, Any], *, all_of_them: bool) -> str:
    found, ours = (((one.get("metadata") or {}).get("labels") or {}) for one in (obj, wanted))
    for name in sorted({*found, *ours} if all_of_them else ours):
        if found.get(name) != ours.get(name):
            return f"label {name} is {_shown(found.get(name))} instead of {_shown(ours.get(name))}"
    return ""


def _annotation_drift(obj: Mapping[str, Any], wanted: Mapping[str, Any], pod: core.Pod) -> str:
    ours = (pod.metadata.annotations if pod.metadata else None) or {}
    for name in ours:
        there, value = _notes(obj).get(name), _notes(wanted).get(name)
        if there != value and name != identity.SEEN_ANNOTATION:
            return f"annotation {name} is {_shown(there)} instead of {_shown(value)}"
    return ""


def _owner_drift(obj: Mapping[str, Any], created: Mapping[str, Any] | None, node_uid: str) -> str:
    """A mirror of a Node that was deleted would go whenever somebody collects the garbage."""
    if created is not None and not _owners(created):
        return ""  # admission there wants no owners
    return "" if not node_uid or node_uid in _owners(obj) else "it does not belong to the Node"


def _image_drift(obj: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    for field in _CONTAINERS:
        there = {one.get("name"): one.get("image") for one in _of(obj, field)}
        for one in _of(wanted, field):
            image = there.get(one.get("name"))
            if image != one.get("image"):
                name = one.get("name")
                return f"image of {name} is {_shown(image)} instead of {_shown(one.get('image'))}"
    return ""


def _of(pod: Mapping[str, Any], field: str) -> list[Object]:
    return objects(pod.get("spec") or {}, field)


def _owners(obj: Mapping[str, Any]) -> list[str]:
    meta = obj.get("metadata") or {}
    return [str(one.get("uid")) for one in objects(meta, "ownerReferences")]


def _notes(obj: Mapping[str, Any]) -> Mapping[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}


def _shown(value: object) -> str:
    return "absent" if value is None else f'"{value}"'
