"""The cells between name and age of the kinds that have a few plain ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staticlet.apiserver.resources.kind import Object

_NONE = "<none>"
_UNSET = "<unset>"


def namespace(obj: Object) -> Sequence[Any]:
    """The phase."""
    return ((obj.get("status") or {}).get("phase", ""),)


def config_map(obj: Object) -> Sequence[Any]:
    """The number of keys."""
    return (len(obj.get("data") or ()) + len(obj.get("binaryData") or ()),)


def secret(obj: Object) -> Sequence[Any]:
    """Type and number of keys."""
    return obj.get("type", ""), len(obj.get("data") or ())


def lease(obj: Object) -> Sequence[Any]:
    """The holder."""
    return ((obj.get("spec") or {}).get("holderIdentity") or "",)


def handler(obj: Object) -> Sequence[Any]:
    """A runtime class' handler."""
    return (obj.get("handler", ""),)


def service(obj: Object) -> Sequence[Any]:
    """Type, addresses and ports."""
    spec = obj.get("spec") or {}
    cluster = spec.get("clusterIP") or _NONE
    return spec.get("type", ""), cluster, _external(obj, spec), _ports(spec)


def service_wide(obj: Object) -> Sequence[Any]:
    """The selector."""
    return (labels((obj.get("spec") or {}).get("selector")),)


def labels(given: Object | None) -> str:
    """Labels in a cell: `a=b,c=d`."""
    return ",".join(f"{key}={value}" for key, value in sorted((given or {}).items())) or _NONE


def csi_driver(obj: Object) -> Sequence[Any]:
    """What the driver wants of those who mount its volumes."""
    spec = obj.get("spec") or {}
    audiences = [str(one.get("audience", "")) for one in spec.get("tokenRequests") or ()]
    return (
        bool(spec.get("attachRequired", True)),
        bool(spec.get("podInfoOnMount", False)),
        bool(spec.get("storageCapacity", False)),
        ",".join(audiences) or _UNSET,
        bool(spec.get("requiresRepublish", False)),
        ",".join(spec.get("volumeLifecycleModes") or ()) or _NONE,
    )


def csi_node(obj: Object) -> Sequence[Any]:
    """The number of drivers."""
    return (len((obj.get("spec") or {}).get("drivers") or ()),)


def resource_slice(obj: Object) -> Sequence[Any]:
    """Node, driver and pool."""
    spec = obj.get("spec") or {}
    pool = (spec.get("pool") or {}).get("name", "")
    return spec.get("nodeName") or _UNSET, spec.get("driver", ""), pool


def _external(obj: Object, spec: Object) -> str:
    """What a service is reached by from outside, as its type has it."""
    given = list(spec.get("externalIPs") or ())
    match spec.get("type"):
        case "ExternalName":
            return str(spec.get("externalName") or "")
        case "LoadBalancer":
            balancer = (obj.get("status") or {}).get("loadBalancer") or {}
            entries = balancer.get("ingress") or ()
            found = {str(one.get("ip") or one.get("hostname") or "") for one in entries} - {""}
            told = ",".join(sorted(found) + given)
            return told or "<pending>"
    return ",".join(given) or _NONE


def _ports(spec: Object) -> str:
    return ",".join(_port(one) for one in spec.get("ports") or ()) or _NONE


def _port(one: Object) -> str:
    outside = f":{one['nodePort']}" if one.get("nodePort") else ""
    return f"{one.get('port')}{outside}/{one.get('protocol') or 'TCP'}"
