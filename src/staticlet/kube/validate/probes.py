"""Probes and lifecycle hooks: what a container is asked, and what runs beside its life."""

from __future__ import annotations

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import errors, peek

_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")
_SCHEMES = ("HTTP", "HTTPS")
_NUMBERS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)


def check(container: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The three probes of a container that may have probes."""
    for field in ("livenessProbe", "readinessProbe", "startupProbe"):
        if not peek.has(container, field):
            continue
        probe, at = peek.child(container, field), (*path, field)
        yield from _probe(probe, at)
        successes = peek.number(probe, "successThreshold")
        grace = peek.number(probe, "terminationGracePeriodSeconds")
        if field != "readinessProbe":
            if successes not in (None, 1):
                yield errors.invalid((*at, "successThreshold"), successes, "must be 1")
        elif grace is not None:
            detail = "must not be set for readinessProbes"
            yield errors.invalid((*at, "terminationGracePeriodSeconds"), grace, detail)


def hooks(container: peek.Object, path: fieldpath.Path, grace_s: int | None) -> errors.Errors:
    """The lifecycle hooks of a container; a sleep must end within the pod's grace period."""
    lifecycle = peek.child(container, "lifecycle")
    for field in ("postStart", "preStop"):
        if peek.has(lifecycle, field):
            at = (*path, "lifecycle", field)
            yield from _handler(peek.child(lifecycle, field), at, _HOOK_HANDLERS, grace_s)


def _probe(probe: peek.Object, path: fieldpath.Path) -> errors.Errors:
    yield from _handler(probe, path, _PROBE_HANDLERS, None)
    for field in _NUMBERS:
        yield from errors.not_negative((*path, field), peek.number(probe, field))
    grace = peek.number(probe, "terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        at = (*path, "terminationGracePeriodSeconds")
        yield errors.invalid(at, grace, "must be greater than 0")


def _handler(
    holder: peek.Object, path: fieldpath.Path, kinds: tuple[str, ...], grace_s: int | None
) -> errors.Errors:
    given = [kind for kind in kinds if peek.has(holder, kind)]
    if not given:
        yield errors.required(path, "must specify a handler type")
        return
    first, *others = given
    yield from _action(first, peek.child(holder, first), (*path, first), grace_s)
    for other in others:
        yield errors.forbidden((*path, other), "may not specify more than 1 handler type")


def _action(
    kind: str, action: peek.Object, path: fieldpath.Path, grace_s: int | None
) -> errors.Errors:
    match kind:
        case "exec":
            if not peek.texts(action, "command"):
                yield errors.required((*path, "command"))
        case "httpGet":
            yield from _http_get(action, path)
        case "sleep":
            seconds = peek.number(action, "seconds") or 0
            if grace_s is not None and not 0 <= seconds <= grace_s:
                limit = f"terminationGracePeriodSeconds ({grace_s})"
                detail = f"must be non-negative and less than {limit}"
                yield errors.invalid(path, seconds, detail)
        case _:
            yield from _port(action, (*path, "port"))


def _http_get(action: peek.Object, path: fieldpath.Path) -> errors.Errors:
    yield from _port(action, (*path, "port"))
    yield from errors.one_of((*path, "scheme"), peek.text(action, "scheme"), _SCHEMES)
    for index, header in enumerate(peek.objects(action, "httpHeaders")):
        name = peek.text(header, "name")
        at = (*path, "httpHeaders", index, "name")
        yield from errors.each(at, name, names.header_name(name))


def _port(action: peek.Object, path: fieldpath.Path) -> errors.Errors:
    if isinstance(named := action.get("port"), str):
        yield from errors.each(path, named, names.port_name(named))
        return
    number = peek.number(action, "port") or 0
    yield from errors.each(path, number, names.port_number(number))
