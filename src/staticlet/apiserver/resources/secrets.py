"""Secrets: bytes by key, of a type that says which keys there must be."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, kind, traits
from staticlet.kube import core

SECRETS = kind.Kind(
    plural="secrets",
    singular="secret",
    kind="Secret",
    verbs=traits.ALL,
    struct=core.Secret,
    strategy=basic.Basic(),
    fields={"type": traits.at("type")},
    hash=traits.version_hash("", "v1", "Secret"),
)
