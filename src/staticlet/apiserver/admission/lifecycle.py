"""Nothing is made in a namespace that is not there or goes away (NamespaceLifecycle)."""

from __future__ import annotations

from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources import namespaces
from staticlet.apiserver.store.port import Key, Objects
from staticlet.kube import refusal

KEPT = frozenset(("default", "kube-system", "kube-public"))
"""Namespaces that are never deleted."""

_NAMESPACES = refusal.GroupResource("", "namespaces")
_REVIEWS = frozenset(("authorization.k8s.io",))


class NamespaceLifecycle:
    """Refuses creations in absent and terminating namespaces, and deletions of kept ones."""

    def mutate(self, review: plugin.Review, objects: Objects) -> None:
        """Refuse before anything else is set, as kube-apiserver does.

        Raises:
            refusal.Refusal: 404 where the namespace is not there, 403 where it may not be.
        """
        if review.kind.namespaced:
            if review.operation == "CREATE" and review.kind.group not in _REVIEWS:
                _must_live(review, objects)
        elif review.operation == "DELETE" and review.kind.group_resource == _NAMESPACES:
            _may_go(review.name)

    def validate(self, review: plugin.Review, objects: Objects) -> None:
        """Nothing is left to refuse."""


def _may_go(name: str) -> None:
    if name in KEPT:
        raise refusal.forbidden(_NAMESPACES, name, "this namespace may not be deleted")


def _must_live(review: plugin.Review, objects: Objects) -> None:
    place = review.call.target.namespace
    found = objects.get(Key("namespaces", "", place))
    if found is None:
        raise refusal.not_found(_NAMESPACES, place)
    # A field of the record tells it without decoding the object.
    if found.fields.get("status.phase") != namespaces.TERMINATING:
        return
    why = f"unable to create new content in namespace {place} because it is being terminated"
    refused = refusal.forbidden(review.kind.group_resource, review.name, why)
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {place} is being terminated",
        "field": "metadata.namespace",
    }
    details = {**(refused.details or {}), "causes": [cause]}
    raise refusal.Refusal(refused.code, refused.reason, refused.message, details=details)
