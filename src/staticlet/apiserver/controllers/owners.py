"""Deletes objects whose owners are all gone: mirror pods go with their Node."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from staticlet.apiserver.controllers import hands
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key, Record
from staticlet.kube.plain import objects

_MENTIONS = b'"ownerReferences"'


class Owners:
    """The controller `garbagecollector`.

    An owner of a kind that this server does not know is taken for alive: nobody here can tell.

    Args:
        store: The objects.
        does: Makes the requests.
        kinds: Every kind that is stored, each store of objects once.
    """

    name = "garbagecollector"

    def __init__(self, store: port.Store, does: hands.Hands, kinds: Iterable[Kind]) -> None:
        self._store = store
        self._does = does
        self._by_resource = {kind.key_resource: kind for kind in kinds}
        self._by_name = {(kind.group, kind.kind): kind for kind in self._by_resource.values()}
        self._owned: dict[Key, None] = {}

    @property
    def resources(self) -> Collection[str]:
        """Anything may own something."""
        return self._by_resource

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Note who has owners; when anything has gone, look at all of those."""
        gone = False
        fresh = []
        for key in changed:
            record = self._store.get(key)
            if record is None:
                gone = True
                self._owned.pop(key, None)
            elif _MENTIONS in record.encoded:
                self._owned[key] = None
                fresh.append(key)
            else:
                self._owned.pop(key, None)
        for key in [*self._owned] if gone else fresh:
            record = self._store.get(key)
            if record is not None:
                await self._look(record)
        return None

    async def _look(self, record: Record) -> None:
        meta = record.object()["metadata"]
        owners = objects(meta, "ownerReferences")
        if "deletionTimestamp" in meta or not owners:
            return
        if not any(self._alive(owner, record.key.namespace) for owner in owners):
            kind = self._by_resource[record.key.resource]
            grace_s = 0 if kind.kind == "Pod" and _is_of_a_node(owners) else None
            await self._does.delete(kind, record.key, meta["uid"], grace_s=grace_s)

    def _alive(self, owner: Mapping[str, Any], namespace: str) -> bool:
        group, _, _ = str(owner.get("apiVersion", "")).rpartition("/")
        kind = self._by_name.get((group, str(owner.get("kind"))))
        if kind is None:
            return True
        at = namespace if kind.namespaced else ""
        found = self._store.get(Key(kind.key_resource, at, str(owner.get("name"))))
        return found is not None and found.object()["metadata"].get("uid") == owner.get("uid")


def _is_of_a_node(owners: Iterable[Mapping[str, Any]]) -> bool:
    """A mirror pod, whose node is not there to confirm its end."""
    return all(owner.get("kind") == "Node" for owner in owners)
