"""What ConfigMaps and Secrets have in common: keys, a limit to the size, immutability."""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.apiserver.resources import objectmeta
from staticlet.apiserver.resources.kind import Object
from staticlet.kube import names
from staticlet.kube.fieldpath import Key
from staticlet.kube.validate import errors, peek

LIMIT = 1024 * 1024
"""How many bytes all values of an object may have together."""


def keys(obj: Object, field: str) -> errors.Errors:
    """The keys of a map: names of files."""
    for key in peek.child(obj, field):
        yield from errors.each((field, Key(key)), key, names.config_key(key))


def decoded_size(text: str) -> int:
    """How many bytes a text in base64 stands for."""
    return len(text) * 3 // 4 - text[-2:].count("=")


def immutable(new: Object, old: Object, fields: Sequence[str]) -> errors.Errors:
    """What has been made immutable stays so, and as it is."""
    if not peek.flag(old, "immutable"):
        return
    detail = "field is immutable when `immutable` is set"
    if not peek.flag(new, "immutable"):
        yield errors.forbidden(("immutable",), detail)
    for field in fields:
        if not objectmeta.same(new.get(field), old.get(field)):
            yield errors.forbidden((field,), detail)


def drop_empty(obj: Object, fields: Sequence[str]) -> None:
    """Leave out maps without entries, and texts without letters, as encoding them does."""
    for field in fields:
        if field in obj and not obj[field]:
            del obj[field]
