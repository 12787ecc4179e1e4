"""Deletes what has lost its owners: mirror pods go with their Node; and lets owners go.

An owner that is deleted in the foreground goes after what it owns, one that leaves orphans after
these have been told. What is done is `ownership.act`; here is who owns whom.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from staticlet.apiserver.controllers import hands, ownership
from staticlet.apiserver.controllers.ownership import Delete, Disown, LetGo, Release, Unblock
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key, Record
from staticlet.apiserver.verbs import cascade
from staticlet.kube.plain import objects

_OF_INTEREST = (b'"ownerReferences"', b'"finalizers"')


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
        self._owners: dict[Key, frozenset[Key]] = {}
        self._owned: dict[Key, dict[Key, None]] = {}

    @property
    def resources(self) -> Collection[str]:
        """Anything may own something."""
        return self._by_resource

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Look at what has changed, at its owners before and after, and at what it owns."""
        family: dict[Key, None] = {}
        for key in changed:
            owners = self._owners.get(key, frozenset())
            self._note(key)
            near = (key, *owners, *self._owners.get(key, ()), *self._owned.get(key, ()))
            family.update(dict.fromkeys(near))
        for key in family:
            record = self._store.get(key)
            if record is not None and any(word in record.encoded for word in _OF_INTEREST):
                await self._look(record)
        return None

    def _note(self, key: Key) -> None:
        """Know the owners of what has changed."""
        for owner in self._owners.pop(key, ()):
            self._owned[owner].pop(key, None)
            if not self._owned[owner]:
                del self._owned[owner]
        record = self._store.get(key)
        if record is None or _OF_INTEREST[0] not in record.encoded:
            return
        references = objects(record.object()["metadata"], "ownerReferences")
        found = {self._key(one, key.namespace) for one in references}
        self._owners[key] = owners = frozenset(one for one in found if one is not None)
        for owner in owners:
            self._owned.setdefault(owner, {})[key] = None

    def _key(self, reference: Mapping[str, Any], namespace: str) -> Key | None:
        """The key of an owner; None of a kind that is not known."""
        group, _, _ = str(reference.get("apiVersion", "")).rpartition("/")
        kind = self._by_name.get((group, str(reference.get("kind"))))
        if kind is None:
            return None
        at = namespace if kind.namespaced else ""
        return Key(kind.key_resource, at, str(reference.get("name")))

    async def _look(self, record: Record) -> None:
        obj, kind = record.object(), self._by_resource[record.key.resource]
        meta = obj["metadata"]

        def look(reference: Mapping[str, Any]) -> ownership.Owner:
            key = self._key(reference, record.key.namespace)
            if key is None:
                return ownership.Owner.SOLID
            found = self._store.get(key)
            owner = found.object()["metadata"] if found else None
            return ownership.state(owner, str(reference.get("uid")))

        def owned() -> Sequence[Mapping[str, Any]]:
            return [each["metadata"] for _, each in self._of(record.key, meta["uid"])]

        match ownership.act(meta, look, owned):
            case Delete(policy):
                grace_s = 0 if kind.kind == "Pod" and _is_of_a_node(meta) else None
                await self._does.delete(
                    kind, record.key, meta["uid"], grace_s=grace_s, policy=policy
                )
            case Disown(uids):
                await self._write_owners(record.key, obj, ownership.without(meta, uids))
            case Unblock():
                await self._write_owners(record.key, obj, ownership.unblocked(meta))
            case LetGo(finalizer):
                await self._let_go(record.key, obj, finalizer)
            case Release():
                for key, each in self._of(record.key, meta["uid"]):
                    left = ownership.without(each["metadata"], (meta["uid"],))
                    if not await self._write_owners(key, each, left):
                        return  # it has just changed, and is looked at again with its owner
                await self._let_go(record.key, obj, cascade.ORPHAN)
            case None:
                return

    def _of(self, owner: Key, uid: str) -> list[tuple[Key, Object]]:
        """What has an object as an owner, as it is now."""
        found = []
        for key in self._owned.get(owner, ()):
            record = self._store.get(key)
            obj = record.object() if record else None
            if obj and any(
                one.get("uid") == uid for one in objects(obj["metadata"], "ownerReferences")
            ):
                found.append((key, obj))
        return found

    async def _write_owners(
        self, key: Key, obj: Object, owners: Sequence[Mapping[str, Any]]
    ) -> bool:
        meta = {**obj["metadata"], "ownerReferences": [*owners]}
        return await self._does.update(
            self._by_resource[key.resource], key, {**obj, "metadata": meta}
        )

    async def _let_go(self, key: Key, obj: Object, finalizer: str) -> None:
        left = [one for one in obj["metadata"]["finalizers"] if one != finalizer]
        meta = {**obj["metadata"], "finalizers": left}
        kind = self._by_resource[key.resource]
        await self._does.update(kind, key, {**obj, "metadata": meta})


def _is_of_a_node(meta: Mapping[str, Any]) -> bool:
    """A mirror pod, whose node is not there to confirm its end."""
    return all(one.get("kind") == "Node" for one in objects(meta, "ownerReferences"))
