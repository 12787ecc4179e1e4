"""Service accounts: the identities of what runs in pods."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, kind, traits
from staticlet.kube import core

SERVICE_ACCOUNTS = kind.Kind(
    plural="serviceaccounts",
    singular="serviceaccount",
    kind="ServiceAccount",
    short_names=("sa",),
    verbs=traits.ALL,
    struct=core.ServiceAccount,
    strategy=basic.Basic(),
    subresources=(
        kind.Subresource(
            name="token",
            kind="TokenRequest",
            verbs=traits.CREATE,
            group="authentication.k8s.io",
            version="v1",
        ),
    ),
    hash=traits.version_hash("", "v1", "ServiceAccount"),
)
