"""CSINodes: a kubelet makes one for its node, and nothing else here looks at it."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, kind, traits
from staticlet.kube import apitypes

CSI_NODES = kind.Kind(
    group="storage.k8s.io",
    plural="csinodes",
    singular="csinode",
    kind="CSINode",
    namespaced=False,
    verbs=traits.ALL,
    struct=apitypes.CSINode,
    strategy=basic.Basic(namespaced=False),
    hash=traits.version_hash("storage.k8s.io", "v1", "CSINode"),
)
