"""What a node may do, as kube-apiserver's Node authorizer has it. Pure.

It gives a node what an agent needs: its own Node and Lease, the pods that are bound to it, what
these refer to, events, and the reviews by which it authorizes others. What depends on the body of
a request is refused by admission (`noderestriction`), which sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from staticlet.apiserver import calls
from staticlet.apiserver.authz import references
from staticlet.apiserver.authz.verdict import ALLOWED, DENIED, Verdict, denied
from staticlet.apiserver.store.port import Objects

LEASE_NAMESPACE = "kube-node-lease"
_READ = frozenset({"get", "list", "watch"})
_OWN = frozenset({"get", "create", "update", "patch", "delete"})

_REVIEWS = frozenset({"create"})
_EVENTS = frozenset({"create", "update", "patch"})
RULES: Mapping[tuple[str, str], frozenset[str]] = {
    ("", "events"): _EVENTS,
    ("events.k8s.io", "events"): _EVENTS,
    ("", "services"): _READ,
    ("node.k8s.io", "runtimeclasses"): _READ,
    ("storage.k8s.io", "csidrivers"): _READ,
    ("authentication.k8s.io", "tokenreviews"): _REVIEWS,
    ("authorization.k8s.io", "subjectaccessreviews"): _REVIEWS,
    ("authorization.k8s.io", "localsubjectaccessreviews"): _REVIEWS,
}
"""What any node may do, whatever the object."""


def decide(node: str, target: calls.Target, objects: Objects) -> Verdict:
    """Whether a node may do something with a resource.

    Args:
        node: The node's name.
        target: What it wants to do.
        objects: The store.
    """
    key = (target.group, target.resource)
    rule = _BY_RESOURCE.get(key)
    if rule is not None:
        return rule(node, target, objects)
    allowed = not target.subresource and target.verb in RULES.get(key, ())
    return ALLOWED if allowed else DENIED


def _node(node: str, target: calls.Target, objects: Objects) -> Verdict:
    del objects
    match target.subresource, target.verb:
        case "", "create" | "update" | "patch":
            return ALLOWED  # of itself alone: admission sees to that
        case "", "get" | "list" | "watch" if target.name == node:
            return ALLOWED
        case "", "get" | "list" | "watch":
            what = f"'{target.name}'" if target.name else "all nodes"
            return denied(f"node '{node}' cannot read {what}, only its own Node object")
        case "status", "update" | "patch":
            return ALLOWED
    return DENIED


def _pod(node: str, target: calls.Target, objects: Objects) -> Verdict:
    match target.subresource, target.verb:
        case "", "list" | "watch" if _of_node(node, target.field_selector):
            return ALLOWED
        case "", "list" | "watch" if not target.name:
            return denied("can only list/watch pods with spec.nodeName field selector")
        case "", "get" | "list" | "watch":
            if references.runs(objects, node, target.namespace, target.name):
                return ALLOWED
            return _unrelated(node)
        case ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create"):
            return ALLOWED  # of its own pods alone: admission sees to that
    return DENIED


def _referenced(node: str, target: calls.Target, objects: Objects) -> Verdict:
    if target.verb not in _READ:
        return denied("can only read resources of this type")
    if target.subresource:
        return denied("cannot read subresource")
    if not target.namespace:
        return denied("can only read namespaced object of this type")
    return _used(node, target, objects)


def _account(node: str, target: calls.Target, objects: Objects) -> Verdict:
    if target.verb == "get" and not target.subresource:
        return _used(node, target, objects)
    if target.verb != "create" or not target.name:
        return denied("can only create tokens for individual service accounts")
    if target.subresource != "token":
        return denied("can only create token subresource of serviceaccount")
    return _used(node, target, objects)


def _used(node: str, target: calls.Target, objects: Objects) -> Verdict:
    if not target.name:
        return denied("No Object name found")
    found = bool(target.namespace) and references.uses(
        objects,
        node,
        resource=target.resource,
        namespace=target.namespace,
        name=target.name,
    )
    return ALLOWED if found else _unrelated(node)


def _lease(node: str, target: calls.Target, objects: Objects) -> Verdict:
    del objects
    if target.verb not in _OWN or target.subresource:
        return denied("can only get, create, update, patch, or delete a node lease")
    if target.namespace != LEASE_NAMESPACE:
        return denied(f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
    if target.verb != "create" and target.name != node:
        return denied("can only access node lease with the same name as the requesting node")
    return ALLOWED  # the name of a new one is known to admission alone


def _csi_node(node: str, target: calls.Target, objects: Objects) -> Verdict:
    del objects
    if target.verb not in _OWN:
        return denied("can only get, create, update, patch, or delete a CSINode")
    if target.subresource:
        return denied("cannot authorize CSINode subresources")
    if target.verb != "create" and target.name != node:
        return denied("can only access CSINode with the same name as the requesting node")
    return ALLOWED


def _slice(node: str, target: calls.Target, objects: Objects) -> Verdict:
    del objects
    if target.subresource:
        return denied("cannot authorize ResourceSlice subresources")
    if target.verb in ("list", "watch", "deletecollection"):
        if _of_node(node, target.field_selector):
            return ALLOWED
        return denied(
            "can only list/watch/deletecollection resourceslices with nodeName field selector"
        )
    return _unrelated(node)


def _unrelated(node: str) -> Verdict:
    return denied(f"no relationship found between node '{node}' and this object")


def _of_node(node: str, field_selector: str) -> bool:
    """Whether a field selector lets nothing through but what is on the node.

    Terms are joined by "and", so that one is enough. A backslash makes a comma part of a value:
    nothing that needs one is a name, and what has one is not trusted.
    """
    if "\\" in field_selector:
        return False
    terms = [term.strip() for term in field_selector.split(",")]
    return f"spec.nodeName={node}" in terms or f"spec.nodeName=={node}" in terms


_BY_RESOURCE: Mapping[tuple[str, str], Callable[[str, calls.Target, Objects], Verdict]] = {
    ("", "configmaps"): _referenced,
    ("", "nodes"): _node,
    ("", "pods"): _pod,
    ("", "secrets"): _referenced,
    ("", "serviceaccounts"): _account,
    ("coordination.k8s.io", "leases"): _lease,
    ("resource.k8s.io", "resourceslices"): _slice,
    ("storage.k8s.io", "csinodes"): _csi_node,
}
