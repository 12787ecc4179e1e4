"""Volumes made of files that the agent writes: secrets, config maps, downward API, projections."""

from __future__ import annotations

from staticlet.kube import fieldpath
from staticlet.kube.validate import downward, errors, labels, paths, shape

_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_LARGEST_MODE = 0o777
_SHORTEST_TOKEN_S = 10 * 60
_LONGEST_TOKEN_S = 2**32
_CLASHING = "conflicting duplicate paths"


def check(source: shape.Object, path: fieldpath.Path) -> errors.Errors:
    """A `projected` volume: several sources whose files share one directory."""
    yield from _mode(source, "defaultMode", path)
    files: set[str] = set()
    for index, projection in enumerate(shape.objects(source, "sources")):
        at = (*path, "sources", index)
        given = [kind for kind in _PROJECTIONS if shape.has(projection, kind)]
        for kind in given:
            part = shape.child(projection, kind)
            yield from _PROJECTIONS[kind](part, (*at, kind))
            yield from _clashes(kind, part, (*at, kind), files)
        if len(given) > 1:
            detail = "may not specify more than 1 volume type per source"
            yield errors.forbidden(at, detail)


def named_files(source: shape.Object, path: fieldpath.Path, *, name_field: str) -> errors.Errors:
    """A secret or config map as files.

    Args:
        source: The volume source.
        path: Where it stands.
        name_field: The field with the object's name, which differs between the two.
    """
    if not shape.text(source, name_field):
        yield errors.required((*path, name_field))
    yield from _mode(source, "defaultMode", path)
    for index, item in enumerate(shape.objects(source, "items")):
        at = (*path, "items", index)
        if not shape.text(item, "key"):
            yield errors.required((*at, "key"))
        yield from _file(item, at)


def downward_api(source: shape.Object, path: fieldpath.Path) -> errors.Errors:
    """A `downwardAPI` volume or projection: files that tell of the pod itself."""
    yield from _mode(source, "defaultMode", path)
    for index, item in enumerate(shape.objects(source, "items")):
        yield from _downward_file(item, (*path, "items", index))


def _downward_file(item: shape.Object, path: fieldpath.Path) -> errors.Errors:
    yield from _file(item, path)
    field, resource = shape.has(item, "fieldRef"), shape.has(item, "resourceFieldRef")
    if field:
        ref = shape.child(item, "fieldRef")
        yield from downward.field_ref(ref, (*path, "fieldRef"), downward.VOLUME_FIELDS)
        if resource:
            detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
            yield errors.invalid(path, "resource", detail)
    elif resource:
        ref = shape.child(item, "resourceFieldRef")
        yield from downward.resource_ref(ref, (*path, "resourceFieldRef"), in_volume=True)
    else:
        yield errors.required(path, "one of fieldRef and resourceFieldRef is required")


def _file(item: shape.Object, path: fieldpath.Path) -> errors.Errors:
    target = shape.text(item, "path")
    if not target:
        yield errors.required((*path, "path"))
    yield from paths.not_reserved(target, (*path, "path"))
    yield from _mode(item, "mode", path)


def _mode(holder: shape.Object, field: str, path: fieldpath.Path) -> errors.Errors:
    mode = shape.number(holder, field)
    if mode is not None and not 0 <= mode <= _LARGEST_MODE:
        yield errors.invalid((*path, field), mode, _MODE)


def _object(source: shape.Object, path: fieldpath.Path) -> errors.Errors:
    yield from named_files(source, path, name_field="name")


def _token(source: shape.Object, path: fieldpath.Path) -> errors.Errors:
    at, seconds = (*path, "expirationSeconds"), shape.number(source, "expirationSeconds")
    if seconds is not None and seconds < _SHORTEST_TOKEN_S:
        yield errors.invalid(at, seconds, "may not specify a duration less than 10 minutes")
    if seconds is not None and seconds > _LONGEST_TOKEN_S:
        yield errors.invalid(at, seconds, "may not specify a duration larger than 2^32 seconds")
    yield from _one_path(source, path)


def _trust_bundle(source: shape.Object, path: fieldpath.Path) -> errors.Errors:
    by_name, by_signer = shape.has(source, "name"), shape.has(source, "signerName")
    if by_name and by_signer:
        detail = "only one of name and signerName may be used"
        yield errors.invalid(path, dict(source), detail)
    elif by_name:
        if not shape.text(source, "name"):
            yield errors.required((*path, "name"), "must be a valid object name")
        if shape.has(source, "labelSelector"):
            detail = "labelSelector must be unset if name is specified"
            yield errors.invalid((*path, "labelSelector"), source["labelSelector"], detail)
    elif by_signer:
        if not shape.text(source, "signerName"):
            yield errors.required((*path, "signerName"), "must be a valid signer name")
        chosen = shape.child(source, "labelSelector")
        yield from labels.selector(chosen, (*path, "labelSelector"))
    else:
        yield errors.required(path, "either name or signerName must be specified")
    yield from _one_path(source, path)


def _certificate(source: shape.Object, path: fieldpath.Path) -> errors.Errors:
    for field in ("signerName", "keyType"):
        if not shape.text(source, field):
            yield errors.required((*path, field))
    for field in ("credentialBundlePath", "keyPath", "certificateChainPath"):
        yield from paths.not_reserved(shape.text(source, field), (*path, field))


def _one_path(source: shape.Object, path: fieldpath.Path) -> errors.Errors:
    target = shape.text(source, "path")
    if not target:
        yield errors.required((*path, "path"))
    yield from paths.not_reserved(target, (*path, "path"))


def _clashes(
    kind: str, source: shape.Object, path: fieldpath.Path, files: set[str]
) -> errors.Errors:
    """Two projected files of one name; remembers the names in `files`."""
    items = tuple(enumerate(shape.objects(source, "items")))
    written: list[tuple[fieldpath.Path, str]] = [
        ((*path, "items", index, "path"), shape.text(item, "path")) for index, item in items
    ]
    if kind == "clusterTrustBundle":
        written.append(((*path, "path"), shape.text(source, "path")))
    for at, file in written:
        if file and file in files:
            yield errors.invalid(at, file, _CLASHING)
        files.add(file)


_PROJECTIONS = {
    "secret": _object,
    "configMap": _object,
    "downwardAPI": downward_api,
    "serviceAccountToken": _token,
    "clusterTrustBundle": _trust_bundle,
    "podCertificate": _certificate,
}
