"""Volumes whose data lives elsewhere: network file systems, disks of clouds, drivers."""

from __future__ import annotations

import re

from staticlet.kube import fieldpath, names
from staticlet.kube.fieldpath import Key
from staticlet.kube.validate import errors, peek

_IQN = re.compile(r"iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)", re.ASCII)
_EUI = re.compile(r"eui.[A-Za-z0-9]{16}")
_NAA = re.compile(r"naa.[A-Za-z0-9]{32}")
_ISCSI_NAMES = {"iqn": _IQN, "eui": _EUI, "naa": _NAA}
_LONGEST_DRIVER = 63
_LONGEST_INITIATOR = 64
_HOST_PORTS = "must be a host:port pair or multiple pairs separated by commas"


def nfs(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A directory of an NFS server."""
    yield from _all_of(source, path, "server", "path")
    target = peek.text(source, "path")
    if not target.startswith("/"):
        yield errors.invalid((*path, "path"), target, "must be an absolute path")


def iscsi(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A disk over iSCSI."""
    yield from _all_of(source, path, "targetPortal", "iqn")
    if name := peek.text(source, "iqn"):
        yield from _iscsi_name(name, (*path, "iqn"))
    yield from _lun(source, path)
    chap = peek.flag(source, "chapAuthDiscovery") or peek.flag(source, "chapAuthSession")
    if chap and not peek.has(source, "secretRef"):
        yield errors.required((*path, "secretRef"))
    if peek.has(source, "initiatorName"):
        yield from _iscsi_name(peek.text(source, "initiatorName"), (*path, "initiatorName"))


def initiator_length(volume: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """With an initiator of its own, an iSCSI volume's name and portal must be short."""
    source = peek.child(volume, "iscsi")
    name = peek.text(volume, "name")
    together = f"{name}:{peek.text(source, 'targetPortal')}"
    if peek.has(source, "initiatorName") and names.byte_length(together) > _LONGEST_INITIATOR:
        detail = (
            "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters "
            "if iscsi.initiatorName is specified."
        )
        yield errors.invalid((*path, "name"), name, detail)


def fibre_channel(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A disk over Fibre Channel."""
    targets, ids = peek.texts(source, "targetWWNs"), peek.texts(source, "wwids")
    at = (*path, "targetWWNs")
    if not targets and not ids:
        yield errors.required(at, "must specify either targetWWNs or wwids, but not both")
    if targets and ids:
        detail = "targetWWNs and wwids can not be specified simultaneously"
        yield errors.invalid(at, list(targets), detail)
    if targets and not peek.has(source, "lun"):
        yield errors.required((*path, "lun"), "lun is required if targetWWNs is specified")
    elif targets:
        yield from _lun(source, path)


def gce_disk(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A Google Compute Engine disk."""
    yield from _all_of(source, path, "pdName")
    yield from _partition(source, path)


def aws_block_store(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """An Amazon Elastic Block Store disk."""
    yield from _all_of(source, path, "volumeID")
    yield from _partition(source, path)


def glusterfs(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A Gluster volume."""
    yield from _all_of(source, path, "endpoints", "path")


def flocker(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A Flocker dataset."""
    name, unique = peek.text(source, "datasetName"), peek.text(source, "datasetUUID")
    if not name and not unique:
        yield errors.required(path, "one of datasetName and datasetUUID is required")
    if name and unique:
        detail = "datasetName and datasetUUID can not be specified simultaneously"
        yield errors.invalid(path, "resource", detail)
    if "/" in name:
        yield errors.invalid((*path, "datasetName"), name, "must not contain '/'")


def rbd(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A RADOS block device."""
    if not peek.texts(source, "monitors"):
        yield errors.required((*path, "monitors"))
    yield from _all_of(source, path, "image")


def cephfs(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A Ceph file system."""
    if not peek.texts(source, "monitors"):
        yield errors.required((*path, "monitors"))


def cinder(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """An OpenStack disk."""
    yield from _all_of(source, path, "volumeID")
    yield from _secret_name(source, path)


def quobyte(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A Quobyte volume."""
    registry = peek.text(source, "registry")
    if not registry:
        yield errors.required((*path, "registry"), _HOST_PORTS)
    elif len(peek.text(source, "tenant")) > 64:
        detail = "must be a UUID and may not exceed a length of 64 characters"
        yield errors.required((*path, "tenant"), detail)
    else:
        for pair in registry.split(","):
            if not re.fullmatch(r"([^:\[\]]*|\[[^\[\]]*\]):[^:]*", pair):
                yield errors.invalid((*path, "registry"), registry, _HOST_PORTS)
    yield from _all_of(source, path, "volume")


def flex_volume(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A FlexVolume driver."""
    yield from _all_of(source, path, "driver")
    for key in peek.text_map(source, "options"):
        domain = f".{key.partition('/')[0].lower()}"
        if domain.endswith((".kubernetes.io", ".k8s.io")):
            detail = "kubernetes.io and k8s.io namespaces are reserved"
            yield errors.invalid((*path, "options", Key(key)), key, detail)


def azure_file(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """An Azure file share."""
    yield from _all_of(source, path, "secretName", "shareName")


def azure_disk(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """An Azure disk."""
    yield from _all_of(source, path, "diskName", "diskURI")
    caching, kind = peek.text(source, "cachingMode"), peek.text(source, "kind")
    modes = ("None", "ReadOnly", "ReadWrite")
    yield from errors.one_of((*path, "cachingMode"), caching, modes)
    yield from errors.one_of((*path, "kind"), kind, ("Dedicated", "Managed", "Shared"))
    address = peek.text(source, "diskURI")
    if kind == "Managed" and not address.startswith("/subscriptions/"):
        form = (
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/"
            "microsoft.compute/disks/{disk-id}"
        )
        yield errors.unsupported((*path, "diskURI"), address, (form,))
    if kind and kind != "Managed" and not address.startswith("https://"):
        form = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
        yield errors.unsupported((*path, "diskURI"), address, (form,))


def vsphere(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A vSphere disk."""
    yield from _all_of(source, path, "volumePath")


def photon(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A Photon controller disk."""
    yield from _all_of(source, path, "pdID")


def portworx(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A Portworx volume."""
    yield from _all_of(source, path, "volumeID")


def scale_io(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A ScaleIO volume."""
    yield from _all_of(source, path, "gateway", "system", "volumeName")


def storageos(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A StorageOS volume."""
    yield from _all_of(source, path, "volumeName")
    for field in ("volumeName", "volumeNamespace"):
        if value := peek.text(source, field):
            yield from errors.each((*path, field), value, names.dns_label(value))
    yield from _secret_name(source, path)


def csi(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """An inline volume of a CSI driver."""
    driver, at = peek.text(source, "driver"), (*path, "driver")
    if not driver:
        yield errors.required(at)
    if names.byte_length(driver) > _LONGEST_DRIVER:
        yield errors.too_long(at, _LONGEST_DRIVER)
    yield from errors.each(at, driver, names.dns_subdomain(driver.lower()))
    ref_path = (*path, "nodePublishSecretRef", "name")
    if peek.has(source, "nodePublishSecretRef"):
        name = peek.text(peek.child(source, "nodePublishSecretRef"), "name")
        if not name:
            yield errors.required(ref_path)
        else:
            yield from errors.each(ref_path, name, names.dns_subdomain(name))


def _all_of(source: peek.Object, path: fieldpath.Path, *fields: str) -> errors.Errors:
    for field in fields:
        if not peek.text(source, field):
            yield errors.required((*path, field))


def _secret_name(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    if peek.has(source, "secretRef"):
        yield from _all_of(peek.child(source, "secretRef"), (*path, "secretRef"), "name")


def _lun(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    number = peek.number(source, "lun") or 0
    yield from errors.each((*path, "lun"), number, names.in_range(number, 0, 255))


def _partition(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    number = peek.number(source, "partition") or 0
    if not 0 <= number <= 255:
        yield errors.invalid((*path, "partition"), number, "must be between 1 and 255, inclusive")


def _iscsi_name(name: str, path: fieldpath.Path) -> errors.Errors:
    form = _ISCSI_NAMES.get(name[:3])
    if form is None:
        detail = "must be valid format starting with iqn, eui, or naa"
        yield errors.invalid(path, name, detail)
    elif not form.fullmatch(name):
        yield errors.invalid(path, name, "must be valid format")
