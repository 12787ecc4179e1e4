"""The last step of every write: into the store, or for a dry run nowhere."""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import (
    Decide,
    Decision,
    Keep,
    Key,
    Put,
    Record,
    Remove,
    WriteFailed,
)
from staticlet.apiserver.verbs import place
from staticlet.apiserver.verbs.answers import One
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal
from staticlet.kube.finding import FieldError

_ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


_LEFT_OUT = ("generateName", "labels", "annotations", "ownerReferences", "finalizers")
"""What is not written when it is empty."""


async def save(backend: Backend, call: calls.Call, kind: Kind, key: Key, decide: Decide) -> One:
    """Do what `decide` decides about the object as it is; objects are in their stored form.

    Returns:
        The object as it is afterwards; after a removal, as it was last.

    Raises:
        refusal.Refusal: What `decide` raises; 507 or 500 when the disk does not take it.
    """
    if call.dry_run:
        return _tried(kind, backend.store.get(key), decide)
    try:
        record = await backend.store.write(key, lambda there: _ordered(decide(there)))
    except WriteFailed as error:
        raise _failed(error) from error
    if record is None:
        raise place.missing(kind, key.name)
    return One(kind=kind, record=record)


def tidy(meta: Object) -> None:
    """Drop metadata that says nothing, as Kubernetes does: no labels are no `labels`."""
    for name in _LEFT_OUT:
        if name in meta and not meta[name]:
            del meta[name]


def _ordered(decision: Decision) -> Decision:
    """The decision, with the object's metadata in Kubernetes' order."""
    if not isinstance(decision, Keep):
        meta = decision.object["metadata"]
        order = {name: meta[name] for name in _ORDER if name in meta}
        decision.object["metadata"] = order | meta
    return decision


def _tried(kind: Kind, there: Record | None, decide: Decide) -> One:
    """What the write would answer."""
    match _ordered(decide(there)):
        case Put(obj) | Remove(obj):
            return One(kind=kind, object=place.unsettle(kind, obj))
        case Keep() if there is not None:
            return One(kind=kind, record=there)
        case _:
            raise refusal.internal("nothing to answer with")


def _failed(error: WriteFailed) -> refusal.Refusal:
    message = f"cannot store the object: {error}"
    if error.full:
        return refusal.Refusal(507, "InsufficientStorage", message)
    return refusal.internal(message)


def sound(kind: Kind, obj: Object, found: Sequence[FieldError]) -> None:
    """Refuse an object in which something was found.

    Raises:
        refusal.Refusal: 422, with what was found as its causes.
    """
    if found:
        name = obj["metadata"].get("name", "")
        raise refusal.invalid(kind.group, kind.kind, name, found)
