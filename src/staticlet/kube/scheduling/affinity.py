"""A pod's nodeSelector and required node affinity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staticlet.kube import selector
from staticlet.kube.plain import objects

Object = Mapping[str, Any]

_OPERATORS = {
    "In": selector.Operator.IN,
    "NotIn": selector.Operator.NOT_IN,
    "Exists": selector.Operator.EXISTS,
    "DoesNotExist": selector.Operator.NOT_EXISTS,
    "Gt": selector.Operator.GREATER,
    "Lt": selector.Operator.LESS,
}


def suits(pod: Object, node: Object) -> bool:
    """Whether a node has the labels and fields that a pod asks for."""
    spec = pod.get("spec") or {}
    meta = node.get("metadata") or {}
    labels = meta.get("labels") or {}
    wanted = spec.get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    fields = {"metadata.name": str(meta.get("name", ""))}
    return any(_holds(term, labels, fields) for term in objects(required, "nodeSelectorTerms"))


def _holds(term: Object, labels: Mapping[str, str], fields: Mapping[str, str]) -> bool:
    """Whether one term holds; a term that asks for nothing matches nothing, as in Kubernetes."""
    expressions = objects(term, "matchExpressions")
    by_field = objects(term, "matchFields")
    if not expressions and not by_field:
        return False
    return all(_requirement(one).matches(labels) for one in expressions) and all(
        _requirement(one).matches(fields) for one in by_field
    )


def _requirement(expression: Object) -> selector.Requirement:
    return selector.Requirement(
        key=str(expression.get("key", "")),
        operator=_OPERATORS.get(str(expression.get("operator")), selector.Operator.NOT_EXISTS),
        values=frozenset(expression.get("values") or ()),
    )
