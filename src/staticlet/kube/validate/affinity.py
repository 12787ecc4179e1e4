"""Affinity to nodes and to pods."""

from __future__ import annotations

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import errors, labels, peek

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_NEEDS_SELECTOR = "must not be specified when labelSelector is not set"


def check(affinity: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The field `affinity`."""
    nodes = peek.child(affinity, "nodeAffinity")
    yield from _node_affinity(nodes, (*path, "nodeAffinity"))
    for field in ("podAffinity", "podAntiAffinity"):
        yield from _pod_affinity(peek.child(affinity, field), (*path, field))


def match_label_keys(
    keys: tuple[str, ...], path: fieldpath.Path, selector: peek.Object | None
) -> errors.Errors:
    """Keys whose values the pod's own labels give: the selector may not name them too.

    Args:
        keys: The list `matchLabelKeys`.
        path: Where it stands.
        selector: The label selector beside it; None when there is none.
    """
    if not keys:
        return
    if selector is None:
        yield errors.forbidden(path, _NEEDS_SELECTOR)
        selector = {}
    expressions = peek.objects(selector, "matchExpressions")
    selected = {
        *peek.text_map(selector, "matchLabels"),
        *(peek.text(expression, "key") for expression in expressions),
    }
    for index, key in enumerate(keys):
        yield from labels.key_name(key, (*path, index))
        if key in selected:
            detail = "exists in both matchLabelKeys and labelSelector"
            yield errors.invalid((*path, index), key, detail)


def _node_affinity(nodes: peek.Object, path: fieldpath.Path) -> errors.Errors:
    if peek.has(nodes, _REQUIRED):
        at = (*path, _REQUIRED, "nodeSelectorTerms")
        terms = peek.objects(peek.child(nodes, _REQUIRED), "nodeSelectorTerms")
        if not terms:
            yield errors.required(at, "must have at least one node selector term")
        for index, term in enumerate(terms):
            yield from _node_term(term, (*at, index), check_values=True)
    for index, preferred in enumerate(peek.objects(nodes, _PREFERRED)):
        at = (*path, _PREFERRED, index)
        yield from _weight(preferred, at)
        term = peek.child(preferred, "preference")
        # A preference that no node can meet harms nobody, so Kubernetes lets it stand.
        yield from _node_term(term, (*at, "preference"), check_values=False)


def _node_term(term: peek.Object, path: fieldpath.Path, *, check_values: bool) -> errors.Errors:
    for index, expression in enumerate(peek.objects(term, "matchExpressions")):
        at = (*path, "matchExpressions", index)
        yield from labels.operator_and_values(expression, at, comparing=True)
        yield from labels.key_name(peek.text(expression, "key"), (*at, "key"))
        for position, value in enumerate(peek.texts(expression, "values")):
            if check_values:
                yield from errors.each((*at, "values", position), value, names.label_value(value))
    for index, expression in enumerate(peek.objects(term, "matchFields")):
        yield from _node_field(expression, (*path, "matchFields", index))


def _node_field(expression: peek.Object, path: fieldpath.Path) -> errors.Errors:
    operator, values = peek.text(expression, "operator"), peek.texts(expression, "values")
    if operator not in ("In", "NotIn"):
        yield errors.invalid((*path, "operator"), operator, "not a valid selector operator")
    elif len(values) != 1:
        detail = (
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        )
        yield errors.required((*path, "values"), detail)
    key = peek.text(expression, "key")
    if key != "metadata.name":
        yield errors.invalid((*path, "key"), key, "not a valid field selector key")
        return
    for index, value in enumerate(values):
        yield from errors.each((*path, "values", index), value, names.dns_subdomain(value))


def _pod_affinity(pods: peek.Object, path: fieldpath.Path) -> errors.Errors:
    for index, term in enumerate(peek.objects(pods, _REQUIRED)):
        yield from _pod_term(term, (*path, _REQUIRED, index))
    for index, preferred in enumerate(peek.objects(pods, _PREFERRED)):
        at = (*path, _PREFERRED, index)
        yield from _weight(preferred, at)
        yield from _pod_term(peek.child(preferred, "podAffinityTerm"), (*at, "podAffinityTerm"))


def _pod_term(term: peek.Object, path: fieldpath.Path) -> errors.Errors:
    for field in ("labelSelector", "namespaceSelector"):
        yield from labels.selector(peek.child(term, field), (*path, field))
    for index, namespace in enumerate(peek.texts(term, "namespaces")):
        messages = names.dns_label(namespace)
        yield from errors.each((*path, "namespaces", index), namespace, messages)
    selector = peek.child(term, "labelSelector") if peek.has(term, "labelSelector") else None
    matching = peek.texts(term, "matchLabelKeys")
    mismatching = peek.texts(term, "mismatchLabelKeys")
    for field, keys in (("matchLabelKeys", matching), ("mismatchLabelKeys", mismatching)):
        if keys and selector is None:
            yield errors.forbidden((*path, field), _NEEDS_SELECTOR)
            continue
        for index, key in enumerate(keys):
            yield from labels.key_name(key, (*path, field, index))
    for index, key in enumerate(matching):
        if key in mismatching:
            detail = "exists in both matchLabelKeys and mismatchLabelKeys"
            yield errors.invalid((*path, "matchLabelKeys", index), key, detail)
    topology = peek.text(term, "topologyKey")
    if not topology:
        yield errors.required((*path, "topologyKey"), "can not be empty")
    yield from labels.key_name(topology, (*path, "topologyKey"))


def _weight(preferred: peek.Object, path: fieldpath.Path) -> errors.Errors:
    weight = peek.number(preferred, "weight") or 0
    if not 1 <= weight <= 100:
        yield errors.invalid((*path, "weight"), weight, "must be in the range 1-100")
