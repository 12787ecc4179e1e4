"""What the API server fills in where a Pod says nothing.

Follows the v1 defaults of Kubernetes 1.36 (pkg/apis/core/v1/defaults.go), field by field, and
writes quantities in their canonical form, as anything does that comes back from an API server.
The namespace is not filled in here: who a pod is, its source decides.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from staticlet.kube import imageref, poddefaults, quantity
from staticlet.kube.plain import Object, copied, filled, objects

_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_DEFAULT_MODE = 0o644


def pod(raw: Mapping[str, Any]) -> Object:
    """A new pod with every default set; the one given stays as it is.

    Expects the types to be right (see `schema`); a quantity that cannot be read stays as it is.
    Defaulting twice changes nothing more.
    """
    result: Object = copied(raw)
    spec = result.setdefault("spec", {})
    filled(spec, dnsPolicy="ClusterFirst", restartPolicy="Always")
    filled(spec, schedulerName="default-scheduler")
    spec.setdefault("securityContext", {})
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("enableServiceLinks", True)
    for volume in objects(spec, "volumes"):
        _volume(volume)
    for field in _CONTAINER_LISTS:
        for container in objects(spec, field):
            _container(container)
            if field != "ephemeralContainers":
                _requests_from_limits(container["resources"])
                if spec.get("hostNetwork"):
                    _host_ports(container)
    _amounts(spec, "overhead")
    if "resources" in spec:
        _resources(spec["resources"])
        poddefaults.resources(spec)
    return result


def pull_policy(image: str) -> str:
    """`Always` for the tag `latest`, written out or implied; `IfNotPresent` for anything else."""
    try:
        reference = imageref.parse(image)
    except imageref.Invalid:
        return "IfNotPresent"
    tag = reference.tag or ("" if reference.digest else imageref.DEFAULT_TAG)
    return "Always" if tag == imageref.DEFAULT_TAG else "IfNotPresent"


def _container(container: Object) -> None:
    filled(
        container,
        imagePullPolicy=pull_policy(container.get("image", "")),
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    _resources(container.setdefault("resources", {}))
    for port in objects(container, "ports"):
        filled(port, protocol="TCP")
    for field in _PROBES:
        if field in container:
            _probe(container[field])
    for field in _HOOKS:
        hook = container.get("lifecycle", {}).get(field, {})
        _http_get(hook)
    for variable in objects(container, "env"):
        _reference(variable.get("valueFrom", {}))


def _requests_from_limits(resources: Object) -> None:
    if "limits" in resources:
        requests = resources.setdefault("requests", {})
        for name, amount in resources["limits"].items():
            requests.setdefault(name, amount)


def _host_ports(container: Object) -> None:
    for port in objects(container, "ports"):
        if "containerPort" in port:
            filled(port, hostPort=port["containerPort"])


def _probe(probe: Object) -> None:
    filled(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    _http_get(probe)
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")


def _http_get(action: Object) -> None:
    if "httpGet" in action:
        filled(action["httpGet"], path="/", scheme="HTTP")


def _reference(source: Object) -> None:
    """The defaults of `fieldRef` and `resourceFieldRef`, in a variable or a file."""
    if "fieldRef" in source:
        filled(source["fieldRef"], apiVersion="v1")
    if "divisor" in source.get("resourceFieldRef", {}):
        selector = source["resourceFieldRef"]
        selector["divisor"] = quantity.canonical(selector["divisor"])


def _volume(volume: Object) -> None:
    if not any(field != "name" for field in volume):
        volume["emptyDir"] = {}
    for field in ("secret", "configMap", "downwardAPI", "projected"):
        if field in volume:
            volume[field].setdefault("defaultMode", _DEFAULT_MODE)
    for file in _downward_files(volume):
        _reference(file)
    for source in objects(volume.get("projected", {}), "sources"):
        if "serviceAccountToken" in source:
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")
    if "sizeLimit" in volume.get("emptyDir", {}):
        volume["emptyDir"]["sizeLimit"] = quantity.canonical(volume["emptyDir"]["sizeLimit"])
    if "image" in volume:
        filled(volume["image"], pullPolicy=pull_policy(volume["image"].get("reference", "")))
    if "ephemeral" in volume:
        claim = volume["ephemeral"].get("volumeClaimTemplate", {}).get("spec", {})
        if claim:
            claim.setdefault("volumeMode", "Filesystem")
    _old_volume(volume)


def _old_volume(volume: Object) -> None:
    """Volume types of times past; they still have their defaults."""
    filled(volume.get("iscsi", {}), iscsiInterface="default")
    filled(volume.get("rbd", {}), pool="rbd", user="admin", keyring="/etc/ceph/keyring")
    filled(volume.get("scaleIO", {}), storageMode="ThinProvisioned", fsType="xfs")
    if "azureDisk" in volume:
        disk = volume["azureDisk"]
        for field, value in (
            ("cachingMode", "ReadWrite"),
            ("kind", "Shared"),
            ("fsType", "ext4"),
            ("readOnly", False),
        ):
            disk.setdefault(field, value)


def _downward_files(volume: Object) -> Iterator[Object]:
    yield from objects(volume.get("downwardAPI", {}), "items")
    for source in objects(volume.get("projected", {}), "sources"):
        yield from objects(source.get("downwardAPI", {}), "items")


def _resources(resources: Object) -> None:
    _amounts(resources, "limits")
    _amounts(resources, "requests")


def _amounts(holder: Object, field: str) -> None:
    for name, amount in holder.get(field, {}).items():
        holder[field][name] = _thousandths(amount)


@functools.lru_cache(maxsize=1024)
@functools.lru_cache(maxsize=1024)
def _thousandths(amount: str) -> str:
    """The canonical form of an amount, with nothing finer than a thousandth: rounded up."""
    try:
        read = quantity.parse(amount)
    except quantity.InvalidQuantityError:
        return amount
    return quantity.Quantity(Fraction(read.milli(), 1000), read.form).canonical()
