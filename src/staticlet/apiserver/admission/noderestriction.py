"""What a node may write, as kube-apiserver's NodeRestriction has it: only what is its own. Pure.

Authorization lets a node make Nodes, pods, leases and tokens; this looks into them. A node makes
and changes its own Node, but neither its taints nor the labels that are kept from it; it makes
mirror pods that refer to nothing, owned by its Node; it deletes and evicts pods that are bound to
it, and writes their status; it has tokens made for pods that are bound to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from staticlet.apiserver.admission.plugin import Objects, Review
from staticlet.apiserver.authz import references
from staticlet.apiserver.authz.nodes import LEASE_NAMESPACE
from staticlet.apiserver.resources.kind import Object
from staticlet.apiserver.store.port import Key
from staticlet.kube import refusal
from staticlet.kube.validate import peek

_SETTABLE = frozenset(
    {
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "beta.kubernetes.io/os",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)
_SETTABLE_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
_KEPT_DOMAIN = ("node-restriction.kubernetes.io",)


class NodeRestriction:
    """Keeps nodes to what is their own; nobody else is concerned."""

    def mutate(self, review: Review, objects: Objects) -> None:
        """Set nothing."""

    def validate(self, review: Review, objects: Objects) -> None:
        """Refuse what is not the node's own.

        Raises:
            refusal.Refusal: 403, or 404 where what it is about is gone.
        """
        node = review.call.user.node
        if not node:
            return
        rule = _RULES.get((review.kind.group, review.kind.plural))
        if rule is not None:
            rule(node, review, objects)


def forbidden(review: Review, why: str) -> refusal.Refusal:
    """The refusal of what a review is about."""
    return refusal.forbidden(review.kind.group_resource, _name(review), why)


def _name(review: Review) -> str:
    """The name as refusals have it: of an object that is to get one, its beginning."""
    metadata = peek.child(review.object or {}, "metadata")
    return peek.text(metadata, "name") or review.name or peek.text(metadata, "generateName")


def _pods(node: str, review: Review, objects: Objects) -> None:
    subresource = review.call.target.subresource
    quoted, operation = _quoted(node), review.operation
    match subresource, operation:
        case "", "CREATE":
            _mirror_pod(node, review, objects)
        case "", "DELETE":
            if _node_of(review.old) != node:
                raise forbidden(
                    review, f"node {quoted} can only delete pods with spec.nodeName set to itself"
                )
        case "", _:
            raise forbidden(
                review,
                f"unexpected operation {_quoted(operation)}, node {quoted} can only create and "
                "delete mirror pods",
            )
        case "status", "UPDATE":
            _pod_status(node, review)
        case "status", _:
            raise forbidden(
                review,
                f"unexpected operation {_quoted(operation)}, node {quoted} can only update pod "
                "status",
            )
        case "eviction", "CREATE":
            _eviction(node, review, objects)
        case "eviction", _:
            raise forbidden(review, f"unexpected operation {_quoted(operation)}")
        case _:
            raise forbidden(
                review,
                f"unexpected pod subresource {_quoted(subresource)}, only 'status' and "
                "'eviction' are allowed",
            )


def _mirror_pod(node: str, review: Review, objects: Objects) -> None:
    pod = review.object or {}
    metadata, spec = peek.child(pod, "metadata"), peek.child(pod, "spec")
    quoted = _quoted(node)
    if references.MIRROR not in peek.child(metadata, "annotations"):
        raise forbidden(
            review,
            f"pod does not have {_quoted(references.MIRROR)} annotation, node {quoted} can only "
            "create mirror pods",
        )
    if peek.text(spec, "nodeName") != node:
        raise forbidden(
            review, f"node {quoted} can only create pods with spec.nodeName set to itself"
        )
    _mirror_owner(node, peek.objects(metadata, "ownerReferences"), review, objects)
    reference = _first_reference(spec)
    if reference:
        raise forbidden(review, f"node {quoted} can not create pods that reference {reference}")


def _mirror_owner(
    node: str, owners: tuple[peek.Object, ...], review: Review, objects: Objects
) -> None:
    start = f"node {_quoted(node)}"
    if len(owners) > 1:
        raise forbidden(
            review, f"{start} can only create pods with a single owner reference set to itself"
        )
    owner = owners[0] if owners else {}
    named = (peek.text(owner, "apiVersion"), peek.text(owner, "kind"), peek.text(owner, "name"))
    if named != ("v1", "Node", node):
        raise forbidden(
            review, f"{start} can only create pods with an owner reference set to itself"
        )
    if not peek.flag(owner, "controller"):
        raise forbidden(
            review,
            f"{start} can only create pods with a controller owner reference set to itself",
        )
    if peek.flag(owner, "blockOwnerDeletion"):
        raise forbidden(review, f"{start} must not set blockOwnerDeletion on an owner reference")
    expected, uid = peek.text(owner, "uid"), _uid(_found(objects, Key("nodes", "", node)))
    if expected != uid:
        raise forbidden(review, f"node {node} UID mismatch: expected {expected} got {uid}")


def _first_reference(spec: peek.Object) -> str:
    """What a pod refers to that a mirror pod may not; empty when there is nothing."""
    volumes = peek.objects(spec, "volumes")
    sources = tuple(references.sources(spec))
    found = {
        "a service account": peek.text(spec, "serviceAccountName"),
        "secrets": any(references.secrets(spec)),
        "configmaps": any(references.config_maps(spec)),
        "persistentvolumeclaims": any(
            peek.has(volume, "persistentVolumeClaim") for volume in volumes
        ),
        "clustertrustbundles": any(peek.has(each, "clusterTrustBundle") for each in sources),
        "podcertificates": any(peek.has(each, "podCertificate") for each in sources),
        "resourceclaims": peek.objects(spec, "resourceClaims"),
    }
    return next((what for what, there in found.items() if there), "")


def _pod_status(node: str, review: Review) -> None:
    new, old = review.object or {}, review.old or {}
    start = f"node {_quoted(node)}"
    if _node_of(old) != node:
        why = "can only update pod status for pods with spec.nodeName set to itself"
        raise forbidden(review, f"{start} {why}")
    if _labels(new) != _labels(old):
        raise forbidden(review, f"{start} cannot update labels through pod status")
    if _at(new, "status", "resourceClaimStatuses") != _at(old, "status", "resourceClaimStatuses"):
        raise forbidden(review, f"{start} cannot update resource claim statuses")


def _eviction(node: str, review: Review, objects: Objects) -> None:
    target = review.call.target
    name = target.name or peek.text(peek.child(review.object or {}, "metadata"), "name")
    if not name:
        raise forbidden(review, "could not determine pod from request data")
    pod = _found(objects, Key("pods", target.namespace, name))
    if _node_of(pod) != node:
        raise forbidden(
            review, f"node {node} can only evict pods with spec.nodeName set to itself"
        )


def _nodes(node: str, review: Review, objects: Objects) -> None:
    del objects
    name, quoted = _name(review), _quoted(node)
    if name != node:
        raise forbidden(review, f"node {quoted} is not allowed to modify node {_quoted(name)}")
    new, old = review.object or {}, review.old or {}
    if review.operation == "CREATE":
        _node_labels(review, new, {}, "set the following labels")
        if _at(new, "spec", "configSource"):
            raise forbidden(
                review, f"node {quoted} is not allowed to create pods with a non-nil configSource"
            )
    elif review.operation == "UPDATE":
        source = _at(new, "spec", "configSource")
        if source and source != _at(old, "spec", "configSource"):
            raise forbidden(
                review,
                f"node {quoted} is not allowed to update configSource to a new non-nil "
                "configSource",
            )
        if _at(new, "spec", "taints") != _at(old, "spec", "taints"):
            raise forbidden(review, f"node {quoted} is not allowed to modify taints")
        _node_labels(review, new, old, "modify labels")
        if _at(new, "metadata", "ownerReferences") != _at(old, "metadata", "ownerReferences"):
            raise forbidden(review, f"node {quoted} is not allowed to modify ownerReferences")


def _node_labels(review: Review, new: Object, old: Object, what: str) -> None:
    before, after = _labels(old), _labels(new)
    changed = {
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    }
    kept = sorted(name for name in changed if not may_label(name))
    if kept:
        raise forbidden(review, f"is not allowed to {what}: {', '.join(kept)}")


def may_label(name: str) -> bool:
    """Whether a node may set a label on itself."""
    domain = name.partition("/")[0] if "/" in name else ""
    if _within(domain, _KEPT_DOMAIN):
        return False
    if not _within(domain, _KUBERNETES_DOMAINS):
        return True
    return name in _SETTABLE or _within(domain, _SETTABLE_DOMAINS)


def _within(domain: str, roots: tuple[str, ...]) -> bool:
    return any(domain == root or domain.endswith(f".{root}") for root in roots)


def _leases(node: str, review: Review, objects: Objects) -> None:
    del objects
    if review.call.target.namespace != LEASE_NAMESPACE:
        raise forbidden(
            review, f"can only access leases in the {_quoted(LEASE_NAMESPACE)} system namespace"
        )
    if _name(review) != node:
        raise forbidden(
            review, "can only access node lease with the same name as the requesting node"
        )


def _csi_nodes(node: str, review: Review, objects: Objects) -> None:
    del objects
    if _name(review) != node:
        raise forbidden(
            review, "can only access CSINode with the same name as the requesting node"
        )


def _accounts(node: str, review: Review, objects: Objects) -> None:
    target = review.call.target
    if review.operation != "CREATE" or target.subresource != "token":
        return
    spec = peek.child(review.object or {}, "spec")
    ref = peek.child(spec, "boundObjectRef")
    name, uid = peek.text(ref, "name"), peek.text(ref, "uid")
    if (peek.text(ref, "apiVersion"), peek.text(ref, "kind")) != ("v1", "Pod") or not name:
        raise forbidden(review, "node requested token not bound to a pod")
    if not uid:
        raise forbidden(review, "node requested token with a pod binding without a uid")
    pod = _found(objects, Key("pods", target.namespace, name))
    if uid != _uid(pod):
        raise forbidden(
            review,
            f"the UID in the bound object reference ({uid}) does not match the UID in record. The "
            "object might have been deleted and then recreated",
        )
    if _node_of(pod) != node:
        raise forbidden(
            review, "node requested token bound to a pod scheduled on a different node"
        )
    _audiences(node, review, peek.texts(spec, "audiences"), pod)


def _audiences(node: str, review: Review, asked: tuple[str, ...], pod: Object) -> None:
    """A node has tokens made for the audiences that the pod asks for, and for no others."""
    if len(asked) > 1:
        raise forbidden(review, "node may only request 0 or 1 audiences")
    audience = asked[0] if asked else ""
    tokens = [
        peek.child(source, "serviceAccountToken")
        for source in references.sources(peek.child(pod, "spec"))
        if peek.has(source, "serviceAccountToken")
    ]
    if audience not in [peek.text(token, "audience") for token in tokens]:
        raise forbidden(
            review,
            f"audience {_quoted(audience)} not found in pod spec volume, system:node:{node} is "
            "not authorized to request tokens for this audience",
        )


def _found(objects: Objects, key: Key) -> Object:
    """An object that must be there.

    Raises:
        refusal.Refusal: 404: it is not.
    """
    record = objects.get(key)
    if record is None:
        raise refusal.not_found(refusal.GroupResource("", key.resource), key.name)
    return record.object()


def _node_of(pod: Object | None) -> str:
    return peek.text(peek.child(pod or {}, "spec"), "nodeName")


def _uid(obj: Object) -> str:
    return peek.text(peek.child(obj, "metadata"), "uid")


def _labels(obj: Object) -> Mapping[str, str]:
    return peek.text_map(peek.child(obj, "metadata"), "labels")


def _at(obj: Object, part: str, field: str) -> Any:
    """A field; what is empty reads as absent."""
    return peek.child(obj, part).get(field) or None


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_RULES: Mapping[tuple[str, str], Callable[[str, Review, Objects], None]] = {
    ("", "nodes"): _nodes,
    ("", "pods"): _pods,
    ("", "serviceaccounts"): _accounts,
    ("coordination.k8s.io", "leases"): _leases,
    ("storage.k8s.io", "csinodes"): _csi_nodes,
}
