"""What a node may do to pods: make mirror pods, and tell and end those bound to it. Pure."""

from __future__ import annotations

from staticlet.apiserver.admission import about, ownership
from staticlet.apiserver.admission.plugin import Review
from staticlet.apiserver.authz import references
from staticlet.apiserver.store.port import Key, Objects
from staticlet.kube import quoting
from staticlet.kube.validate import peek


def check(node: str, review: Review, objects: Objects) -> None:
    """Refuse what a node does to a pod that is not its own, or as only others may.

    Raises:
        refusal.Refusal: 403, or 404 where the pod is gone.
    """
    subresource = review.call.target.subresource
    quoted, operation = quoting.quoted(node), review.operation
    match subresource, operation:
        case "", "CREATE":
            _mirror_pod(node, review, objects)
        case "", "DELETE":
            if ownership.node_of(review.old) != node:
                raise about.forbidden(
                    review, f"node {quoted} can only delete pods with spec.nodeName set to itself"
                )
        case "", _:
            raise about.forbidden(
                review,
                f"unexpected operation {quoting.quoted(operation)}, node {quoted} can only "
                "create and delete mirror pods",
            )
        case "status", "UPDATE":
            _pod_status(node, review)
        case "status", _:
            raise about.forbidden(
                review,
                f"unexpected operation {quoting.quoted(operation)}, node {quoted} can only "
                "update pod status",
            )
        case "eviction", "CREATE":
            _eviction(node, review, objects)
        case "eviction", _:
            raise about.forbidden(review, f"unexpected operation {quoting.quoted(operation)}")
        case _:
            raise about.forbidden(
                review,
                f"unexpected pod subresource {quoting.quoted(subresource)}, only 'status' and "
                "'eviction' are allowed",
            )


def _mirror_pod(node: str, review: Review, objects: Objects) -> None:
    pod = review.object or {}
    metadata, spec = peek.child(pod, "metadata"), peek.child(pod, "spec")
    quoted = quoting.quoted(node)
    if references.MIRROR not in peek.child(metadata, "annotations"):
        raise about.forbidden(
            review,
            f"pod does not have {quoting.quoted(references.MIRROR)} annotation, node {quoted} can "
            "only create mirror pods",
        )
    if peek.text(spec, "nodeName") != node:
        raise about.forbidden(
            review, f"node {quoted} can only create pods with spec.nodeName set to itself"
        )
    _mirror_owner(node, peek.objects(metadata, "ownerReferences"), review, objects)
    reference = _first_reference(spec)
    if reference:
        raise about.forbidden(
            review, f"node {quoted} can not create pods that reference {reference}"
        )


def _mirror_owner(
    node: str, owners: tuple[peek.Object, ...], review: Review, objects: Objects
) -> None:
    start = f"node {quoting.quoted(node)}"
    if len(owners) > 1:
        raise about.forbidden(
            review, f"{start} can only create pods with a single owner reference set to itself"
        )
    owner = owners[0] if owners else {}
    named = (peek.text(owner, "apiVersion"), peek.text(owner, "kind"), peek.text(owner, "name"))
    if named != ("v1", "Node", node):
        raise about.forbidden(
            review, f"{start} can only create pods with an owner reference set to itself"
        )
    if not peek.flag(owner, "controller"):
        raise about.forbidden(
            review,
            f"{start} can only create pods with a controller owner reference set to itself",
        )
    if peek.flag(owner, "blockOwnerDeletion"):
        raise about.forbidden(
            review, f"{start} must not set blockOwnerDeletion on an owner reference"
        )
    expected, uid = (
        peek.text(owner, "uid"),
        ownership.uid(ownership.found(objects, Key("nodes", "", node))),
    )
    if expected != uid:
        raise about.forbidden(review, f"node {node} UID mismatch: expected {expected} got {uid}")


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
    start = f"node {quoting.quoted(node)}"
    if ownership.node_of(old) != node:
        why = "can only update pod status for pods with spec.nodeName set to itself"
        raise about.forbidden(review, f"{start} {why}")
    if ownership.labels(new) != ownership.labels(old):
        raise about.forbidden(review, f"{start} cannot update labels through pod status")
    if ownership.field(new, "status", "resourceClaimStatuses") != ownership.field(
        old, "status", "resourceClaimStatuses"
    ):
        raise about.forbidden(review, f"{start} cannot update resource claim statuses")


def _eviction(node: str, review: Review, objects: Objects) -> None:
    target = review.call.target
    name = target.name or peek.text(peek.child(review.object or {}, "metadata"), "name")
    if not name:
        raise about.forbidden(review, "could not determine pod from request data")
    pod = ownership.found(objects, Key("pods", target.namespace, name))
    if ownership.node_of(pod) != node:
        raise about.forbidden(
            review, f"node {node} can only evict pods with spec.nodeName set to itself"
        )
