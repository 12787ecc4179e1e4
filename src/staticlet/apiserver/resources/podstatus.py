"""What may be written into the status of a pod (`ValidatePodStatusUpdate`)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from staticlet.apiserver.resources import objectmeta
from staticlet.apiserver.resources.kind import Object
from staticlet.kube import names
from staticlet.kube.fieldpath import Path
from staticlet.kube.validate import errors, peek

_STATUS: Path = ("status",)


def keep(new: Object, old: Object) -> None:
    """What a status may leave out and does not lose: its class, the generations it has seen."""
    after, before = new.setdefault("status", {}), peek.child(old, "status")
    for name in ("qosClass", "observedGeneration"):
        if not after.get(name) and before.get(name):
            after[name] = before[name]
    seen: dict[str, list[int]] = {}
    for condition in peek.objects(before, "conditions"):
        generation = peek.number(condition, "observedGeneration") or 0
        seen.setdefault(peek.text(condition, "type"), []).append(generation)
    for condition in after.get("conditions") or ():
        earlier = seen.get(condition.get("type", ""))
        generation = earlier.pop(0) if earlier else 0
        if generation and not condition.get("observedGeneration"):
            condition["observedGeneration"] = generation


def check(new: Object, old: Object) -> errors.Errors:
    """What a status may not say, or may not say any more."""
    after, before = peek.child(new, "status"), peek.child(old, "status")
    if not objectmeta.same(after.get("qosClass"), before.get("qosClass")):
        at = (*_STATUS, "qosClass")
        yield errors.invalid(at, after.get("qosClass", ""), objectmeta.IMMUTABLE)
    if name := peek.text(after, "nominatedNodeName"):
        yield from errors.each((*_STATUS, "nominatedNodeName"), name, names.dns_subdomain(name))
    for field in ("observedGeneration",):
        yield from errors.not_negative((*_STATUS, field), peek.number(after, field))
    yield from _conditions(peek.objects(after, "conditions"))
    policy = peek.text(peek.child(old, "spec"), "restartPolicy")
    if policy != "Always":
        for field in ("containerStatuses", "initContainerStatuses"):
            yield from _no_resurrection(
                peek.objects(after, field),
                peek.objects(before, field),
                (*_STATUS, field),
                policy,
            )
    for field in ("podIPs", "hostIPs"):
        addresses = [peek.text(one, "ip") for one in peek.objects(after, field)]
        yield from _addresses(addresses, (*_STATUS, field))


def _conditions(conditions: tuple[peek.Object, ...]) -> errors.Errors:
    for index, condition in enumerate(conditions):
        at = (*_STATUS, "conditions", index, "observedGeneration")
        yield from errors.not_negative(at, peek.number(condition, "observedGeneration"))


def _no_resurrection(
    new: tuple[peek.Object, ...], old: tuple[peek.Object, ...], at: Path, policy: str
) -> errors.Errors:
    ended = {
        peek.text(one, "name"): peek.child(peek.child(one, "state"), "terminated") for one in old
    }
    for index, status in enumerate(new):
        last = ended.get(peek.text(status, "name"))
        failed = bool(last and last.get("exitCode"))
        if not last or (failed and policy == "OnFailure"):
            continue
        if not peek.has(peek.child(status, "state"), "terminated"):
            detail = "may not be transitioned to non-terminated state"
            yield errors.forbidden((*at, index, "state"), detail)


def _addresses(addresses: Sequence[str], at: Path) -> errors.Errors:
    good = True
    for index, address in enumerate(addresses):
        wrong = names.ip_address(address)
        good = good and not wrong
        yield from errors.each((*at, index), address, wrong)
    if not good or len(addresses) < 2:
        return
    for index, address in enumerate(addresses):
        if address in addresses[:index]:
            yield errors.duplicate((*at, index), address)
    families = [ipaddress.ip_address(address).version for address in addresses]
    if len(set(families)) < len(families):
        shown = [{"ip": address} for address in addresses]
        yield errors.invalid(at, shown, "may specify no more than one IP for each IP family")
