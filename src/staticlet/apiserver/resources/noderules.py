"""The rules of nodes (`ValidateNode`, `ValidateNodeUpdate`)."""

from __future__ import annotations

import ipaddress

from staticlet.apiserver.resources.kind import Object
from staticlet.kube import names, quantity
from staticlet.kube.fieldpath import Key, Path
from staticlet.kube.finding import FieldError, Kind
from staticlet.kube.validate import errors, labels, peek

_SPEC: Path = ("spec",)
_STATUS: Path = ("status",)
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_CHANGEABLE = ("taints", "unschedulable", "podCIDR", "podCIDRs", "providerID", "configSource")
_NETWORKS_OF_A_NODE = 2


def check(node: Object) -> errors.Errors:
    """What is wrong with a node, whatever its age."""
    spec = peek.child(node, "spec")
    yield from _taints(peek.objects(spec, "taints"), (*_SPEC, "taints"))
    yield from _networks(peek.texts(spec, "podCIDRs"), (*_SPEC, "podCIDRs"))


def _taints(taints: tuple[peek.Object, ...], path: Path) -> errors.Errors:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        at = (*path, index)
        key, value, effect = (peek.text(taint, name) for name in ("key", "value", "effect"))
        yield from labels.key_name(key, (*at, "key"))
        if wrong := names.label_value(value):
            yield errors.invalid((*at, "value"), value, ";".join(wrong))
        if not effect:
            yield errors.required((*at, "effect"))
        yield from errors.one_of((*at, "effect"), effect, _EFFECTS)
        if (key, effect) in seen:
            detail = "taints must be unique by key and effect pair"
            yield FieldError(Kind.DUPLICATE, at, dict(taint), detail)
        seen.add((key, effect))


def _networks(networks: tuple[str, ...], path: Path) -> errors.Errors:
    families = []
    for index, network in enumerate(networks):
        try:
            families.append(ipaddress.ip_network(network).version)
        except ValueError:
            detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
            yield errors.invalid((*path, index), network, detail)
    if len(networks) > _NETWORKS_OF_A_NODE or len(set(families)) < len(families):
        detail = "may specify no more than one CIDR for each IP family"
        yield errors.invalid(path, list(networks), detail)


def check_change(new: Object, old: Object) -> errors.Errors:
    """What may not be changed in a node."""
    after, before = peek.child(new, "spec"), peek.child(old, "spec")
    yield from _status(peek.child(new, "status"))
    known = peek.texts(before, "podCIDRs")
    if known and known != peek.texts(after, "podCIDRs"):
        detail = 'node updates may not change podCIDR except from "" to valid'
        yield errors.forbidden((*_SPEC, "podCIDRs"), detail)
    provider = peek.text(before, "providerID")
    if provider and provider != peek.text(after, "providerID"):
        detail = 'node updates may not change providerID except from "" to valid'
        yield errors.forbidden((*_SPEC, "providerID"), detail)
    for name in dict.fromkeys((*before, *after)):
        if name not in _CHANGEABLE and (before.get(name) or None) != (after.get(name) or None):
            detail = "node updates may only change labels, taints, or capacity"
            yield errors.forbidden((), detail)
            return


def _status(status: peek.Object) -> errors.Errors:
    for field in ("capacity", "allocatable"):
        for name, text in peek.text_map(status, field).items():
            at = (*_STATUS, field, Key(name))
            try:
                amount = quantity.parse(text)
            except quantity.InvalidQuantityError:
                continue  # reported by the check of the shape
            if amount.sign < 0:
                yield errors.invalid(at, text, errors.NOT_NEGATIVE)
    addresses = [
        (peek.text(one, "type"), peek.text(one, "address"))
        for one in peek.objects(status, "addresses")
    ]
    for index, (type_, address) in enumerate(addresses):
        if (type_, address) in addresses[:index]:
            shown = {"type": type_, "address": address}
            yield errors.duplicate((*_STATUS, "addresses", index), shown)
