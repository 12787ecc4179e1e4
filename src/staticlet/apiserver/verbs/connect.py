"""What is passed on to a node's kubelet API: logs, exec, attach, port forwarding, node proxy.

Until such an API is connected, these are refused as an unreachable node would be: 503, so that
clients neither take it for a mistake of theirs nor for a missing feature of the path.
"""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.verbs import place
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal

SUBRESOURCES = frozenset(
    (
        ("pods", "attach"),
        ("pods", "exec"),
        ("pods", "log"),
        ("pods", "portforward"),
        ("pods", "proxy"),
        ("nodes", "proxy"),
    )
)
"""Resources and their subresources that only a node can answer."""


def unconnected(backend: Backend, call: calls.Call, kind: Kind) -> refusal.Refusal:
    """The refusal of a request that a node would have to answer.

    Returns:
        404 when the pod or node is not there; 400 when the pod is on no node; else 503.
    """
    name, asked = call.target.name, call.target.subresource
    record = backend.store.get(place.key(kind, call))
    if record is None:
        return place.missing(kind, name)
    node = name
    if kind.plural == "pods":
        node = (place.shown(kind, record).get("spec") or {}).get("nodeName", "")
        if not node:
            return refusal.bad_request(f"pod {name} does not have a host assigned")
    return refusal.Refusal(
        503,
        "ServiceUnavailable",
        f'cannot pass {asked} of {kind.plural} "{name}" on: no kubelet API of node "{node}" is '
        "connected to this server",
    )
