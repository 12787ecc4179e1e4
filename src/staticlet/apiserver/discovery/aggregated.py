"""Discovery of everything in two answers: APIGroupDiscoveryList (`apidiscovery.k8s.io`). Pure.

Clients ask `/api` and `/apis` for it with the Accept header (kubectl since 1.26), and fall back to
an answer for each group and version where a server does not know it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from staticlet.apiserver.discovery import legacy
from staticlet.apiserver.resources.kind import Kind, Subresource
from staticlet.web.accept import Media

GROUP = "apidiscovery.k8s.io"
VERSIONS = ("v2", "v2beta1")

Object = dict[str, Any]


def version_of(wanted: Media) -> str:
    """The version of aggregated discovery that is asked for; empty when it is something else."""
    if wanted.get("as") != "APIGroupDiscoveryList" or wanted.get("g") != GROUP:
        return ""
    return wanted.get("v") if wanted.get("v") in VERSIONS else ""


def content_type(version: str) -> str:
    """The media type of the answer, by which clients know it from the older one."""
    return f"application/json;g={GROUP};v={version};as=APIGroupDiscoveryList"


def groups(kinds: Iterable[Kind], *, core: bool, version: str) -> Object:
    """The list of groups with all they have.

    Args:
        kinds: All kinds.
        core: Whether the core group is told (`/api`), or all others (`/apis`).
        version: `v2` or `v2beta1`.
    """
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"{GROUP}/{version}",
        "metadata": {},
        "items": [
            _group(name, found)
            for name, found in legacy.by_group(kinds).items()
            if core == (not name)
        ],
    }


def _group(name: str, found: Mapping[str, Sequence[Kind]]) -> Object:
    return {
        "metadata": {"name": name} if name else {},
        "versions": [
            {
                "version": version,
                "resources": [_resource(kind) for kind in members],
                "freshness": "Current",
            }
            for version, members in found.items()
        ],
    }


def _resource(kind: Kind) -> Object:
    entry: Object = {
        "resource": kind.plural,
        "responseKind": _gvk(kind.group, kind.version, kind.kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": kind.verbs,
    }
    if kind.short_names:
        entry["shortNames"] = kind.short_names
    if kind.categories:
        entry["categories"] = kind.categories
    if kind.subresources:
        below = sorted(kind.subresources, key=lambda one: one.name)
        entry["subresources"] = [_subresource(kind, one) for one in below]
    return entry


def _subresource(kind: Kind, one: Subresource) -> Object:
    group = kind.group if one.group is None else one.group
    version = kind.version if one.version is None else one.version
    return {
        "subresource": one.name,
        "responseKind": _gvk(group, version, one.kind),
        "verbs": one.verbs,
    }


def _gvk(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}
