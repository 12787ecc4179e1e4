"""Bindings: created only, on their own or below a pod; a binding is done and not kept."""

from __future__ import annotations

from staticlet.apiserver.resources import kind, traits
from staticlet.kube import core

BINDINGS = kind.Kind(
    plural="bindings",
    singular="binding",
    kind="Binding",
    verbs=traits.CREATE,
    struct=core.Binding,
    strategy=kind.Strategy(),
)
