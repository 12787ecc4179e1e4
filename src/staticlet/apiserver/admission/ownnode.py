"""What a node may write of its Node: no taints, and no labels that are kept from it. Pure."""

from __future__ import annotations

from staticlet.apiserver.admission import about, ownership
from staticlet.apiserver.admission.plugin import Review
from staticlet.apiserver.resources.kind import Object
from staticlet.apiserver.store.port import Objects
from staticlet.kube import nodelabels, quoting


def check(node: str, review: Review, objects: Objects) -> None:
    """Refuse what a node writes to another Node, or to its own where it may not.

    Raises:
        refusal.Refusal: 403, or 404 where the pod is gone.
    """
    del objects
    name, quoted = about.name(review), quoting.quoted(node)
    if name != node:
        raise about.forbidden(
            review, f"node {quoted} is not allowed to modify node {quoting.quoted(name)}"
        )
    new, old = review.object or {}, review.old or {}
    if review.operation == "CREATE":
        _node_labels(review, new, {}, "set the following labels")
        if ownership.field(new, "spec", "configSource"):
            raise about.forbidden(
                review, f"node {quoted} is not allowed to create pods with a non-nil configSource"
            )
    elif review.operation == "UPDATE":
        source = ownership.field(new, "spec", "configSource")
        if source and source != ownership.field(old, "spec", "configSource"):
            raise about.forbidden(
                review,
                f"node {quoted} is not allowed to update configSource to a new non-nil "
                "configSource",
            )
        if ownership.field(new, "spec", "taints") != ownership.field(old, "spec", "taints"):
            raise about.forbidden(review, f"node {quoted} is not allowed to modify taints")
        _node_labels(review, new, old, "modify labels")
        if ownership.field(new, "metadata", "ownerReferences") != ownership.field(
            old, "metadata", "ownerReferences"
        ):
            raise about.forbidden(
                review, f"node {quoted} is not allowed to modify ownerReferences"
            )


def _node_labels(review: Review, new: Object, old: Object, what: str) -> None:
    before, after = ownership.labels(old), ownership.labels(new)
    changed = {
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    }
    kept = sorted(name for name in changed if not nodelabels.settable(name))
    if kept:
        raise about.forbidden(review, f"is not allowed to {what}: {', '.join(kept)}")
