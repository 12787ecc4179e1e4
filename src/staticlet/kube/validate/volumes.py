"""Volumes: their names, that each has exactly one source, and the common sources' own rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import (
    errors,
    labels,
    metadata,
    paths,
    peek,
    projected,
    quantities,
    remote_volumes,
)

_Check: TypeAlias = Callable[[peek.Object, fieldpath.Path], errors.Errors]

_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")


def by_name(volumes: tuple[peek.Object, ...]) -> Mapping[str, peek.Object]:
    """The volumes that mounts can name; the first of twins holds the name."""
    found: dict[str, peek.Object] = {}
    for volume in volumes:
        if name := peek.text(volume, "name"):
            found.setdefault(name, volume)
    return found


def check(volumes: tuple[peek.Object, ...], path: fieldpath.Path, pod_name: str) -> errors.Errors:
    """The pod's volumes.

    Args:
        volumes: The volumes.
        path: Where they stand.
        pod_name: The pod's name, of which the names of generated claims are made.
    """
    taken: set[str] = set()
    generated = {
        f"{pod_name}-{peek.text(volume, 'name')}"
        for volume in volumes
        if pod_name and peek.has(volume, "ephemeral")
    }
    for index, volume in enumerate(volumes):
        at, name = (*path, index), peek.text(volume, "name")
        yield from _source(volume, at, pod_name)
        if not name:
            yield errors.required((*at, "name"))
        else:
            yield from errors.each((*at, "name"), name, names.dns_label(name))
        if name and name in taken:
            yield errors.duplicate((*at, "name"), name)
        taken.add(name)
        claim = peek.text(peek.child(volume, "persistentVolumeClaim"), "claimName")
        if claim and claim in generated:
            detail = "must not reference a PVC that gets created for an ephemeral volume"
            yield errors.invalid((*at, "persistentVolumeClaim", "claimName"), claim, detail)


def _source(volume: peek.Object, path: fieldpath.Path, pod_name: str) -> errors.Errors:
    given = [kind for kind in _SOURCES if peek.has(volume, kind)]
    for position, kind in enumerate(given):
        if position:
            yield errors.forbidden((*path, kind), "may not specify more than 1 volume type")
        else:
            yield from _SOURCES[kind](peek.child(volume, kind), (*path, kind))
    name = peek.text(volume, "name")
    if given[:1] == ["ephemeral"] and pod_name and name:
        claim = f"{pod_name}-{name}"
        for message in names.dns_subdomain(claim):
            yield errors.invalid((*path, "name"), name, f'PVC name "{claim}": {message}')
    yield from remote_volumes.initiator_length(volume, path)


def _empty_dir(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    yield from quantities.readable(source.get("sizeLimit"), (*path, "sizeLimit"))
    size = quantities.read(source.get("sizeLimit"))
    if size is not None and size.sign < 0:
        detail = "SizeLimit field must be a valid resource quantity"
        yield errors.forbidden((*path, "sizeLimit"), detail)


def _host_path(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    target = peek.text(source, "path")
    if not target:
        yield errors.required((*path, "path"))
        return
    yield from paths.no_backsteps(target, (*path, "path"))
    yield from errors.one_of((*path, "type"), peek.text(source, "type"), _HOST_PATH_TYPES)


def _git_repo(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    if not peek.text(source, "repository"):
        yield errors.required((*path, "repository"))
    yield from paths.descending(peek.text(source, "directory"), (*path, "directory"))


def _secret(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    yield from projected.named_files(source, path, name_field="secretName")


def _config_map(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    yield from projected.named_files(source, path, name_field="name")


def _claim(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    if not peek.text(source, "claimName"):
        yield errors.required((*path, "claimName"))


def _image(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    reference = peek.text(source, "reference")
    if not reference:
        yield errors.required((*path, "reference"))
    elif reference != reference.strip():
        detail = "must not have leading or trailing whitespace"
        yield errors.invalid((*path, "reference"), reference, detail)
    policy = peek.text(source, "pullPolicy")
    yield from errors.one_of((*path, "pullPolicy"), policy, _PULL_POLICIES)


def _ephemeral(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    at = (*path, "volumeClaimTemplate")
    if not peek.has(source, "volumeClaimTemplate"):
        yield errors.required(at)
        return
    template = peek.child(source, "volumeClaimTemplate")
    meta, spec = peek.child(template, "metadata"), peek.child(template, "spec")
    notes = peek.text_map(meta, "annotations")
    yield from metadata.check_annotations(notes, (*at, "metadata", "annotations"))
    yield from labels.check(peek.text_map(meta, "labels"), (*at, "metadata", "labels"))
    for field in meta:
        if field not in ("annotations", "labels", "creationTimestamp") and peek.has(meta, field):
            yield errors.forbidden((*at, "metadata", field), "cannot be set")
    modes = peek.texts(spec, "accessModes")
    if not modes:
        detail = "at least 1 access mode is required"
        yield errors.required((*at, "spec", "accessModes"), detail)
    for mode in modes:
        yield from errors.one_of((*at, "spec", "accessModes"), mode, _ACCESS_MODES)
    requests = peek.child(peek.child(spec, "resources"), "requests")
    storage = (*at, "spec", "resources", "requests", fieldpath.Key("storage"))
    if "storage" not in requests:
        yield errors.required(storage)
        return
    amount = quantities.read(requests.get("storage"))
    if amount is not None and amount.sign <= 0:
        yield errors.invalid(storage, amount.canonical(), errors.POSITIVE)


# In the order in which Kubernetes looks at them: of two, the later is the one too many.
_SOURCES: Mapping[str, _Check] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "gitRepo": _git_repo,
    "gcePersistentDisk": remote_volumes.gce_disk,
    "awsElasticBlockStore": remote_volumes.aws_block_store,
    "secret": _secret,
    "nfs": remote_volumes.nfs,
    "iscsi": remote_volumes.iscsi,
    "glusterfs": remote_volumes.glusterfs,
    "flocker": remote_volumes.flocker,
    "persistentVolumeClaim": _claim,
    "rbd": remote_volumes.rbd,
    "cinder": remote_volumes.cinder,
    "cephfs": remote_volumes.cephfs,
    "quobyte": remote_volumes.quobyte,
    "downwardAPI": projected.downward_api,
    "fc": remote_volumes.fibre_channel,
    "flexVolume": remote_volumes.flex_volume,
    "configMap": _config_map,
    "azureFile": remote_volumes.azure_file,
    "vsphereVolume": remote_volumes.vsphere,
    "photonPersistentDisk": remote_volumes.photon,
    "portworxVolume": remote_volumes.portworx,
    "azureDisk": remote_volumes.azure_disk,
    "storageos": remote_volumes.storageos,
    "projected": projected.check,
    "scaleIO": remote_volumes.scale_io,
    "csi": remote_volumes.csi,
    "ephemeral": _ephemeral,
    "image": _image,
}
