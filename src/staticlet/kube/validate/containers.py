"""Containers: regular ones, init containers and sidecars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import env, errors, mounts, peek, ports, probes, resources, security

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_RULE_ACTIONS = ("Restart", "RestartAllContainers")
_MOST_RULES = 20
_MOST_EXIT_CODES = 255
_LISTS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What of the pod a container's rules depend on.

    Attributes:
        volumes: The pod's volumes by name.
        claims: The names in the pod's `resourceClaims`.
        grace_s: Seconds a stop may take; None when the pod does not say.
        restart_policy: The pod's restart policy.
        host_users: Whether the pod shares the host's user namespace.
    """

    volumes: Mapping[str, peek.Object]
    claims: frozenset[str]
    grace_s: int | None
    restart_policy: str
    host_users: bool


def each(
    spec: peek.Object, path: fieldpath.Path, lists: tuple[str, ...] = _LISTS
) -> Iterator[tuple[fieldpath.Path, peek.Object]]:
    """Every container of a pod with its path."""
    for name in lists:
        for index, container in enumerate(peek.objects(spec, name)):
            yield (*path, name, index), container


def check(spec: peek.Object, path: fieldpath.Path, around: Surroundings) -> errors.Errors:
    """The containers and init containers of a pod; names are unique over both."""
    taken: set[str] = set()
    if not peek.objects(spec, "containers"):
        yield errors.required((*path, "containers"))
    for at, container in each(spec, path, ("containers",)):
        yield from _common(container, at, around)
        yield from _unique(container, at, taken)
        yield from probes.hooks(container, at, around.grace_s)
        yield from probes.check(container, at)
    yield from ports.host_conflicts(each(spec, path, ("containers",)))
    for at, container in each(spec, path, ("initContainers",)):
        yield from _common(container, at, around)
        yield from _unique(container, at, taken)
        # Init containers run one by one: only ports within one of them can clash.
        yield from ports.host_conflicts([(at, container)])
        if peek.text(container, "restartPolicy") == "Always":
            yield from probes.hooks(container, at, around.grace_s)
            yield from probes.check(container, at)
        else:
            yield from _only_sidecars(container, at)


def image_padding(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """White space around an image's name, which in a running pod can only be a mistake."""
    for at, container in each(spec, path):
        image = peek.text(container, "image")
        if image != image.strip():
            detail = "must not have leading or trailing whitespace"
            yield errors.invalid((*at, "image"), image, detail)


def _common(container: peek.Object, path: fieldpath.Path, around: Surroundings) -> errors.Errors:
    if name := peek.text(container, "name"):
        yield from errors.each((*path, "name"), name, names.dns_label(name))
    else:
        yield errors.required((*path, "name"))
    if not peek.text(container, "image"):
        yield errors.required((*path, "image"))
    policy = peek.text(container, "terminationMessagePolicy")
    yield from errors.one_of((*path, "terminationMessagePolicy"), policy, _MESSAGE_POLICIES)
    yield from ports.check(peek.objects(container, "ports"), (*path, "ports"))
    variables = peek.objects(container, "env")
    yield from env.check(variables, (*path, "env"), around.volumes)
    yield from env.check_from(peek.objects(container, "envFrom"), (*path, "envFrom"))
    yield from mounts.check(container, (*path, "volumeMounts"), around.volumes)
    yield from mounts.check_devices(container, (*path, "volumeDevices"), around.volumes)
    policy = peek.text(container, "imagePullPolicy")
    yield from errors.one_of((*path, "imagePullPolicy"), policy, _PULL_POLICIES)
    requirements = peek.child(container, "resources")
    yield from resources.check(requirements, (*path, "resources"), around.claims)
    resizes = peek.objects(container, "resizePolicy")
    yield from resources.resize_policy(resizes, (*path, "resizePolicy"), around.restart_policy)
    yield from security.check_container(container, path, host_users=around.host_users)
    yield from _restart(container, path)


def _unique(container: peek.Object, path: fieldpath.Path, taken: set[str]) -> errors.Errors:
    name = peek.text(container, "name")
    if name and name in taken:
        yield errors.duplicate((*path, "name"), name)
    taken.add(name)


def _only_sidecars(container: peek.Object, path: fieldpath.Path) -> errors.Errors:
    for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if peek.has(container, field):
            detail = "may not be set for init containers without restartPolicy=Always"
            yield errors.forbidden((*path, field), detail)


def _restart(container: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A container's own restart policy, and rules by exit code, which need that policy."""
    policy, rules = (
        peek.text(container, "restartPolicy"),
        peek.objects(container, "restartPolicyRules"),
    )
    yield from errors.one_of((*path, "restartPolicy"), policy, _RESTART_POLICIES)
    if rules and not policy:
        detail = "must specify restartPolicy when restart rules are used"
        yield errors.required((*path, "restartPolicy"), detail)
    at = (*path, "restartPolicyRules")
    if len(rules) > _MOST_RULES:
        yield errors.too_many(at, len(rules), _MOST_RULES)
    for index, rule in enumerate(rules):
        action = peek.text(rule, "action")
        if action not in _RULE_ACTIONS:
            yield errors.unsupported((*at, index, "action"), action, _RULE_ACTIONS)
        if not peek.has(rule, "exitCodes"):
            yield errors.required((*at, index, "exitCodes"), "must be specified")
            continue
        codes = peek.child(rule, "exitCodes")
        operator = peek.text(codes, "operator")
        if operator not in ("In", "NotIn"):
            where = (*at, index, "exitCodes", "operator")
            yield errors.unsupported(where, operator, ("In", "NotIn"))
        count = len(peek.numbers(codes, "values"))
        if count > _MOST_EXIT_CODES:
            where = (*at, index, "exitCodes", "values")
            yield errors.too_many(where, count, _MOST_EXIT_CODES)
