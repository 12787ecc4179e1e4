"""What becomes of an object because of its owners, and of what it owns. Pure.

The rules are those of kube-controller-manager's garbage collector (`attemptToDeleteItem`,
`processDeletingDependentsItem`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeAlias

from staticlet.apiserver.verbs import cascade
from staticlet.kube.plain import objects

Object: TypeAlias = Mapping[str, Any]
"""Here: the metadata of an object, or a reference in it."""


class Owner(Enum):
    """What an owner is to what it owns."""

    SOLID = auto()
    """It is there, and nobody waits for anything."""
    ABSENT = auto()
    WAITING = auto()
    """It is going, and waits for what it owns to go first."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the object, with this propagation policy."""

    policy: str


@dataclass(frozen=True, slots=True)
class Disown:
    """Take the owners with these uids off the object."""

    uids: Collection[str]


@dataclass(frozen=True, slots=True)
class Unblock:
    """Let none of its owners wait for the object any more, then delete it in the foreground."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """Take this finalizer off the object."""

    finalizer: str


@dataclass(frozen=True, slots=True)
class Release:
    """Take the object off the owners of all that it owns; then take its finalizer off."""


Act: TypeAlias = Delete | Disown | Unblock | LetGo | Release


def state(owner: Object | None, uid: str) -> Owner:
    """What an owner is.

    Args:
        owner: Its metadata; None where it is not there.
        uid: The uid by which it is known as an owner.
    """
    if owner is None or owner.get("uid") != uid:
        return Owner.ABSENT
    return Owner.WAITING if waits_for_dependents(owner) else Owner.SOLID


def waits_for_dependents(meta: Object) -> bool:
    """Whether an object is going, in the foreground."""
    return "deletionTimestamp" in meta and cascade.FOREGROUND in _finalizers(meta)


def act(
    meta: Object, look: Callable[[Object], Owner], owned: Callable[[], Sequence[Object]]
) -> Act | None:
    """What to do about an object; None for nothing.

    Args:
        meta: Its metadata.
        look: Tells what an owner is, by the reference to it.
        owned: The metadata of what has it as an owner.
    """
    if "deletionTimestamp" in meta:
        return _going(meta, owned)
    owners = {str(one.get("uid")): look(one) for one in objects(meta, "ownerReferences")}
    if not owners:
        return None
    lost = [uid for uid, one in owners.items() if one is not Owner.SOLID]
    if len(lost) < len(owners):
        return Disown(lost) if lost else None
    if Owner.WAITING in owners.values() and (dependents := owned()):
        circle = any(waits_for_dependents(one) for one in dependents)
        return Unblock() if circle and _blocks_any(meta) else Delete("Foreground")
    return Delete(_policy(meta))


def _going(meta: Object, owned: Callable[[], Sequence[Object]]) -> Act | None:
    finalizers = _finalizers(meta)
    if cascade.FOREGROUND in finalizers:
        uid = meta.get("uid")
        held = any(_blocks(one, uid) for other in owned() for one in _owners(other))
        return None if held else LetGo(cascade.FOREGROUND)
    return Release() if cascade.ORPHAN in finalizers else None


def _policy(meta: Object) -> str:
    """How to delete an object that has no owner any more: as its finalizers ask for."""
    finalizers = _finalizers(meta)
    if cascade.ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if cascade.FOREGROUND in finalizers else "Background"


def without(meta: Object, uids: Collection[str]) -> list[Object]:
    """The owners of an object, but for some."""
    return [one for one in _owners(meta) if one.get("uid") not in uids]


def unblocked(meta: Object) -> list[Object]:
    """The owners of an object, none of which waits for it."""
    return [{**one, "blockOwnerDeletion": False} for one in _owners(meta)]


def _blocks_any(meta: Object) -> bool:
    return any(one.get("blockOwnerDeletion") for one in _owners(meta))


def _blocks(reference: Object, uid: object) -> bool:
    return bool(reference.get("blockOwnerDeletion")) and reference.get("uid") == uid


def _owners(meta: Object) -> Iterable[Object]:
    return objects(meta, "ownerReferences")


def _finalizers(meta: Object) -> Sequence[str]:
    found: Sequence[str] = meta.get("finalizers") or ()
    return found
