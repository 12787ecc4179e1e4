"""Seccomp and AppArmor profiles: the fields, and the annotations they once were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from staticlet.kube import fieldpath, names
from staticlet.kube.fieldpath import Key
from staticlet.kube.validate import errors, paths, peek

_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_LONGEST_PROFILE = 4095
_LOCALHOST = "localhost/"
_SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_APPARMOR_CONTAINER = "container.apparmor.security.beta.kubernetes.io/"
_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "seccomp": {
        "Unconfined": ("unconfined",),
        "RuntimeDefault": ("runtime/default", "docker/default"),
    },
    "apparmor": {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default",)},
}


def seccomp(context: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The field `seccompProfile` of a security context."""
    if not peek.has(context, "seccompProfile"):
        return
    profile, path = peek.child(context, "seccompProfile"), (*path, "seccompProfile")
    kind = peek.text(profile, "type")
    if not kind:
        yield errors.required((*path, "type"), "type is required when seccompProfile is set")
    yield from errors.one_of((*path, "type"), kind, _TYPES)
    at, named = (*path, "localhostProfile"), peek.has(profile, "localhostProfile")
    if kind == "Localhost":
        if not named:
            yield errors.required(at, "must be set when seccomp type is Localhost")
        yield from paths.descending(peek.text(profile, "localhostProfile"), at)
    elif named:
        name = peek.text(profile, "localhostProfile")
        yield errors.invalid(at, name, "can only be set when seccomp type is Localhost")


def app_armor(context: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The field `appArmorProfile` of a security context."""
    if not peek.has(context, "appArmorProfile"):
        return
    profile, path = peek.child(context, "appArmorProfile"), (*path, "appArmorProfile")
    kind, name = peek.text(profile, "type"), peek.text(profile, "localhostProfile")
    at = (*path, "localhostProfile")
    if not kind:
        yield errors.required((*path, "type"), "type is required when appArmorProfile is set")
    yield from errors.one_of((*path, "type"), kind, _TYPES)
    if kind == "Localhost":
        if name != name.strip():
            yield errors.invalid(at, name, "must not be padded with whitespace")
        elif not name:
            yield errors.required(at, "must be set when AppArmor type is Localhost")
        if names.byte_length(name) > _LONGEST_PROFILE:
            yield errors.too_long(at, _LONGEST_PROFILE)
    elif kind in _TYPES and peek.has(profile, "localhostProfile"):
        yield errors.invalid(at, name, "can only be set when AppArmor type is Localhost")


def check_annotations(
    notes: Mapping[str, str], path: fieldpath.Path, containers: Iterable[str]
) -> errors.Errors:
    """The deprecated annotations by themselves."""
    known = set(containers)
    for key, profile in notes.items():
        at = (*path, Key(key))
        if key == _SECCOMP_POD or key.startswith(_SECCOMP_CONTAINER):
            yield from _seccomp_annotation(profile, at)
        elif key.startswith(_APPARMOR_CONTAINER):
            name = key.removeprefix(_APPARMOR_CONTAINER)
            if name not in known:
                yield errors.invalid(at, name, "container not found")
            good = profile in ("", "runtime/default", "unconfined")
            if not good and not profile.startswith(_LOCALHOST):
                detail = f'invalid AppArmor profile name: "{profile}"'
                yield errors.invalid(at, profile, detail)


def agreement(
    notes: Mapping[str, str],
    pod_context: peek.Object,
    containers: Iterable[tuple[fieldpath.Path, peek.Object]],
    path: fieldpath.Path,
) -> errors.Errors:
    """Where an annotation and a field say the same thing, they must agree.

    Args:
        notes: The pod's annotations.
        pod_context: The pod's security context.
        containers: Every container with its path.
        path: The path of the pod's spec.
    """
    at = (*path, "securityContext", "seccompProfile")
    if _SECCOMP_POD in notes and peek.has(pod_context, "seccompProfile"):
        profile = peek.child(pod_context, "seccompProfile")
        yield from _agree("seccomp", notes[_SECCOMP_POD], profile, at)
    for container_path, container in containers:
        context = peek.child(container, "securityContext")
        name, at = peek.text(container, "name"), (*container_path, "securityContext")
        note = notes.get(f"{_SECCOMP_CONTAINER}{name}")
        if note is not None and peek.has(context, "seccompProfile"):
            profile = peek.child(context, "seccompProfile")
            yield from _agree("seccomp", note, profile, (*at, "seccompProfile"))
        note = notes.get(f"{_APPARMOR_CONTAINER}{name}")
        own = context if peek.has(context, "appArmorProfile") else pod_context
        if note is not None and peek.has(own, "appArmorProfile"):
            profile = peek.child(own, "appArmorProfile")
            yield from _agree("apparmor", note, profile, (*at, "appArmorProfile"))


def _seccomp_annotation(profile: str, path: fieldpath.Path) -> errors.Errors:
    if profile.startswith(_LOCALHOST):
        yield from paths.descending(profile.removeprefix(_LOCALHOST), path)
    elif profile not in ("runtime/default", "docker/default", "unconfined"):
        yield errors.invalid(path, profile, "must be a valid seccomp profile")


def _agree(system: str, note: str, profile: peek.Object, path: fieldpath.Path) -> errors.Errors:
    kind = peek.text(profile, "type")
    if kind == "Localhost" and note.startswith(_LOCALHOST):
        if note.removeprefix(_LOCALHOST) != peek.text(profile, "localhostProfile"):
            detail = f"{system} profile in annotation and field must match"
            yield errors.forbidden((*path, "localhostProfile"), detail)
    elif kind in _TYPES and note not in _WORDS[system].get(kind, ()):
        detail = f"{system} type in annotation and field must match"
        yield errors.forbidden((*path, "type"), detail)
