"""OpenAPI v3: an index, and a document for each group and version. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from staticlet.apiserver.openapi import naming, paths, schemas
from staticlet.apiserver.resources.kind import Kind

INFO = {"title": "Kubernetes", "version": "unversioned"}


def roots(kinds: Iterable[Kind]) -> Mapping[str, list[Kind]]:
    """Kinds by the path of their group and version: `api/v1`, `apis/coordination.k8s.io/v1`."""
    found: dict[str, list[Kind]] = {}
    for kind in kinds:
        found.setdefault(naming.root(kind), []).append(kind)
    return found


def index(hashes: Mapping[str, str]) -> dict[str, Any]:
    """The index: where the document of each path is, by the hash of its content."""
    return {
        "paths": {
            root: {"serverRelativeURL": f"/openapi/v3/{root}?hash={digest}"}
            for root, digest in hashes.items()
        }
    }


def of_version(kinds: Iterable[Kind]) -> dict[str, Any]:
    """The document of one group and version.

    Args:
        kinds: The kinds of that group and version.
    """
    types = schemas.Schemas()
    found: paths.Paths = {}
    for kind in kinds:
        found |= paths.of_kind(kind, types)
    return {
        "openapi": "3.0.0",
        "info": INFO,
        "paths": dict(sorted(found.items())),
        "components": {"schemas": dict(sorted(types.found.items()))},
    }
