"""Where the object of a request is, and in which form: keys, versions, names. Pure."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Key, Record
from staticlet.kube import refusal

_OTHER_NAMESPACE = (
    "the namespace of the provided object does not match the namespace sent on the request"
)


def namespace(kind: Kind, call: calls.Call) -> str:
    """The namespace of a request; empty for kinds that have none, and for all."""
    return call.target.namespace if kind.namespaced else ""


def key(kind: Kind, call: calls.Call, name: str = "") -> Key:
    """The key of the object that a request names, or of another in the same place."""
    return Key(kind.key_resource, namespace(kind, call), name or call.target.name)


def shown(kind: Kind, record: Record) -> Object:
    """The stored object, fresh, in the kind's version."""
    return unsettle(kind, record.object())


def settle(kind: Kind, obj: Object) -> None:
    """Bring an object from the kind's version into the form in which it is stored, in place."""
    if kind.to_stored is not None:
        kind.to_stored(obj)


def unsettle(kind: Kind, obj: Object) -> Object:
    """The other way round."""
    if kind.from_stored is not None:
        kind.from_stored(obj)
    return obj


def fill_namespace(kind: Kind, call: calls.Call, obj: Object) -> None:
    """Give a new object the namespace of the request.

    Raises:
        refusal.Refusal: 400, it names another.
    """
    meta = obj["metadata"]
    wanted = namespace(kind, call)
    given = meta.get("namespace", "")
    if given and given != wanted:
        raise refusal.bad_request(_OTHER_NAMESPACE)
    if wanted:
        meta["namespace"] = wanted
    else:
        meta.pop("namespace", None)


def check_name(call: calls.Call, obj: Object) -> None:
    """See that an object is the one that the request names.

    Raises:
        refusal.Refusal: 400, it is not.
    """
    name, given = call.target.name, obj["metadata"].get("name", "")
    if not given:
        raise refusal.bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: "
            "name must be provided"
        )
    if given != name:
        raise refusal.bad_request(
            f"the name of the object ({given}) does not match the name on the URL ({name})"
        )


def missing(kind: Kind, name: str) -> refusal.Refusal:
    """404: no such object."""
    return refusal.not_found(kind.group_resource, name)
