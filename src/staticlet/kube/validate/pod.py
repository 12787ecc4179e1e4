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
    pod_resources,
    policies,
    ports,
    profiles,
    resources,
    scheduling,
    security,
    shape,
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
    meta, spec = shape.child(raw, "metadata"), shape.child(raw, "spec")
    return [
        *metadata.check(meta, _META),
        *_special_annotations(meta, spec),
        *_spec(spec, _SPEC, shape.text(meta, "name")),
        *_tokens_need_an_account(spec, _SPEC),
        *containers.image_padding(spec, _SPEC),
        *_on_create(meta, spec),
    ]


def _special_annotations(meta: shape.Object, spec: shape.Object) -> errors.Errors:
    notes, path = shape.text_map(meta, "annotations"), (*_META, "annotations")
    if metadata.MIRROR_ANNOTATION in notes and not shape.text(spec, "nodeName"):
        detail = "must set spec.nodeName if mirror pod annotation is set"
        at = (*path, Key(metadata.MIRROR_ANNOTATION))
        yield errors.invalid(at, notes[metadata.MIRROR_ANNOTATION], detail)
    known = (shape.text(container, "name") for _, container in containers.each(spec, _SPEC))
    yield from profiles.check_annotations(notes, path, known)


def _spec(spec: shape.Object, path: fieldpath.Path, pod_name: str) -> errors.Errors:
    claims = shape.objects(spec, "resourceClaims")
    around = _surroundings(spec)
    yield from volumes.check(shape.objects(spec, "volumes"), (*path, "volumes"), pod_name)
    yield from policies.resource_claims(claims, (*path, "resourceClaims"))
    yield from containers.check(spec, path, around)
    if shape.has(spec, "resources"):
        yield from pod_resources.check(spec, path)
    if shape.flag(spec, "hostNetwork"):
        yield from ports.host_network(containers.each(spec, path, ("containers",)))
    yield from policies.restart(spec, path)
    yield from dns.policy(spec, path)
    yield from labels.check(shape.text_map(spec, "nodeSelector"), (*path, "nodeSelector"))
    yield from security.check_pod(spec, path)
    yield from affinity.check(shape.child(spec, "affinity"), (*path, "affinity"))
    yield from dns.config(spec, path)
    yield from _scheduling(spec, path)
    every = tuple(containers.each(spec, path))
    yield from windows.host_process(spec, path, every)
    yield from security.host_users(spec, path)
    yield from policies.names_and_deadline(spec, path)
    yield from dns.host_name(spec, path)
    yield from scheduling.tolerations(shape.objects(spec, "tolerations"), (*path, "tolerations"))
    yield from dns.host_aliases(shape.objects(spec, "hostAliases"), (*path, "hostAliases"))
    yield from policies.classes(spec, path)
    yield from resources.overhead(shape.child(spec, "overhead"), (*path, "overhead"))
    yield from windows.operating_system(spec, path, every)
    yield from dns.host_name_override(spec, path)


def _surroundings(spec: shape.Object) -> containers.Surroundings:
    claims = (shape.text(claim, "name") for claim in shape.objects(spec, "resourceClaims"))
    return containers.Surroundings(
        volumes=volumes.by_name(shape.objects(spec, "volumes")),
        claims=frozenset(name for name in claims if name),
        grace_s=shape.number(spec, "terminationGracePeriodSeconds"),
        restart_policy=shape.text(spec, "restartPolicy"),
        host_users=shape.flag(spec, "hostUsers") is not False,
    )


def _scheduling(spec: shape.Object, path: fieldpath.Path) -> errors.Errors:
    conditions = shape.objects(spec, "readinessGates")
    yield from scheduling.readiness_gates(conditions, (*path, "readinessGates"))
    gates = shape.objects(spec, "schedulingGates")
    yield from scheduling.gates(gates, (*path, "schedulingGates"))
    spread = shape.objects(spec, "topologySpreadConstraints")
    yield from scheduling.topology_spread(spread, (*path, "topologySpreadConstraints"))


def _tokens_need_an_account(spec: shape.Object, path: fieldpath.Path) -> errors.Errors:
    if shape.text(spec, "serviceAccountName"):
        return
    for index, volume in enumerate(shape.objects(spec, "volumes")):
        sources = shape.objects(shape.child(volume, "projected"), "sources")
        for position, source in enumerate(sources):
            if shape.has(source, "serviceAccountToken"):
                at = (*path, "volumes", index, "projected", "sources", position)
                detail = "must not be specified when serviceAccountName is not set"
                yield errors.forbidden((*at, "serviceAccountToken"), detail)


def _on_create(meta: shape.Object, spec: shape.Object) -> errors.Errors:
    if shape.objects(spec, "ephemeralContainers"):
        yield errors.forbidden((*_SPEC, "ephemeralContainers"), "cannot be set on create")
    if shape.text(spec, "nodeName") and shape.objects(spec, "schedulingGates"):
        detail = "cannot be set until all schedulingGates have been cleared"
        yield errors.forbidden((*_SPEC, "nodeName"), detail)
    if shape.text(shape.child(spec, "os"), "name") == "windows":
        return
    notes = shape.text_map(meta, "annotations")
    context = shape.child(spec, "securityContext")
    yield from profiles.agreement(notes, context, containers.each(spec, _SPEC), _SPEC)
