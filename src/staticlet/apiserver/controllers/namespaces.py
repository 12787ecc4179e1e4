"""Empties namespaces that are going, and lets them go."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from staticlet.apiserver.controllers import hands
from staticlet.apiserver.resources import namespaces, pods
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key, Record

FINALIZER = "kubernetes"
LOOK_S = 1.0
"""How often a namespace that is not empty yet is looked at; pods' ends wake it as well."""

_NAMESPACES = namespaces.NAMESPACES
_TERMINATING = "Terminating"


class Namespaces:
    """The controller `namespace`.

    Args:
        store: The objects.
        does: Makes the requests.
        contents: The kinds whose objects live in namespaces, each store of objects once.
    """

    name = "namespace"
    resources = (_NAMESPACES.key_resource, pods.PODS.key_resource)

    def __init__(self, store: port.Store, does: hands.Hands, contents: Sequence[Kind]) -> None:
        self._store = store
        self._does = does
        self._contents = contents

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Delete what is in each terminating namespace; finalize those that are empty."""
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
        name = namespace.key.name
        content = [
            (kind, record)
            for kind in self._contents
            for record in self._store.list(kind.key_resource, name).records
        ]
        for kind, record in content:
            meta = record.object()["metadata"]
            if "deletionTimestamp" not in meta:
                await self._does.delete(kind, record.key, meta["uid"])
        if any(self._store.list(kind.key_resource, name).records for kind in self._contents):
            return False
        obj = namespace.object()
        spec = obj.setdefault("spec", {})
        spec["finalizers"] = [one for one in spec.get("finalizers") or () if one != FINALIZER]
        await self._does.update_below(_NAMESPACES, namespace.key, "finalize", obj)
        return True
