"""Volume mounts and raw block devices of a container."""

from __future__ import annotations

from collections.abc import Mapping

from staticlet.kube import fieldpath
from staticlet.kube.validate import errors, paths, peek

_PROPAGATION = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def check(
    container: peek.Object, path: fieldpath.Path, volumes: Mapping[str, peek.Object]
) -> errors.Errors:
    """A container's `volumeMounts`, against the pod's volumes.

    A mount of a volume that is itself at fault is not called missing: its fault is reported once.
    """
    devices = peek.objects(container, "volumeDevices")
    device_names = {peek.text(device, "name") for device in devices}
    device_paths = {peek.text(device, "devicePath") for device in devices}
    taken: set[str] = set()
    for index, mount in enumerate(peek.objects(container, "volumeMounts")):
        at = (*path, index)
        name, target = peek.text(mount, "name"), peek.text(mount, "mountPath")
        yield from _names_a_volume(name, (*at, "name"), volumes)
        if not target:
            yield errors.required((*at, "mountPath"))
        if target in taken:
            yield errors.invalid((*at, "mountPath"), target, "must be unique")
        taken.add(target)
        if name in device_names:
            detail = "must not already exist in volumeDevices"
            yield errors.invalid((*at, "name"), name, detail)
        if target in device_paths:
            detail = "must not already exist as a path in volumeDevices"
            yield errors.invalid((*at, "mountPath"), target, detail)
        yield from _sub_path(mount, at)
        yield from _propagation(mount, at, container)
        yield from _recursive_read_only(mount, at)


def check_devices(
    container: peek.Object, path: fieldpath.Path, volumes: Mapping[str, peek.Object]
) -> errors.Errors:
    """A container's `volumeDevices`: only claims can be raw block devices."""
    mounts = peek.objects(container, "volumeMounts")
    mount_names = {peek.text(mount, "name") for mount in mounts}
    mount_paths = {peek.text(mount, "mountPath") for mount in mounts}
    names: set[str] = set()
    targets: set[str] = set()
    for index, device in enumerate(peek.objects(container, "volumeDevices")):
        at = (*path, index)
        name, target = peek.text(device, "name"), peek.text(device, "devicePath")
        if name and name in names:
            yield errors.invalid((*at, "name"), name, "must be unique")
        source = volumes.get(name, {})
        if source and not (
            peek.has(source, "persistentVolumeClaim") or peek.has(source, "ephemeral")
        ):
            detail = (
                "can only use volume source type of PersistentVolumeClaim or Ephemeral "
                "for block mode"
            )
            yield errors.invalid((*at, "name"), name, detail)
        yield from _names_a_volume(name, (*at, "name"), volumes)
        if not target:
            yield errors.required((*at, "devicePath"))
        if target in targets:
            yield errors.invalid((*at, "devicePath"), target, "must be unique")
        if ".." in target.split("/"):
            yield errors.invalid((*at, "devicePath"), target, "can not contain backsteps ('..')")
        if name in mount_names:
            detail = "must not already exist in volumeMounts"
            yield errors.invalid((*at, "name"), name, detail)
        if target in mount_paths:
            detail = "must not already exist as a path in volumeMounts"
            yield errors.invalid((*at, "devicePath"), target, detail)
        names.add(name)
        targets.add(target)


def _names_a_volume(
    name: str, path: fieldpath.Path, volumes: Mapping[str, peek.Object]
) -> errors.Errors:
    if not name:
        yield errors.required(path)
    if name not in volumes:
        yield errors.not_found(path, name)


def _sub_path(mount: peek.Object, path: fieldpath.Path) -> errors.Errors:
    for field in ("subPath", "subPathExpr"):
        value = peek.text(mount, field)
        if not value:
            continue
        if field == "subPathExpr" and peek.text(mount, "subPath"):
            detail = "subPathExpr and subPath are mutually exclusive"
            yield errors.invalid((*path, field), value, detail)
        yield from paths.descending(value, (*path, field))


def _propagation(
    mount: peek.Object, path: fieldpath.Path, container: peek.Object
) -> errors.Errors:
    mode = peek.text(mount, "mountPropagation")
    yield from errors.one_of((*path, "mountPropagation"), mode, _PROPAGATION)
    privileged = peek.flag(peek.child(container, "securityContext"), "privileged")
    if mode == "Bidirectional" and not privileged:
        detail = "Bidirectional mount propagation is available only to privileged containers"
        yield errors.forbidden((*path, "mountPropagation"), detail)


def _recursive_read_only(mount: peek.Object, path: fieldpath.Path) -> errors.Errors:
    mode = peek.text(mount, "recursiveReadOnly")
    at = (*path, "recursiveReadOnly")
    yield from errors.one_of(at, mode, _RECURSIVE)
    if mode not in ("Enabled", "IfPossible"):
        return
    if not peek.flag(mount, "readOnly"):
        yield errors.forbidden(at, "may only be specified when readOnly is true")
    if peek.text(mount, "mountPropagation") not in ("", "None"):
        detail = "may only be specified when mountPropagation is None or not specified"
        yield errors.forbidden(at, detail)
