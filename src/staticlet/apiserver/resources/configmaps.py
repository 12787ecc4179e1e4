"""ConfigMaps: texts and bytes by key."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, kind, traits
from staticlet.kube import core

CONFIG_MAPS = kind.Kind(
    plural="configmaps",
    singular="configmap",
    kind="ConfigMap",
    short_names=("cm",),
    verbs=traits.ALL,
    struct=core.ConfigMap,
    strategy=basic.Basic(),
    hash=traits.version_hash("", "v1", "ConfigMap"),
)
