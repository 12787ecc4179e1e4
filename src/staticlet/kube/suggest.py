"""Which field was meant by one that does not exist here.

In this order: the same name in another case, the same name one level further in or out (the usual
slip of indentation), a name that looks alike.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence

from staticlet.kube import fieldpath, shape

_ALIKE = 0.75
_LONGEST = 64
_FIRST = ("containers", "securityContext", "resources", "metadata", "spec")
_EVERYWHERE = frozenset(("name", "kind", "apiVersion", "key", "value", "path", "type", "mode"))


def field(
    name: str, records: Sequence[tuple[shape.Record, int]], path: fieldpath.Path
) -> str | None:
    """What to propose for an unknown field, or None.

    A field of the same record is proposed in quotes, one of another record with its whole path.

    Args:
        name: The unknown name.
        records: The records from the outermost to the one at hand, each with its depth in `path`.
        path: The unknown field's path.
    """
    if len(name) > _LONGEST:
        return None
    here = records[-1][0].fields
    folded = _folded(name)
    for known in here:
        if _folded(known) == folded:
            return f'"{known}"'
    if name not in _EVERYWHERE:
        elsewhere = _inside(name, records, path) or _outside(name, records, path)
        if elsewhere:
            return elsewhere
    alike = difflib.get_close_matches(name, here, n=1, cutoff=_ALIKE)
    return f'"{alike[0]}"' if alike else None


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _inside(
    name: str, records: Sequence[tuple[shape.Record, int]], path: fieldpath.Path
) -> str | None:
    record = records[-1][0]
    for step in _children(record):
        child = record.fields[step]
        inner = child.item if isinstance(child, shape.ListOf) else child
        if isinstance(inner, shape.Record) and name in inner.fields:
            mark = "[]" if isinstance(child, shape.ListOf) else ""
            return f"{fieldpath.render((*path[:-1], step))}{mark}.{name}"
    return None


@functools.cache
def _children(record: shape.Record) -> tuple[str, ...]:
    """The fields to look into, those first that people write most."""
    names = [name for name, each in record.fields.items() if _is_record(each)]
    return tuple(sorted(names, key=lambda name: name not in _FIRST))


def _is_record(each: shape.Shape) -> bool:
    inner = each.item if isinstance(each, shape.ListOf) else each
    return isinstance(inner, shape.Record)


def _outside(
    name: str, records: Sequence[tuple[shape.Record, int]], path: fieldpath.Path
) -> str | None:
    for record, depth in reversed(records[:-1]):
        if name in record.fields:
            return fieldpath.render((*path[:depth], name))
        for step in _children(record):
            sibling = record.fields[step]
            if isinstance(sibling, shape.Record) and name in sibling.fields:
                return fieldpath.render((*path[:depth], step, name))
    return None
