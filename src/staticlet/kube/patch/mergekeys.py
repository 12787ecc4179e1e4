"""How lists and maps of the API's types merge: facts of the Kubernetes API, field by field.

Two sets of rules, told apart by Kubernetes itself: strategic merge patch has a patch strategy and
one merge key a list; server-side apply (and OpenAPI's `x-kubernetes-list-type`) has a list type
and one or more keys. They differ in places: ports merge by containerPort in a patch, and are told
apart by containerPort and protocol by apply. What no table names is atomic: replaced whole.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import msgspec


class ListType(enum.Enum):
    """OpenAPI's list types, by their words."""

    ATOMIC = "atomic"
    SET = "set"
    MAP = "map"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRule:
    """How one list field merges.

    Attributes:
        merge: Whether a strategic merge patch merges it; else the patch's list replaces it.
        merge_key: The field by which a strategic merge patch tells its items apart; empty for
            lists of plain values.
        retain_keys: Whether the patch strategy has `retainKeys` too (unions such as volumes).
        type: The list type, as server-side apply sees it.
        keys: The fields that tell the items of a `map` list apart, sorted.
    """

    merge: bool = False
    merge_key: str = ""
    retain_keys: bool = False
    type: ListType = ListType.ATOMIC
    keys: tuple[str, ...] = ()

    @property
    def strategy(self) -> str:
        """The word of `x-kubernetes-patch-strategy`; empty when there is none."""
        if not self.merge:
            return ""
        return "merge,retainKeys" if self.retain_keys else "merge"


ATOMIC = ListRule()


def _by(key: str, *keys: str, retain_keys: bool = False) -> ListRule:
    """Merged by one key, and told apart by it and the others."""
    return ListRule(
        merge=True,
        merge_key=key,
        retain_keys=retain_keys,
        type=ListType.MAP,
        keys=tuple(sorted((key, *keys))),
    )


_VALUES = ListRule(merge=True, type=ListType.SET)
_PORTS = _by("containerPort", "protocol")
_CONTAINER: Mapping[str, ListRule] = {
    "env": _by("name"),
    "ports": _PORTS,
    "volumeDevices": _by("devicePath"),
    "volumeMounts": _by("mountPath"),
}
_CONDITIONS: Mapping[str, ListRule] = {"conditions": _by("type")}
_RULES: Mapping[str, Mapping[str, ListRule]] = {
    "ObjectMeta": {"finalizers": _VALUES, "ownerReferences": _by("uid")},
    "PodSpec": {
        "containers": _by("name"),
        "ephemeralContainers": _by("name"),
        "hostAliases": _by("ip"),
        "imagePullSecrets": _by("name"),
        "initContainers": _by("name"),
        "resourceClaims": _by("name", retain_keys=True),
        "schedulingGates": _by("name"),
        "topologySpreadConstraints": _by("topologyKey", "whenUnsatisfiable"),
        "volumes": _by("name", retain_keys=True),
    },
    "Container": _CONTAINER,
    "EphemeralContainer": _CONTAINER,
    "ResourceRequirements": {"claims": ListRule(type=ListType.MAP, keys=("name",))},
    "PodStatus": {
        **_CONDITIONS,
        "hostIPs": ListRule(merge=True, merge_key="ip"),
        "podIPs": _by("ip"),
        "resourceClaimStatuses": _by("name", retain_keys=True),
    },
    "ContainerStatus": {
        "allocatedResourcesStatus": _by("name"),
        "volumeMounts": _by("mountPath"),
    },
    "ResourceStatus": {"resources": ListRule(type=ListType.MAP, keys=("resourceID",))},
    "NodeSpec": {"podCIDRs": _VALUES},
    "NodeStatus": {**_CONDITIONS, "addresses": _by("type")},
    "NamespaceStatus": _CONDITIONS,
    "ServiceAccount": {"secrets": _by("name")},
    "ServiceSpec": {
        "ports": ListRule(
            merge=True, merge_key="port", type=ListType.MAP, keys=("port", "protocol")
        )
    },
    "ServiceStatus": _CONDITIONS,
    "CSINodeSpec": {"drivers": _by("name")},
}
_ATOMIC_STRUCTS = frozenset(
    (
        "ConfigMapKeySelector",
        "FileKeySelector",
        "LabelSelector",
        "LocalObjectReference",
        "NodeSelector",
        "NodeSelectorTerm",
        "ObjectFieldSelector",
        "ObjectReference",
        "OwnerReference",
        "ResourceFieldSelector",
        "SecretKeySelector",
        "SecretReference",
        "TopologySelectorTerm",
        "TypedLocalObjectReference",
    )
)
_ATOMIC_MAPS = frozenset((("PodSpec", "nodeSelector"), ("ServiceSpec", "selector")))
_KEY_DEFAULTS: Mapping[tuple[str, str], str] = {
    ("ContainerPort", "protocol"): "TCP",
    ("ServicePort", "protocol"): "TCP",
}


def of(struct: type[msgspec.Struct], field: str) -> ListRule:
    """How a list field of an API struct merges; `field` is its name in JSON."""
    return _RULES.get(struct.__name__, {}).get(field, ATOMIC)


def atomic_struct(struct: type[msgspec.Struct]) -> bool:
    """Whether apply takes a struct as one value (`x-kubernetes-map-type: atomic`)."""
    return struct.__name__ in _ATOMIC_STRUCTS


def atomic_map(struct: type[msgspec.Struct], field: str) -> bool:
    """Whether apply takes a map field of a struct as one value."""
    return (struct.__name__, field) in _ATOMIC_MAPS


def key_default(struct: type[msgspec.Struct], key: str) -> str | None:
    """What a key of a `map` list counts as when an item does not have it; None for nothing."""
    return _KEY_DEFAULTS.get((struct.__name__, key))
