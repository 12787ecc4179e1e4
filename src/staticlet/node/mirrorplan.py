"""What a mirror pod needs next. Pure.

Follows `tryReconcileMirrorPods` and the clean-up of orphans, with the departures that users ask
for: a mirror that was deleted comes back at once however it was deleted, one that was edited is
put right, and neither waits for anything that pods of the API need.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staticlet.kube import core
from staticlet.node import mirrorpod
from staticlet.pods.sources import apipods

Object = Mapping[str, Any]


class Act(enum.Enum):
    """What is done to a mirror."""

    NOTHING = "nothing"
    CREATE = "create"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of one name.

    Attributes:
        static: The static pod as it is served, or wanted where nothing is served yet; None when
            there is none.
        served: Whether it is as it is served: its status is true. Before the runtime was looked at
            nobody knows, and what the API has of it is the best there is.
        leaving: Whether it is only being stopped: its manifest is gone.
        found: The object of that name in the API; None when there is none.
        created: What must stay of the mirror as it was created; None where that is not known.
        settled: Whether all manifests are known: before, nobody is an orphan.
        node_uid: The uid of the own Node; empty while there is none, or while it goes.
    """

    static: core.Pod | None
    served: bool
    leaving: bool
    found: Object | None
    created: Object | None
    settled: bool
    node_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to do next with one mirror.

    Attributes:
        act: What.
        why: The reason, in words.
        uid: Of the mirror that is deleted: another one of the same name is spared.
        edited: Whether somebody's edit is undone: done again and again, that is a fight.
        blocked: Whether something is in the way of a mirror, which people must hear of.
    """

    act: Act
    why: str = ""
    uid: str = ""
    edited: bool = False
    blocked: bool = False


_NOTHING = Step(act=Act.NOTHING)


def step(now: Situation) -> Step:
    """The next step for one name."""
    if now.found is None:
        return _absent(now)
    blocked = now.static is not None and not now.leaving
    if not mirrorpod.is_mirror(now.found):
        why = _in_the_way(now.found) if blocked else ""
        return Step(act=Act.NOTHING, why=why, blocked=blocked)
    if apipods.is_kept(now.found):
        why = _finalizers(now.found) if blocked else ""
        return Step(act=Act.NOTHING, why=why, blocked=blocked)
    if now.static is None:
        orphan = "there is no static pod of its name"
        return _delete(now.found, orphan) if now.settled else _NOTHING
    if now.leaving:
        return _NOTHING  # it tells of the pod until that has ended
    if apipods.is_going(now.found):
        return _delete(now.found, "somebody deletes it")
    if not mirrorpod.mirrors(now.found, now.static):
        return _delete(now.found, "the manifest has changed")
    edit = mirrorpod.drift(now.found, now.static, created=now.created, node_uid=now.node_uid)
    return _delete(now.found, edit, edited=True) if edit else _NOTHING


def _in_the_way(found: Object) -> str:
    """What to do about a pod of the API that has the name; the agent deletes nobody's pods."""
    key = apipods.key_of(found)
    delete = f"kubectl delete pod -n {key.namespace} {key.name}"
    if apipods.has_ended(found):
        return f"a pod of the API has its name, which has ended and stays until: {delete}"
    return f"a pod of the API has its name: rename one of them, or: {delete}"


def _finalizers(found: Object) -> str:
    names = ", ".join(apipods.finalizers(found))
    return f"the one that was deleted is kept by finalizers, which must be removed: {names}"


def _absent(now: Situation) -> Step:
    if now.static is None or now.leaving or not now.node_uid:
        return _NOTHING
    return Step(act=Act.CREATE, why="it is not there")


def _delete(found: Object, why: str, *, edited: bool = False) -> Step:
    return Step(act=Act.DELETE, why=why, uid=apipods.uid_of(found), edited=edited)
