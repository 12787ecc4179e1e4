"""A pod as it is created: everything the API server checks before it accepts one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staticlet.kube import fieldpath
from staticlet.kube.fieldpath import Key
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import (
    affinity,
    containers,
    dns,
    errors,
    labels,
    metadata,
    peek,
    pod_resources,
    policies,
    ports,
    profiles,
    resources,
    scheduling,
    security,
    volumes,
    windows,
)

_META: fieldpath.Path = ("metadata",)
_SPEC: fieldpath.Path = ("spec",)


def check(raw: Mapping[str, Any]) -> list[FieldError]:
    """Everything wrong with a pod, in the API server's order and words (`ValidatePodCreate`).

    Args:
        raw: The pod after defaulting, as plain data. It is not changed.

    Returns:
        The errors; none for a good pod. Any data at all gives a list, never an exception.
    """
    meta, spec = peek.child(raw, "metadata"), peek.child(raw, "spec")
    return [*check_any(raw), *_on_create(meta, spec)]


def check_any(raw: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with a pod whatever its age (`validatePodMetadataAndSpec`).

    Args:
        raw: The pod after defaulting, as plain data. It is not changed.
    """
    meta, spec = peek.child(raw, "metadata"), peek.child(raw, "spec")
    return [
        *metadata.check(meta, _META),
        *_special_annotations(meta, spec),
        *_spec(spec, _SPEC, peek.text(meta, "name")),
        *_tokens_need_an_account(spec, _SPEC),
        *containers.image_padding(spec, _SPEC),
    ]


def _special_annotations(meta: peek.Object, spec: peek.Object) -> errors.Errors:
    notes, path = peek.text_map(meta, "annotations"), (*_META, "annotations")
    if metadata.MIRROR_ANNOTATION in notes and not peek.text(spec, "nodeName"):
        detail = "must set spec.nodeName if mirror pod annotation is set"
        at = (*path, Key(metadata.MIRROR_ANNOTATION))
        yield errors.invalid(at, notes[metadata.MIRROR_ANNOTATION], detail)
    known = (peek.text(container, "name") for _, container in containers.each(spec, _SPEC))
    yield from profiles.check_annotations(notes, path, known)


def _spec(spec: peek.Object, path: fieldpath.Path, pod_name: str) -> errors.Errors:
    claims = peek.objects(spec, "resourceClaims")
    around = _surroundings(spec)
    yield from volumes.check(peek.objects(spec, "volumes"), (*path, "volumes"), pod_name)
    yield from policies.resource_claims(claims, (*path, "resourceClaims"))
    yield from containers.check(spec, path, around)
    if peek.has(spec, "resources"):
        yield from pod_resources.check(spec, path)
    if peek.flag(spec, "hostNetwork"):
        yield from ports.host_network(containers.each(spec, path, ("containers",)))
    yield from policies.restart(spec, path)
    yield from dns.policy(spec, path)
    yield from labels.check(peek.text_map(spec, "nodeSelector"), (*path, "nodeSelector"))
    yield from security.check_pod(spec, path)
    yield from affinity.check(peek.child(spec, "affinity"), (*path, "affinity"))
    yield from dns.config(spec, path)
    yield from _scheduling(spec, path)
    every = tuple(containers.each(spec, path))
    yield from windows.host_process(spec, path, every)
    yield from security.host_users(spec, path)
    yield from policies.names_and_deadline(spec, path)
    yield from dns.host_name(spec, path)
    yield from scheduling.tolerations(peek.objects(spec, "tolerations"), (*path, "tolerations"))
    yield from dns.host_aliases(peek.objects(spec, "hostAliases"), (*path, "hostAliases"))
    yield from policies.classes(spec, path)
    yield from resources.overhead(peek.child(spec, "overhead"), (*path, "overhead"))
    yield from windows.operating_system(spec, path, every)
    yield from dns.host_name_override(spec, path)


def _surroundings(spec: peek.Object) -> containers.Surroundings:
    claims = (peek.text(claim, "name") for claim in peek.objects(spec, "resourceClaims"))
    return containers.Surroundings(
        volumes=volumes.by_name(peek.objects(spec, "volumes")),
        claims=frozenset(name for name in claims if name),
        grace_s=peek.number(spec, "terminationGracePeriodSeconds"),
        restart_policy=peek.text(spec, "restartPolicy"),
        host_users=peek.flag(spec, "hostUsers") is not False,
    )


def _scheduling(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    conditions = peek.objects(spec, "readinessGates")
    yield from scheduling.readiness_gates(conditions, (*path, "readinessGates"))
    gates = peek.objects(spec, "schedulingGates")
    yield from scheduling.gates(gates, (*path, "schedulingGates"))
    spread = peek.objects(spec, "topologySpreadConstraints")
    yield from scheduling.topology_spread(spread, (*path, "topologySpreadConstraints"))


def _tokens_need_an_account(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    if peek.text(spec, "serviceAccountName"):
        return
    for index, volume in enumerate(peek.objects(spec, "volumes")):
        sources = peek.objects(peek.child(volume, "projected"), "sources")
        for position, source in enumerate(sources):
            if peek.has(source, "serviceAccountToken"):
                at = (*path, "volumes", index, "projected", "sources", position)
                detail = "must not be specified when serviceAccountName is not set"
                yield errors.forbidden((*at, "serviceAccountToken"), detail)


def _on_create(meta: peek.Object, spec: peek.Object) -> errors.Errors:
    if peek.objects(spec, "ephemeralContainers"):
        yield errors.forbidden((*_SPEC, "ephemeralContainers"), "cannot be set on create")
    if peek.text(spec, "nodeName") and peek.objects(spec, "schedulingGates"):
        detail = "cannot be set until all schedulingGates have been cleared"
        yield errors.forbidden((*_SPEC, "nodeName"), detail)
    if peek.text(peek.child(spec, "os"), "name") == "windows":
        return
    notes = peek.text_map(meta, "annotations")
    context = peek.child(spec, "securityContext")
    yield from profiles.agreement(notes, context, containers.each(spec, _SPEC), _SPEC)
