"""Labels and label selectors."""

from __future__ import annotations

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import errors, peek

_WITH_VALUES = ("In", "NotIn")
_WITHOUT_VALUES = ("Exists", "DoesNotExist")


def check(labels: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A map of labels. Kubernetes names the map, not the key, as the field."""
    for key, value in labels.items():
        yield from key_name(key, path)
        yield from errors.each(path, value, names.label_value(value))


def key_name(key: str, path: fieldpath.Path) -> errors.Errors:
    """The key of a label, wherever one is named."""
    yield from errors.each(path, key, names.qualified_name(key))


def selector(selected: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A label selector: exact labels and expressions."""
    yield from check(peek.text_map(selected, "matchLabels"), (*path, "matchLabels"))
    for index, expression in enumerate(peek.objects(selected, "matchExpressions")):
        yield from _requirement(expression, (*path, "matchExpressions", index))


def _requirement(expression: peek.Object, path: fieldpath.Path) -> errors.Errors:
    values = peek.texts(expression, "values")
    yield from operator_and_values(expression, path)
    yield from key_name(peek.text(expression, "key"), (*path, "key"))
    for index, value in enumerate(values):
        yield from errors.each((*path, "values", index), value, names.label_value(value))


def operator_and_values(
    expression: peek.Object, path: fieldpath.Path, *, comparing: bool = False
) -> errors.Errors:
    """Whether an expression's operator is known and has as many values as it takes.

    Args:
        expression: The expression, with `operator` and `values`.
        path: Where it stands.
        comparing: Whether Gt and Lt are operators here, as they are for nodes.
    """
    operator = peek.text(expression, "operator")
    values = peek.texts(expression, "values")
    if operator in _WITH_VALUES:
        if not values:
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            yield errors.required((*path, "values"), detail)
    elif operator in _WITHOUT_VALUES:
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            yield errors.forbidden((*path, "values"), detail)
    elif comparing and operator in ("Gt", "Lt"):
        if len(values) != 1:
            detail = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            yield errors.required((*path, "values"), detail)
    else:
        yield errors.invalid((*path, "operator"), operator, "not a valid selector operator")
