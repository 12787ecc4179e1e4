"""What the pods of a node refer to: a node may read that, and nothing else of its kind. Pure.

Kept in no index: of the pods of one namespace those are taken that are bound to the node and hold
the name in question, and only these are decoded. Mirror pods are passed over: a node makes them,
and must not give itself rights with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from staticlet.apiserver.store.port import Objects, Record
from staticlet.kube.validate import peek

MIRROR = "kubernetes.io/config.mirror"
_ON_NODE = "spec.nodeName"
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")

_SECRET_VOLUMES = {
    "azureFile": "secretName",
    "secret": "secretName",
}
_SECRET_REF_VOLUMES = {
    "cephfs": "secretRef",
    "csi": "nodePublishSecretRef",
    "flexVolume": "secretRef",
    "iscsi": "secretRef",
    "rbd": "secretRef",
    "scaleIO": "secretRef",
    "storageos": "secretRef",
}


def runs(objects: Objects, node: str, namespace: str, name: str) -> bool:
    """Whether a pod is bound to a node."""
    return any(record.key.name == name for record in _of_node(objects, node, namespace))


def uses(objects: Objects, node: str, *, resource: str, namespace: str, name: str) -> bool:
    """Whether a pod of a node refers to an object.

    Args:
        objects: The store.
        node: The node.
        resource: secrets, configmaps or serviceaccounts.
        namespace: The object's namespace; only pods in the same one can refer to it.
        name: The object's name.
    """
    trace = msgspec.json.encode(name)
    return any(
        trace in record.encoded and name in _named(record.object(), resource)
        for record in _of_node(objects, node, namespace)
    )


def _of_node(objects: Objects, node: str, namespace: str) -> Iterator[Record]:
    for record in objects.list("pods", namespace).records:
        if record.fields.get(_ON_NODE) == node:
            yield record


def _named(pod: Mapping[str, Any], resource: str) -> frozenset[str]:
    if MIRROR in peek.child(peek.child(pod, "metadata"), "annotations"):
        return frozenset()
    spec = peek.child(pod, "spec")
    match resource:
        case "secrets":
            return frozenset(secrets(spec))
        case "configmaps":
            return frozenset(config_maps(spec))
        case "serviceaccounts":
            return frozenset({peek.text(spec, "serviceAccountName")} - {""})
    return frozenset()


def secrets(spec: peek.Object) -> Iterator[str]:
    """The names of the secrets that a pod refers to."""
    yield from _names(peek.objects(spec, "imagePullSecrets"))
    yield from _of_env(spec, "secretKeyRef", "secretRef")
    for volume in peek.objects(spec, "volumes"):
        for kind, field in _SECRET_VOLUMES.items():
            yield from filter(None, (peek.text(peek.child(volume, kind), field),))
        for kind, field in _SECRET_REF_VOLUMES.items():
            yield from _names((peek.child(peek.child(volume, kind), field),))
        yield from _projected(volume, "secret")


def config_maps(spec: peek.Object) -> Iterator[str]:
    """The names of the config maps that a pod refers to."""
    yield from _of_env(spec, "configMapKeyRef", "configMapRef")
    for volume in peek.objects(spec, "volumes"):
        yield from _names((peek.child(volume, "configMap"),))
        yield from _projected(volume, "configMap")


def sources(spec: peek.Object) -> Iterator[peek.Object]:
    """The sources of a pod's projected volumes."""
    for volume in peek.objects(spec, "volumes"):
        yield from peek.objects(peek.child(volume, "projected"), "sources")


def _of_env(spec: peek.Object, key_ref: str, whole_ref: str) -> Iterator[str]:
    for field in _CONTAINERS:
        for container in peek.objects(spec, field):
            for variable in peek.objects(container, "env"):
                yield from _names((peek.child(peek.child(variable, "valueFrom"), key_ref),))
            for source in peek.objects(container, "envFrom"):
                yield from _names((peek.child(source, whole_ref),))


def _projected(volume: peek.Object, kind: str) -> Iterator[str]:
    for source in peek.objects(peek.child(volume, "projected"), "sources"):
        yield from _names((peek.child(source, kind),))


def _names(references: Iterable[peek.Object]) -> Iterator[str]:
    yield from filter(None, (peek.text(reference, "name") for reference in references))
