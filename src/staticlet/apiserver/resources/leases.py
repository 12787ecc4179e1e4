"""Leases: who holds something, and until when; a node's heartbeat."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, kind, traits
from staticlet.kube import apitypes

LEASES = kind.Kind(
    group="coordination.k8s.io",
    plural="leases",
    singular="lease",
    kind="Lease",
    verbs=traits.ALL,
    struct=apitypes.Lease,
    strategy=basic.Basic(),
    hash=traits.version_hash("coordination.k8s.io", "v1", "Lease"),
)
