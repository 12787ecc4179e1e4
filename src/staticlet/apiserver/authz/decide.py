"""Who may do what: administrators everything, nodes what a node needs, others hardly anything.

Pure over what is in the store. There are no roles to configure: it is one machine's API. Anybody
may see that the server lives and what version it is; who is authenticated may read discovery and
ask who they are and what they may do.
"""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.authn import proof
from staticlet.apiserver.authz import nodes
from staticlet.apiserver.authz.verdict import ALLOWED, DENIED, Verdict
from staticlet.apiserver.store.port import Objects

MASTERS = "system:masters"

PUBLIC_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/version", "/version/"})
"""Read by anybody."""

DISCOVERY_PATHS = frozenset({"/api", "/api/", "/apis", "/apis/", "/openapi"})
DISCOVERY_BELOW = ("/api/", "/apis/", "/openapi/")
"""Read by who is authenticated."""

SELF_REVIEWS = frozenset(
    {
        ("authentication.k8s.io", "selfsubjectreviews"),
        ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("authorization.k8s.io", "selfsubjectrulesreviews"),
    }
)
"""Created by who is authenticated."""


def decide(user: calls.User, target: calls.Target, objects: Objects) -> Verdict:
    """Whether a user may do something.

    Args:
        user: Who.
        target: What; a list or watch by `metadata.name=x` names `x`.
        objects: The store.
    """
    if MASTERS in user.groups:
        return ALLOWED
    if not target.is_resource:
        return ALLOWED if _may_read(user, target) else DENIED
    if proof.AUTHENTICATED not in user.groups:
        return DENIED
    if _is_self_review(target):
        return ALLOWED
    return nodes.decide(user.node, target, objects) if user.node else DENIED


def _may_read(user: calls.User, target: calls.Target) -> bool:
    """Whether a path that names no resource may be read."""
    if target.verb not in ("get", "head"):
        return False
    if target.path in PUBLIC_PATHS:
        return True
    if proof.AUTHENTICATED not in user.groups:
        return False
    return target.path in DISCOVERY_PATHS or target.path.startswith(DISCOVERY_BELOW)


def _is_self_review(target: calls.Target) -> bool:
    return (
        target.verb == "create"
        and not target.subresource
        and (target.group, target.resource) in SELF_REVIEWS
    )
