"""What a scheduler reads: node selector, tolerations, topology spread, gates, readiness gates."""

from __future__ import annotations

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import affinity, errors, labels, peek

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_ACTIONS = ("DoNotSchedule", "ScheduleAnyway")


def tolerations(given: tuple[peek.Object, ...], path: fieldpath.Path) -> errors.Errors:
    """The taints that the pod puts up with."""
    for index, toleration in enumerate(given):
        at = (*path, index)
        key, operator, value, effect = (
            peek.text(toleration, field) for field in ("key", "operator", "value", "effect")
        )
        if key:
            yield from labels.key_name(key, (*at, "key"))
        elif operator != "Exists":
            detail = (
                "operator must be Exists when `key` is empty, "
                'which means "match all values and all keys"'
            )
            yield errors.invalid((*at, "operator"), operator, detail)
        if peek.has(toleration, "tolerationSeconds") and effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield errors.invalid((*at, "effect"), effect, detail)
        yield from _operator(operator, value, (*at, "operator"))
        yield from errors.one_of((*at, "effect"), effect, _EFFECTS)


def _operator(operator: str, value: str, path: fieldpath.Path) -> errors.Errors:
    if operator in ("", "Equal"):
        if messages := names.label_value(value):
            yield errors.invalid(path, value, ";".join(messages))
    elif operator == "Exists":
        if value:
            detail = "value must be empty when `operator` is 'Exists'"
            yield errors.invalid(path, value, detail)
    else:
        yield errors.unsupported(path, operator, ("Equal", "Exists"))


def topology_spread(given: tuple[peek.Object, ...], path: fieldpath.Path) -> errors.Errors:
    """How pods are to be spread over nodes."""
    kinds = [_spread_kind(constraint) for constraint in given]
    for index, constraint in enumerate(given):
        at, action = (*path, index), peek.text(constraint, "whenUnsatisfiable")
        skew = peek.number(constraint, "maxSkew") or 0
        if skew <= 0:
            yield errors.invalid((*at, "maxSkew"), skew, errors.POSITIVE)
        if not peek.text(constraint, "topologyKey"):
            yield errors.required((*at, "topologyKey"), "can not be empty")
        if action not in _ACTIONS:
            yield errors.unsupported((*at, "whenUnsatisfiable"), action, _ACTIONS)
        if kinds[index] in kinds[index + 1 :]:
            shown = f"{{{', '.join(kinds[index])}}}"
            yield errors.duplicate((*at, "{topologyKey, whenUnsatisfiable}"), shown)
        yield from _min_domains(constraint, at, action)
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            policy = peek.text(constraint, field)
            yield from errors.one_of((*at, field), policy, ("Honor", "Ignore"))
        chosen = peek.child(constraint, "labelSelector")
        given_selector = chosen if peek.has(constraint, "labelSelector") else None
        keys = peek.texts(constraint, "matchLabelKeys")
        keys_path = (*at, "matchLabelKeys")
        yield from affinity.match_label_keys(keys, keys_path, given_selector)
        yield from labels.selector(chosen, (*at, "labelSelector"))


def _spread_kind(constraint: peek.Object) -> tuple[str, str]:
    return peek.text(constraint, "topologyKey"), peek.text(constraint, "whenUnsatisfiable")


def _min_domains(constraint: peek.Object, path: fieldpath.Path, action: str) -> errors.Errors:
    count, at = peek.number(constraint, "minDomains"), (*path, "minDomains")
    if count is None:
        return
    if count <= 0:
        yield errors.invalid(at, count, errors.POSITIVE)
    if action != "DoNotSchedule":
        detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        yield errors.invalid(at, count, detail)


def gates(given: tuple[peek.Object, ...], path: fieldpath.Path) -> errors.Errors:
    """Scheduling gates: qualified names, each once."""
    seen: set[str] = set()
    for index, gate in enumerate(given):
        name = peek.text(gate, "name")
        yield from errors.each((*path, index), name, names.qualified_name(name))
        if name in seen:
            yield errors.duplicate((*path, index), name)
        seen.add(name)


def readiness_gates(given: tuple[peek.Object, ...], path: fieldpath.Path) -> errors.Errors:
    """Conditions beyond the containers' own that make the pod ready."""
    for index, gate in enumerate(given):
        condition = peek.text(gate, "conditionType")
        at = (*path, index, "conditionType")
        yield from errors.each(at, condition, names.qualified_name(condition))
