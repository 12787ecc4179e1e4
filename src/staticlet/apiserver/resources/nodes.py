"""Nodes: the machine as its agent describes it."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, kind, traits
from staticlet.kube import core

NODES = kind.Kind(
    plural="nodes",
    singular="node",
    kind="Node",
    short_names=("no",),
    namespaced=False,
    verbs=traits.ALL,
    struct=core.Node,
    strategy=basic.Basic(namespaced=False),
    subresources=(
        kind.Subresource(
            name="proxy",
            kind="NodeProxyOptions",
            verbs=("create", "delete", "get", "patch", "update"),
        ),
        kind.Subresource(name="status", kind="Node", verbs=traits.CHANGE),
    ),
    fields={"spec.unschedulable": traits.at("spec", "unschedulable", default="false")},
    hash=traits.version_hash("", "v1", "Node"),
)
