"""What may not stand in a static pod: anything that only an API server could give it.

Follows the kubelet's `PreventStaticPodAPIReferences`, with two differences: every offence is
reported, not only the first, and each at the field that commits it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from staticlet.kube import fieldpath
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import containers, errors, peek

_SPEC: fieldpath.Path = ("spec",)
_DATA = "use an env literal, a hostPath or a downwardAPI volume"
_DISK = "use a hostPath or an emptyDir volume"
_NO_ACCOUNT = "remove it: no API server vouches for a static pod"
_PULL = "put the registry's credentials on the node"
_DEVICES = "use a device plugin or a hostPath volume"

# Volume source -> the field in it that names a secret.
_SECRET_FIELDS = {
    "azureFile": ("secretName",),
    "cephfs": ("secretRef", "name"),
    "cinder": ("secretRef", "name"),
    "flexVolume": ("secretRef", "name"),
    "rbd": ("secretRef", "name"),
    "scaleIO": ("secretRef", "name"),
    "iscsi": ("secretRef", "name"),
    "storageos": ("secretRef", "name"),
    "csi": ("nodePublishSecretRef", "name"),
}
_VOLUMES = {
    "configMap": ("configmaps (via configmap volumes)", _DATA),
    "secret": ("secrets (via secret volumes)", _DATA),
    "csi": ("csidrivers (via CSI volumes)", _DISK),
    "glusterfs": ("endpoints (via glusterFS volumes)", _DISK),
    "persistentVolumeClaim": ("persistentvolumeclaims", _DISK),
    "ephemeral": ("persistentvolumeclaims (via ephemeral volumes)", _DISK),
    "azureFile": ("secrets (via azureFile volumes)", _DISK),
}
_PROJECTIONS = {
    "configMap": ("configmaps (via projected volumes)", _DATA),
    "secret": ("secrets (via projected volumes)", _DATA),
    "serviceAccountToken": ("serviceaccounts (via projected volumes)", _NO_ACCOUNT),
    "clusterTrustBundle": ("clustertrustbundles", "use a hostPath volume with the certificates"),
    "podCertificate": ("podcertificates", "use a hostPath volume with the certificates"),
}


def check(raw: Mapping[str, Any]) -> list[FieldError]:
    """Everything in a pod that refers to objects of an API server.

    Args:
        raw: The pod as plain data, defaulted or not. It is not changed.

    Returns:
        One error of kind FORBIDDEN for each offending field, in the order of the spec.
    """
    spec = peek.child(raw, "spec")
    return [
        *_account(spec),
        *_pull_secrets(spec),
        *_containers(spec),
        *_claims(spec),
        *_volumes(spec),
        *_unsupported(spec),
    ]


def _refused(path: fieldpath.Path, resource: str, advice: str) -> FieldError:
    return errors.forbidden(path, f"static pods may not reference {resource}; {advice}")


def _account(spec: peek.Object) -> errors.Errors:
    for field in ("serviceAccountName", "serviceAccount"):
        if peek.text(spec, field):
            yield _refused((*_SPEC, field), "serviceaccounts", _NO_ACCOUNT)


def _pull_secrets(spec: peek.Object) -> errors.Errors:
    for index, secret in enumerate(peek.objects(spec, "imagePullSecrets")):
        if peek.text(secret, "name"):
            yield _refused((*_SPEC, "imagePullSecrets", index, "name"), "secrets", _PULL)


def _containers(spec: peek.Object) -> errors.Errors:
    for path, container in containers.each(spec, _SPEC):
        for index, variable in enumerate(peek.objects(container, "env")):
            at, source = (*path, "env", index, "valueFrom"), peek.child(variable, "valueFrom")
            yield from _named(source, at, "secretKeyRef", "secrets")
            yield from _named(source, at, "configMapKeyRef", "configmaps")
        for index, source in enumerate(peek.objects(container, "envFrom")):
            yield from _named(source, (*path, "envFrom", index), "secretRef", "secrets")
            yield from _named(source, (*path, "envFrom", index), "configMapRef", "configmaps")


def _named(source: peek.Object, path: fieldpath.Path, field: str, resource: str) -> errors.Errors:
    if peek.text(peek.child(source, field), "name"):
        yield _refused((*path, field, "name"), resource, _DATA)


def _claims(spec: peek.Object) -> errors.Errors:
    for index, _ in enumerate(peek.objects(spec, "resourceClaims")):
        yield _refused((*_SPEC, "resourceClaims", index), "resourceclaims", _DEVICES)


def _volumes(spec: peek.Object) -> errors.Errors:
    for index, volume in enumerate(peek.objects(spec, "volumes")):
        path = (*_SPEC, "volumes", index)
        for kind, (resource, advice) in _VOLUMES.items():
            if peek.has(volume, kind):
                yield _refused((*path, kind), resource, advice)
        for at in _secrets_of(volume, path):
            yield _refused(at, "secrets", _DISK)
        sources = peek.objects(peek.child(volume, "projected"), "sources")
        for position, source in enumerate(sources):
            for kind, (resource, advice) in _PROJECTIONS.items():
                if peek.has(source, kind):
                    at = (*path, "projected", "sources", position, kind)
                    yield _refused(at, resource, advice)


def _secrets_of(volume: peek.Object, path: fieldpath.Path) -> Iterator[fieldpath.Path]:
    """The fields that name a secret in volumes that are otherwise free of the API."""
    for kind, fields in _SECRET_FIELDS.items():
        if kind in _VOLUMES or not peek.has(volume, kind):
            continue
        holder = peek.child(volume, kind)
        for field in fields[:-1]:
            holder = peek.child(holder, field)
        if peek.text(holder, fields[-1]):
            yield (*path, kind, *fields)


def _unsupported(spec: peek.Object) -> errors.Errors:
    if peek.objects(spec, "ephemeralContainers"):
        detail = (
            "static pods do not support ephemeral containers; make it a container or a sidecar"
        )
        yield errors.forbidden((*_SPEC, "ephemeralContainers"), detail)
    if peek.objects(spec, "schedulingGates"):
        detail = "static pods are bound to their node and never scheduled; remove the gates"
        yield errors.forbidden((*_SPEC, "schedulingGates"), detail)
