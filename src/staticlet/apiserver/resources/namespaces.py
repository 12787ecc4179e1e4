"""Namespaces: active until they are deleted, then terminating until they are empty."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, kind, traits
from staticlet.kube import core, names

NAMESPACES = kind.Kind(
    plural="namespaces",
    singular="namespace",
    kind="Namespace",
    short_names=("ns",),
    namespaced=False,
    verbs=tuple(verb for verb in traits.ALL if verb != "deletecollection"),
    struct=core.Namespace,
    strategy=basic.Basic(names.dns_label, namespaced=False),
    subresources=(
        kind.Subresource(name="finalize", kind="Namespace", verbs=("update",)),
        kind.Subresource(name="status", kind="Namespace", verbs=traits.CHANGE),
    ),
    fields={
        "name": traits.at("metadata", "name"),
        "status.phase": traits.at("status", "phase"),
    },
    hash=traits.version_hash("", "v1", "Namespace"),
)
