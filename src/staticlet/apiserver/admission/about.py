"""What a review is about, as plugins ask it."""

from __future__ import annotations

from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources.kind import Object
from staticlet.kube import refusal
from staticlet.kube.validate import metadata, peek


def pod_to_be(review: plugin.Review, *operations: str) -> Object | None:
    """The pod that is written, itself and not a part of it; None where it is something else."""
    kind, target = review.kind, review.call.target
    if kind.group or kind.plural != "pods" or target.subresource:
        return None
    return review.object if review.operation in operations else None


def is_mirror(pod: Object) -> bool:
    """Whether a pod only shows one that a node runs from a manifest."""
    return metadata.MIRROR_ANNOTATION in peek.text_map(pod["metadata"], "annotations")


def name(review: plugin.Review) -> str:
    """The name as refusals have it: of an object that is to get one, its beginning."""
    meta = peek.child(review.object or {}, "metadata")
    return peek.text(meta, "name") or review.name or peek.text(meta, "generateName")


def forbidden(review: plugin.Review, why: str) -> refusal.Refusal:
    """403 about the object of a review; `why` is the sentence after the colon."""
    return refusal.forbidden(review.kind.group_resource, name(review), why)
