"""Pods: what a client may make of one, and what it may change later."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, kind, traits
from staticlet.kube import core, fieldselector

_OWN_FIELDS = {
    name: read
    for name, read in fieldselector.FIELDS.items()
    if name not in ("metadata.name", "metadata.namespace")
}

PODS = kind.Kind(
    plural="pods",
    singular="pod",
    kind="Pod",
    short_names=("po",),
    categories=("all",),
    verbs=traits.ALL,
    struct=core.Pod,
    strategy=basic.Basic(),
    subresources=(
        kind.Subresource(name="attach", kind="PodAttachOptions", verbs=("create", "get")),
        kind.Subresource(name="binding", kind="Binding", verbs=traits.CREATE),
        kind.Subresource(name="ephemeralcontainers", kind="Pod", verbs=traits.CHANGE),
        kind.Subresource(
            name="eviction", kind="Eviction", verbs=traits.CREATE, group="policy", version="v1"
        ),
        kind.Subresource(name="exec", kind="PodExecOptions", verbs=("create", "get")),
        kind.Subresource(name="log", kind="Pod", verbs=("get",)),
        kind.Subresource(
            name="portforward", kind="PodPortForwardOptions", verbs=("create", "get")
        ),
        kind.Subresource(name="status", kind="Pod", verbs=traits.CHANGE),
    ),
    fields=_OWN_FIELDS,
    hash=traits.version_hash("", "v1", "Pod"),
)
