"""The rules of metadata when objects are made and changed (`ValidateObjectMeta...`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from staticlet.apiserver.resources.kind import Object
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import errors, metadata, peek

_AT = ("metadata",)
_FIXED = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
_DELETION = ("deletionTimestamp", "deletionGracePeriodSeconds")
IMMUTABLE = "field is immutable"


def begin(meta: Object) -> None:
    """Drop from new metadata what only a deletion sets, and what is no longer used."""
    for name in (*_DELETION, "selfLink"):
        meta.pop(name, None)


def carry(meta: Object, old: Object) -> None:
    """Fill in what an update need not name, and undo what it has no say in."""
    meta.pop("selfLink", None)
    for name in ("uid", "namespace", "name", "generateName", "deletionGracePeriodSeconds"):
        if not meta.get(name) and name in old:
            meta[name] = old[name]
    for name in ("creationTimestamp", "deletionTimestamp"):
        if name in old:
            meta[name] = old[name]


def check(meta: Object, naming: metadata.Naming, *, namespaced: bool) -> errors.Errors:
    """What is wrong with the metadata of a new object."""
    yield from metadata.check(meta, _AT, naming=naming)
    if namespaced and not peek.text(meta, "namespace"):
        yield errors.required((*_AT, "namespace"))
    if not namespaced and peek.text(meta, "namespace"):
        yield errors.forbidden((*_AT, "namespace"), "not allowed on this type")


def check_change(meta: Object, old: Object) -> errors.Errors:
    """What is wrong with a change of metadata."""
    yield from _finalizers(meta, old)
    if (peek.number(meta, "generation") or 0) < (peek.number(old, "generation") or 0):
        value = peek.number(meta, "generation") or 0
        yield errors.invalid((*_AT, "generation"), value, "must not be decremented")
    for name in _FIXED:
        if meta.get(name) != old.get(name):
            yield errors.invalid((*_AT, name), meta.get(name), IMMUTABLE)
    yield from metadata.check_rest(meta, _AT)


def _finalizers(meta: Object, old: Object) -> errors.Errors:
    if not peek.text(old, "deletionTimestamp"):
        return
    known = peek.texts(old, "finalizers")
    new = sorted({name for name in peek.texts(meta, "finalizers") if name not in known})
    if new:
        listed = ", ".join(f'"{name}"' for name in new)
        detail = (
            "no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{listed}}}"
        )
        yield errors.forbidden((*_AT, "finalizers"), detail)


def once(found: Iterable[FieldError]) -> Sequence[FieldError]:
    """Each error once, in the order of the first."""
    seen: list[FieldError] = []
    for error in found:
        if error not in seen:
            seen.append(error)
    return seen


def same(new: Any, old: Any) -> bool:
    """Whether two values are the same to Go: absent, empty and null are one."""
    return (new or None) == (old or None)
