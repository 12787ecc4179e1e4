"""What a node may write, as kube-apiserver's NodeRestriction has it: only what is its own. Pure.

Authorization lets a node make Nodes, pods, leases and tokens; this looks into them. A node makes
and changes its own Node, but neither its taints nor the labels that are kept from it; it makes
mirror pods that refer to nothing, owned by its Node; it deletes and evicts pods that are bound to
it, and writes their status; it has tokens made for pods that are bound to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from staticlet.apiserver.admission import about, ownnode, ownpods, owntokens
from staticlet.apiserver.admission.plugin import Review
from staticlet.apiserver.authz.nodes import LEASE_NAMESPACE
from staticlet.apiserver.store.port import Objects
from staticlet.kube import quoting


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


def _leases(node: str, review: Review, objects: Objects) -> None:
    del objects
    if review.call.target.namespace != LEASE_NAMESPACE:
        raise about.forbidden(
            review,
            f"can only access leases in the {quoting.quoted(LEASE_NAMESPACE)} system namespace",
        )
    if about.name(review) != node:
        raise about.forbidden(
            review, "can only access node lease with the same name as the requesting node"
        )


def _csi_nodes(node: str, review: Review, objects: Objects) -> None:
    del objects
    if about.name(review) != node:
        raise about.forbidden(
            review, "can only access CSINode with the same name as the requesting node"
        )


_RULES: Mapping[tuple[str, str], Callable[[str, Review, Objects], None]] = {
    ("", "nodes"): ownnode.check,
    ("", "pods"): ownpods.check,
    ("", "serviceaccounts"): owntokens.check,
    ("coordination.k8s.io", "leases"): _leases,
    ("storage.k8s.io", "csinodes"): _csi_nodes,
}
