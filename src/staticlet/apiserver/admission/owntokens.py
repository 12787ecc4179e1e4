"""Which tokens a node may have made: for pods that are bound to it, as those ask for. Pure."""

from __future__ import annotations

from staticlet.apiserver.admission import about, ownership
from staticlet.apiserver.admission.plugin import Review
from staticlet.apiserver.authz import references
from staticlet.apiserver.resources.kind import Object
from staticlet.apiserver.store.port import Key, Objects
from staticlet.kube import quoting
from staticlet.kube.validate import peek


def check(node: str, review: Review, objects: Objects) -> None:
    """Refuse a token for a pod of another node, or one that the pod does not ask for.

    Raises:
        refusal.Refusal: 403, or 404 where the pod is gone.
    """
    target = review.call.target
    if review.operation != "CREATE" or target.subresource != "token":
        return
    spec = peek.child(review.object or {}, "spec")
    ref = peek.child(spec, "boundObjectRef")
    name, uid = peek.text(ref, "name"), peek.text(ref, "uid")
    if (peek.text(ref, "apiVersion"), peek.text(ref, "kind")) != ("v1", "Pod") or not name:
        raise about.forbidden(review, "node requested token not bound to a pod")
    if not uid:
        raise about.forbidden(review, "node requested token with a pod binding without a uid")
    pod = ownership.found(objects, Key("pods", target.namespace, name))
    if uid != ownership.uid(pod):
        raise about.forbidden(
            review,
            f"the UID in the bound object reference ({uid}) does not match the UID in record. The "
            "object might have been deleted and then recreated",
        )
    if ownership.node_of(pod) != node:
        raise about.forbidden(
            review, "node requested token bound to a pod scheduled on a different node"
        )
    _audiences(node, review, peek.texts(spec, "audiences"), pod)


def _audiences(node: str, review: Review, asked: tuple[str, ...], pod: Object) -> None:
    """A node has tokens made for the audiences that the pod asks for, and for no others."""
    if len(asked) > 1:
        raise about.forbidden(review, "node may only request 0 or 1 audiences")
    audience = asked[0] if asked else ""
    tokens = [
        peek.child(source, "serviceAccountToken")
        for source in references.sources(peek.child(pod, "spec"))
        if peek.has(source, "serviceAccountToken")
    ]
    if audience not in [peek.text(token, "audience") for token in tokens]:
        raise about.forbidden(
            review,
            f"audience {quoting.quoted(audience)} not found in pod spec volume, "
            f"system:node:{node} is not authorized to request tokens for this audience",
        )
