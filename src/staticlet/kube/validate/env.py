"""Environment variables: `env` and `envFrom`."""

from __future__ import annotations

from collections.abc import Mapping

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import downward, errors, paths, peek

_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_TOO_MANY = "may not have more than one field specified at a time"


def check(
    variables: tuple[peek.Object, ...],
    path: fieldpath.Path,
    volumes: Mapping[str, peek.Object],
) -> errors.Errors:
    """The list `env`.

    Args:
        variables: The variables.
        path: Where the list stands.
        volumes: The pod's volumes by name, which `fileKeyRef` refers to.
    """
    for index, variable in enumerate(variables):
        at = (*path, index)
        if name := peek.text(variable, "name"):
            yield from errors.each((*at, "name"), name, names.env_name(name))
        else:
            yield errors.required((*at, "name"))
        if peek.has(variable, "valueFrom"):
            yield from _value_from(variable, (*at, "valueFrom"), volumes)


def check_from(sources: tuple[peek.Object, ...], path: fieldpath.Path) -> errors.Errors:
    """The list `envFrom`."""
    for index, source in enumerate(sources):
        at = (*path, index)
        if prefix := peek.text(source, "prefix"):
            yield from errors.each((*at, "prefix"), prefix, names.env_name(prefix))
        named = [kind for kind in ("configMapRef", "secretRef") if peek.has(source, kind)]
        for kind in named:
            yield from _object_name(peek.child(source, kind), (*at, kind))
        if not named:
            yield errors.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(named) > 1:
            yield errors.invalid(at, "", _TOO_MANY)


def _value_from(
    variable: peek.Object, path: fieldpath.Path, volumes: Mapping[str, peek.Object]
) -> errors.Errors:
    source = peek.child(variable, "valueFrom")
    given = [kind for kind in _SOURCES if peek.has(source, kind)]
    for kind in given:
        yield from _source(kind, peek.child(source, kind), (*path, kind), volumes)
    if not given:
        listed = ", ".join(f"`{kind}`" for kind in _SOURCES[:-1])
        detail = f"must specify one of: {listed} or `{_SOURCES[-1]}`"
        yield errors.invalid(path, "", detail)
    elif peek.text(variable, "value"):
        yield errors.invalid(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        yield errors.invalid(path, "", _TOO_MANY)


def _source(
    kind: str, ref: peek.Object, path: fieldpath.Path, volumes: Mapping[str, peek.Object]
) -> errors.Errors:
    match kind:
        case "fieldRef":
            yield from downward.field_ref(ref, path, downward.ENV_FIELDS)
        case "resourceFieldRef":
            yield from downward.resource_ref(ref, path, in_volume=False)
        case "fileKeyRef":
            yield from _file_key(ref, path, volumes)
        case _:
            name, key = peek.text(ref, "name"), peek.text(ref, "key")
            yield from errors.each((*path, "name"), name, names.dns_subdomain(name))
            if not key:
                yield errors.required((*path, "key"))
            else:
                yield from errors.each((*path, "key"), key, names.config_key(key))


def _file_key(
    ref: peek.Object, path: fieldpath.Path, volumes: Mapping[str, peek.Object]
) -> errors.Errors:
    volume, file, key = (peek.text(ref, field) for field in ("volumeName", "path", "key"))
    if not key:
        yield errors.required((*path, "key"))
    else:
        yield from errors.each((*path, "key"), key, names.env_name(key))
    if not volume:
        yield errors.required((*path, "volumeName"))
    elif volume not in volumes:
        yield errors.not_found((*path, "volumeName"), volume)
    elif not peek.has(volumes[volume], "emptyDir"):
        detail = "referenced volume must be of type emptyDir"
        yield errors.invalid((*path, "volumeName"), volume, detail)
    if not file:
        yield errors.required((*path, "path"))
    else:
        yield from paths.descending(file, (*path, "path"))


def _object_name(ref: peek.Object, path: fieldpath.Path) -> errors.Errors:
    if name := peek.text(ref, "name"):
        yield from errors.each((*path, "name"), name, names.dns_subdomain(name))
    else:
        yield errors.required((*path, "name"))
