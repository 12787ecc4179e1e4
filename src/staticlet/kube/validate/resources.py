"""Requests and limits: which resources may be named, how much of them, and what must agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from staticlet.kube import fieldpath, names, quantity
from staticlet.kube.fieldpath import Key
from staticlet.kube.validate import errors, peek, quantities

_CONTAINER_RESOURCES = ("cpu", "ephemeral-storage", "memory")
_POD_RESOURCES = ("cpu", "hugepages-", "memory")
_COUNTED = (
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
)
_STANDARD = {
    *_CONTAINER_RESOURCES,
    *_COUNTED,
    *(f"{kind}.{name}" for kind in ("limits", "requests") for name in _CONTAINER_RESOURCES),
    "storage",
    "requests.storage",
}


def check(
    requirements: peek.Object,
    path: fieldpath.Path,
    claims: Iterable[str],
    *,
    of_pod: bool = False,
) -> errors.Errors:
    """The resource requirements of a container, or of a pod as a whole.

    Args:
        requirements: `limits`, `requests` and `claims`.
        path: Where they stand.
        claims: The names in the pod's `resourceClaims`.
        of_pod: Whether they are the pod's own, where fewer resources may be named.
    """
    limits, requests = peek.child(requirements, "limits"), peek.child(requirements, "requests")
    for field, amounts in (("limits", limits), ("requests", requests)):
        for name, value in _entries(amounts):
            at = (*path, field, Key(name))
            yield from _pod_name(name, at) if of_pod else _container_name(name, at)
            yield from _amount(name, value, at)
            if field == "requests":
                yield from _against_limit(name, value, limits, path)
    named = {*limits, *requests}
    if any(map(_is_huge_page, named)) and not named & {"cpu", "memory"}:
        yield errors.forbidden(path, "HugePages require cpu or memory")
    if of_pod:
        if peek.has(requirements, "claims"):
            detail = "claims cannot be set for Resources at pod-level"
            yield errors.forbidden((*path, "claims"), detail)
    else:
        chosen = peek.objects(requirements, "claims")
        yield from _claims(chosen, (*path, "claims"), set(claims))


def overhead(amounts: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """What running the pod takes beyond its containers."""
    for name, value in _entries(amounts):
        yield from _container_name(name, (*path, Key(name)))
        yield from _amount(name, value, (*path, Key(name)))


def resize_policy(
    policies: tuple[peek.Object, ...], path: fieldpath.Path, restart_policy: str
) -> errors.Errors:
    """What a resize of a running container does to it, per resource."""
    seen: set[str] = set()
    for index, policy in enumerate(policies):
        at = (*path, index)
        name, restart = peek.text(policy, "resourceName"), peek.text(policy, "restartPolicy")
        if name in seen:
            yield errors.duplicate(at, name)
        seen.add(name)
        for field, value, allowed in (
            ("resourceName", name, ("cpu", "memory")),
            ("restartPolicy", restart, ("NotRequired", "RestartContainer")),
        ):
            if not value:
                yield errors.required((*at, field))
            yield from errors.one_of((*at, field), value, allowed)
        if restart_policy == "Never" and restart != "NotRequired":
            detail = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            yield errors.invalid((*at, "restartPolicy"), restart, detail)


def _entries(amounts: peek.Object) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in amounts.items() if isinstance(name, str))


def _is_huge_page(name: object) -> bool:
    return isinstance(name, str) and name.startswith("hugepages-")


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _is_extended(name: str) -> bool:
    if _is_native(name) or name.startswith("requests."):
        return False
    return not names.qualified_name(f"requests.{name}")


def _may_overcommit(name: str) -> bool:
    return _is_native(name) and not _is_huge_page(name)


def _standard_name(name: str, path: fieldpath.Path) -> errors.Errors:
    messages = names.qualified_name(name)
    yield from errors.each(path, name, messages)
    known = name in _STANDARD or name.removeprefix("requests.").startswith("hugepages-")
    if not messages and "/" not in name and not known:
        yield errors.invalid(path, name, "must be a standard resource type or fully qualified")


def _container_name(name: str, path: fieldpath.Path) -> errors.Errors:
    yield from _standard_name(name, path)
    if "/" not in name:
        if name not in _CONTAINER_RESOURCES and not _is_huge_page(name):
            yield errors.invalid(path, name, "must be a standard resource for containers")
    elif not _is_native(name) and not _is_extended(name):
        yield errors.invalid(path, name, "doesn't follow extended resource name standard")


def _pod_name(name: str, path: fieldpath.Path) -> errors.Errors:
    problems = list(_standard_name(name, path))
    yield from problems
    if not problems and name not in _POD_RESOURCES and not _is_huge_page(name):
        yield errors.unsupported(path, name, _POD_RESOURCES)


def _amount(name: str, value: Any, path: fieldpath.Path) -> errors.Errors:
    yield from quantities.readable(value, path)
    amount = quantities.read(value)
    if amount is None:
        return
    written = amount.canonical()
    if amount.sign < 0:
        yield errors.invalid(path, written, errors.NOT_NEGATIVE)
    if (name in _COUNTED or _is_extended(name)) and amount.milli() % 1000:
        yield errors.invalid(path, written, "must be an integer")
    if _is_huge_page(name) and not _whole_pages(name, amount):
        detail = f"{written} is not positive integer multiple of {name}"
        yield errors.invalid(path, written, detail)


def _whole_pages(name: str, amount: quantity.Quantity) -> bool:
    size = quantities.read(name.removeprefix("hugepages-"))
    if size is None or size.sign <= 0 or size.amount.denominator != 1:
        return False
    return amount.value() % size.value() == 0


def _against_limit(
    name: str, value: Any, limits: peek.Object, path: fieldpath.Path
) -> errors.Errors:
    request, limit = quantities.read(value), quantities.read(limits.get(name))
    if request is None:
        return
    if name not in limits:
        if not _may_overcommit(name):
            detail = "Limit must be set for non overcommitable resources"
            yield errors.required((*path, "limits"), detail)
        return
    if limit is None:
        return
    at = (*path, "requests")
    if request != limit and not _may_overcommit(name):
        detail = f"must be equal to {name} limit of {limit}"
        yield errors.invalid(at, request.canonical(), detail)
    elif request > limit:
        detail = f"must be less than or equal to {name} limit of {limit}"
        yield errors.invalid(at, request.canonical(), detail)


def _claims(
    chosen: tuple[peek.Object, ...], path: fieldpath.Path, known: set[str]
) -> errors.Errors:
    whole: set[str] = set()
    parts: set[tuple[str, str]] = set()
    for index, claim in enumerate(chosen):
        at, name, request = (*path, index), peek.text(claim, "name"), peek.text(claim, "request")
        if not name:
            yield errors.required(at)
            continue
        if request:
            yield from errors.each((*at, "request"), request, names.dns_label(request))
        if name in whole or (not request and any(name == part for part, _ in parts)):
            yield errors.duplicate(at, name)
        elif (name, request) in parts:
            yield errors.duplicate(at, f"{name}/{request}")
        if request:
            parts.add((name, request))
        else:
            whole.add(name)
        if name not in known:
            listed = f": {', '.join(sorted(known))}" if known else " which is empty"
            detail = f"must be one of the names in pod.spec.resourceClaims{listed}"
            yield errors.not_found(at, name, detail)
