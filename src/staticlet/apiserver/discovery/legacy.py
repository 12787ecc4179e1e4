"""Discovery one group and version at a time: APIVersions, APIGroupList, APIResourceList. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from staticlet.apiserver.resources.kind import Kind, Subresource

Object = dict[str, Any]


def versions(address: str) -> Object:
    """`/api`: the versions of the core group.

    Args:
        address: Where clients reach the server: host and port; empty to leave it out.
    """
    found: Object = {"kind": "APIVersions", "versions": ["v1"]}
    found["serverAddressByClientCIDRs"] = (
        [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}] if address else []
    )
    return found


def groups(kinds: Iterable[Kind]) -> Object:
    """`/apis`: the groups, the core group not among them."""
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name, found) for name, found in by_group(kinds).items() if name],
    }


def group(name: str, kinds: Iterable[Kind]) -> Object | None:
    """`/apis/<group>`: the versions of one group; None when there is no such group."""
    found = by_group(kinds).get(name)
    if not name or found is None:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name, found)


def resources(name: str, version: str, kinds: Iterable[Kind]) -> Object | None:
    """`/api/v1` and `/apis/<group>/<version>`: the resources; None when there is no such version.

    Args:
        name: The group; empty for the core group.
        version: The version.
        kinds: All kinds.
    """
    found = by_group(kinds).get(name, {}).get(version)
    if found is None:
        return None
    return {
        "kind": "APIResourceList",
        **({"apiVersion": "v1"} if name else {}),
        "groupVersion": f"{name}/{version}" if name else version,
        "resources": [entry for kind in found for entry in _entries(kind)],
    }


def by_group(kinds: Iterable[Kind]) -> Mapping[str, Mapping[str, Sequence[Kind]]]:
    """Kinds by group and version, sorted by their resources' names."""
    found: dict[str, dict[str, list[Kind]]] = {}
    for kind in kinds:
        found.setdefault(kind.group, {}).setdefault(kind.version, []).append(kind)
    for versions_of in found.values():
        for members in versions_of.values():
            members.sort(key=lambda kind: kind.plural)
    return found


def _group(name: str, found: Mapping[str, Sequence[Kind]]) -> Object:
    told = [{"groupVersion": f"{name}/{version}", "version": version} for version in found]
    return {"name": name, "versions": told, "preferredVersion": told[0]}


def _entries(kind: Kind) -> list[Object]:
    below = sorted(kind.subresources, key=lambda one: one.name)
    return [_resource(kind), *(_subresource(kind, one) for one in below)]


def _resource(kind: Kind) -> Object:
    entry: Object = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": kind.verbs,
    }
    if kind.short_names:
        entry["shortNames"] = kind.short_names
    if kind.categories:
        entry["categories"] = kind.categories
    if kind.hash:
        entry["storageVersionHash"] = kind.hash
    return entry


def _subresource(kind: Kind, one: Subresource) -> Object:
    foreign: Object = {}
    if one.group is not None:
        foreign["group"] = one.group
    if one.version is not None:
        foreign["version"] = one.version
    return {
        "name": f"{kind.plural}/{one.name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        **foreign,
        "kind": one.kind,
        "verbs": one.verbs,
    }
