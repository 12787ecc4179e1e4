"""Fields of one word or number: policies, deadlines, and names of other objects."""

from __future__ import annotations

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import errors, peek

RESTART_POLICIES = ("Always", "OnFailure", "Never")
_LARGEST_DEADLINE_S = 2**31 - 1
_SUBDOMAINS = ("serviceAccountName", "nodeName")
_CLASSES = ("priorityClassName", "runtimeClassName")


def restart(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The pod's `restartPolicy`."""
    policy = peek.text(spec, "restartPolicy")
    yield from errors.one_of((*path, "restartPolicy"), policy, RESTART_POLICIES)


def names_and_deadline(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The service account, the node and `activeDeadlineSeconds`.

    A negative `terminationGracePeriodSeconds` is no error: Kubernetes takes it as one second.
    """
    yield from _subdomains(spec, path, _SUBDOMAINS)
    deadline = peek.number(spec, "activeDeadlineSeconds")
    if deadline is not None:
        messages = names.in_range(deadline, 1, _LARGEST_DEADLINE_S)
        yield from errors.each((*path, "activeDeadlineSeconds"), deadline, messages)


def classes(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """Priority class, runtime class and preemption policy."""
    yield from _subdomains(spec, path, _CLASSES)
    policy = peek.text(spec, "preemptionPolicy")
    allowed = ("PreemptLowerPriority", "Never")
    yield from errors.one_of((*path, "preemptionPolicy"), policy, allowed)


def resource_claims(claims: tuple[peek.Object, ...], path: fieldpath.Path) -> errors.Errors:
    """The pod's `resourceClaims`: a name each, and exactly one thing it stands for."""
    seen: set[str] = set()
    sources = ("resourceClaimName", "resourceClaimTemplateName")
    for index, claim in enumerate(claims):
        at, name = (*path, index), peek.text(claim, "name")
        if not name:
            yield errors.required((*at, "name"))
        elif name in seen:
            yield errors.duplicate((*at, "name"), name)
        else:
            yield from errors.each((*at, "name"), name, names.dns_label(name))
        seen.add(name)
        given = [source for source in sources if peek.has(claim, source)]
        if len(given) == len(sources):
            detail = (
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` "
                "may be specified"
            )
            yield errors.invalid(at, dict(claim), detail)
        if not given:
            detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            yield errors.invalid(at, dict(claim), detail)
        yield from _subdomains(claim, at, tuple(given))


def _subdomains(
    holder: peek.Object, path: fieldpath.Path, fields: tuple[str, ...]
) -> errors.Errors:
    for field in fields:
        if name := peek.text(holder, field):
            yield from errors.each((*path, field), name, names.dns_subdomain(name))
