"""All admission plugins, in kube-apiserver's order."""

from __future__ import annotations

from staticlet.apiserver.admission import (
    lifecycle,
    noderestriction,
    plugin,
    priority,
    serviceaccount,
    tolerations,
)


def chain() -> plugin.Chain:
    """The chain of admission that every request passes."""
    return plugin.Chain(
        (
            lifecycle.NamespaceLifecycle(),
            serviceaccount.ServiceAccount(),
            noderestriction.NodeRestriction(),
            priority.Priority(),
            tolerations.DefaultTolerations(),
        )
    )
