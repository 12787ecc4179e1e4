"""Volumes made of files that the agent writes: secrets, config maps, downward API, projections."""

from __future__ import annotations

from staticlet.kube import fieldpath
from staticlet.kube.validate import downward, errors, labels, paths, peek

_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_LARGEST_MODE = 0o777
_SHORTEST_TOKEN_S = 10 * 60
_LONGEST_TOKEN_S = 2**32
_CLASHING = "conflicting duplicate paths"


def check(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A `projected` volume: several sources whose files share one directory."""
    yield from _mode(source, "defaultMode", path)
    files: set[str] = set()
    for index, projection in enumerate(peek.objects(source, "sources")):
        at = (*path, "sources", index)
        given = [kind for kind in _PROJECTIONS if peek.has(projection, kind)]
        for kind in given:
            part = peek.child(projection, kind)
            yield from _PROJECTIONS[kind](part, (*at, kind))
            yield from _clashes(kind, part, (*at, kind), files)
        if len(given) > 1:
            detail = "may not specify more than 1 volume type per source"
            yield errors.forbidden(at, detail)


def named_files(source: peek.Object, path: fieldpath.Path, *, name_field: str) -> errors.Errors:
    """A secret or config map as files.

    Args:
        source: The volume source.
        path: Where it stands.
        name_field: The field with the object's name, which differs between the two.
    """
    if not peek.text(source, name_field):
        yield errors.required((*path, name_field))
    yield from _mode(source, "defaultMode", path)
    for index, item in enumerate(peek.objects(source, "items")):
        at = (*path, "items", index)
        if not peek.text(item, "key"):
            yield errors.required((*at, "key"))
        yield from _file(item, at)


def downward_api(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """A `downwardAPI` volume or projection: files that tell of the pod itself."""
    yield from _mode(source, "defaultMode", path)
    for index, item in enumerate(peek.objects(source, "items")):
        yield from _downward_file(item, (*path, "items", index))


def _downward_file(item: peek.Object, path: fieldpath.Path) -> errors.Errors:
    yield from _file(item, path)
    field, resource = peek.has(item, "fieldRef"), peek.has(item, "resourceFieldRef")
    if field:
        ref = peek.child(item, "fieldRef")
        yield from downward.field_ref(ref, (*path, "fieldRef"), downward.VOLUME_FIELDS)
        if resource:
            detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
            yield errors.invalid(path, "resource", detail)
    elif resource:
        ref = peek.child(item, "resourceFieldRef")
        yield from downward.resource_ref(ref, (*path, "resourceFieldRef"), in_volume=True)
    else:
        yield errors.required(path, "one of fieldRef and resourceFieldRef is required")


def _file(item: peek.Object, path: fieldpath.Path) -> errors.Errors:
    target = peek.text(item, "path")
    if not target:
        yield errors.required((*path, "path"))
    yield from paths.not_reserved(target, (*path, "path"))
    yield from _mode(item, "mode", path)


def _mode(holder: peek.Object, field: str, path: fieldpath.Path) -> errors.Errors:
    mode = peek.number(holder, field)
    if mode is not None and not 0 <= mode <= _LARGEST_MODE:
        yield errors.invalid((*path, field), mode, _MODE)


def _object(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    yield from named_files(source, path, name_field="name")


def _token(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    at, seconds = (*path, "expirationSeconds"), peek.number(source, "expirationSeconds")
    if seconds is not None and seconds < _SHORTEST_TOKEN_S:
        yield errors.invalid(at, seconds, "may not specify a duration less than 10 minutes")
    if seconds is not None and seconds > _LONGEST_TOKEN_S:
        yield errors.invalid(at, seconds, "may not specify a duration larger than 2^32 seconds")
    yield from _one_path(source, path)


def _trust_bundle(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    by_name, by_signer = peek.has(source, "name"), peek.has(source, "signerName")
    if by_name and by_signer:
        detail = "only one of name and signerName may be used"
        yield errors.invalid(path, dict(source), detail)
    elif by_name:
        if not peek.text(source, "name"):
            yield errors.required((*path, "name"), "must be a valid object name")
        if peek.has(source, "labelSelector"):
            detail = "labelSelector must be unset if name is specified"
            yield errors.invalid((*path, "labelSelector"), source["labelSelector"], detail)
    elif by_signer:
        if not peek.text(source, "signerName"):
            yield errors.required((*path, "signerName"), "must be a valid signer name")
        chosen = peek.child(source, "labelSelector")
        yield from labels.selector(chosen, (*path, "labelSelector"))
    else:
        yield errors.required(path, "either name or signerName must be specified")
    yield from _one_path(source, path)


def _certificate(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    for field in ("signerName", "keyType"):
        if not peek.text(source, field):
            yield errors.required((*path, field))
    for field in ("credentialBundlePath", "keyPath", "certificateChainPath"):
        yield from paths.not_reserved(peek.text(source, field), (*path, field))


def _one_path(source: peek.Object, path: fieldpath.Path) -> errors.Errors:
    target = peek.text(source, "path")
    if not target:
        yield errors.required((*path, "path"))
    yield from paths.not_reserved(target, (*path, "path"))


def _clashes(
    kind: str, source: peek.Object, path: fieldpath.Path, files: set[str]
) -> errors.Errors:
    """Two projected files of one name; remembers the names in `files`."""
    items = tuple(enumerate(peek.objects(source, "items")))
    written: list[tuple[fieldpath.Path, str]] = [
        ((*path, "items", index, "path"), peek.text(item, "path")) for index, item in items
    ]
    if kind == "clusterTrustBundle":
        written.append(((*path, "path"), peek.text(source, "path")))
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
