"""How lists and maps merge, as OpenAPI's extensions: clients make their patches by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from staticlet.kube import shape
from staticlet.kube.patch import mergekeys

if TYPE_CHECKING:
    import msgspec

_MAP_TYPE = "x-kubernetes-map-type"


def of_type(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The extensions of a type: whether it is one value to server-side apply."""
    return {_MAP_TYPE: "atomic"} if mergekeys.atomic_struct(struct) else {}


def of_field(struct: type[msgspec.Struct], field: str, of: shape.Shape) -> dict[str, Any]:
    """The extensions of a field; none unless it is a list, or a map that is one value.

    Args:
        struct: The type that has the field.
        field: Its name in JSON.
        of: Its shape.
    """
    if isinstance(of, shape.MapOf):
        return {_MAP_TYPE: "atomic"} if mergekeys.atomic_map(struct, field) else {}
    return _of_list(mergekeys.of(struct, field)) if isinstance(of, shape.ListOf) else {}


def _of_list(rule: mergekeys.ListRule) -> dict[str, Any]:
    told: dict[str, Any] = {"x-kubernetes-list-type": rule.type.value}
    if rule.keys:
        told["x-kubernetes-list-map-keys"] = list(rule.keys)
    if rule.merge_key:
        told["x-kubernetes-patch-merge-key"] = rule.merge_key
    if rule.strategy:
        told["x-kubernetes-patch-strategy"] = rule.strategy
    return told
