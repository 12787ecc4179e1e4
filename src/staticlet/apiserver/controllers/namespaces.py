"""Empties namespaces that are going, and lets them go; tells what holds those that stay."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from staticlet.aio import clock
from staticlet.apiserver.controllers import hands, leaving
from staticlet.apiserver.resources import namespaces, pods
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key, Record
from staticlet.kube import refusal

FINALIZER = "kubernetes"
LOOK_S = 1.0
"""How often a namespace that is not empty yet is looked at; pods' ends wake it as well."""

AT_ONCE = 16
"""So many deletions share one wait for the disk; more would keep other requests waiting."""

_NAMESPACES = namespaces.NAMESPACES
_TERMINATING = "Terminating"


class Namespaces:
    """The controller `namespace`.

    Args:
        store: The objects.
        does: Makes the requests.
        contents: The kinds whose objects live in namespaces, each store of objects once.
        time: The clock.
    """

    name = "namespace"
    resources = (_NAMESPACES.key_resource, pods.PODS.key_resource)

    def __init__(
        self,
        store: port.Store,
        does: hands.Hands,
        contents: Sequence[Kind],
        time: clock.Clock,
    ) -> None:
        self._store = store
        self._does = does
        self._contents = contents
        self._time = time

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Delete what is in each terminating namespace; finalize those that are empty.

        Raises:
            refusal.Refusal: The first refusal of a request.
        """
        del changed
        going = [
            record
            for record in self._store.list(_NAMESPACES.key_resource).records
            if record.fields.get("status.phase") == _TERMINATING
        ]
        left = False
        for record in going:
            left |= not await self._empty(record)
        return LOOK_S if left else None

    async def _empty(self, namespace: Record) -> bool:
        """Whether the namespace could be let go."""
        await self._delete(self._staying(namespace))
        left = [(kind, record.object()) for kind, record in self._content(namespace)]
        if left:
            told = leaving.conditions(namespace.object(), left, self._time.now())
            if told is not None:
                status = {"conditions": told}
                await self._does.patch_status(_NAMESPACES, namespace.key, status)
            return False
        obj = namespace.object()
        spec = obj.setdefault("spec", {})
        spec["finalizers"] = [one for one in spec.get("finalizers") or () if one != FINALIZER]
        await self._does.update_below(_NAMESPACES, namespace.key, "finalize", obj)
        return True

    async def _delete(self, objects: Iterator[tuple[Kind, Key, str]]) -> None:
        """Delete objects, some at once.

        Raises:
            refusal.Refusal: The first refusal; those that were begun with it are deleted all the
                same.
        """
        while some := tuple(islice(objects, AT_ONCE)):
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._delete_one(*one), name=f"delete {one[1]}")
                    for one in some
                ]
            for task in tasks:
                refused = task.result()
                if refused is not None:
                    raise refused

    async def _delete_one(self, kind: Kind, key: Key, uid: str) -> refusal.Refusal | None:
        """Delete an object; a refusal is told, so that it does not end the others' deletion."""
        try:
            await self._does.delete(kind, key, uid, policy="Background")
        except refusal.Refusal as fault:
            return fault
        return None

    def _staying(self, namespace: Record) -> Iterator[tuple[Kind, Key, str]]:
        """What is in a namespace and not going yet, with its uid."""
        for kind, record in self._content(namespace):
            meta = record.object()["metadata"]
            if "deletionTimestamp" not in meta:
                yield kind, record.key, meta["uid"]

    def _content(self, namespace: Record) -> Sequence[tuple[Kind, Record]]:
        return [
            (kind, record)
            for kind in self._contents
            for record in self._store.list(kind.key_resource, namespace.key.name).records
        ]
