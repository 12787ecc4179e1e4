"""Who manages which fields: kept up with every write."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.kube import plain
from staticlet.kube.patch import managed


def begin(call: calls.Call, kind: Kind, new: Object) -> None:
    """Let the client manage what it sends, and its defaults; before anything else is added to it.

    What admission adds belongs to nobody, so that a later apply does not take it away.

    Args:
        call: The request, with its manager.
        kind: The object's kind.
        new: The object, with its defaults; changed in place.
    """
    apart = {one.name for one in kind.subresources} & {"status"}
    sent = {name: value for name, value in new.items() if name not in apart}
    note(call, kind, sent, None)


def note(call: calls.Call, kind: Kind, new: Object, old: Object | None) -> None:
    """Bring the managed fields of an object up to date, as the last thing before it is stored.

    Not for what server-side apply made: that brings its own. They name the fields of the version
    in which the object is written, which may be another than it is stored in.

    Args:
        call: The request, with its manager.
        kind: The object's kind.
        new: The object as it will be; changed in place.
        old: The object as it is; None when it is new.
    """
    meta = new["metadata"]
    fields = managed.updated(
        kind.struct,
        None if old is None else _written(kind, old),
        _written(kind, new),
        manager=call.manager or "unknown",
        now=call.now,
        api_version=kind.api_version,
        subresource=call.target.subresource,
    )
    if fields:
        meta["managedFields"] = fields
    else:
        meta.pop("managedFields", None)


def _written(kind: Kind, obj: Object) -> Object:
    """An object in the version in which it is written."""
    if kind.from_stored is None:
        return obj
    written: Object = plain.copied(obj)
    kind.from_stored(written)
    return written
