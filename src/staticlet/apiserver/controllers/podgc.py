"""Removes pods that nobody will remove: of nodes that are gone, and ended ones beyond a limit."""

from __future__ import annotations

from collections.abc import Collection

from staticlet.aio import clock
from staticlet.apiserver.controllers import hands
from staticlet.apiserver.resources import nodes, pods
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key, Record

QUARANTINE_S = 40.0
"""A node that is away for less may be registering anew: as kube-controller-manager waits."""

MOST_ENDED = 500
"""How many ended pods are kept; kube-controller-manager keeps 12,500, for a whole cluster."""

PAUSE_S = 1.0
"""How long, at least, between two looks at all pods."""

_PODS = pods.PODS
_NODES = nodes.NODES.key_resource
_ENDED = ("Succeeded", "Failed")


class PodCollector:
    """The controller `podgc`."""

    name = "podgc"
    resources = (_PODS.key_resource, _NODES)

    def __init__(
        self,
        store: port.Store,
        does: hands.Hands,
        time: clock.Clock,
        *,
        most_ended: int = MOST_ENDED,
    ) -> None:
        self._store = store
        self._does = does
        self._time = time
        self._most_ended = most_ended
        self._missing: dict[str, float] = {}
        self._next_look = 0.0

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Look at all pods; the nodes that are missing are remembered with the time.

        Not more often than once a second, however fast pods come: each look is at all of them.
        """
        del changed
        now = self._time.monotonic()
        if now < self._next_look:
            return self._next_look - now
        self._next_look = now + PAUSE_S
        records = self._store.list(_PODS.key_resource).records
        await self._limit([one for one in records if one.fields.get("status.phase") in _ENDED])
        return await self._orphans(records)

    async def _limit(self, ended: Collection[Record]) -> None:
        if len(ended) <= self._most_ended:
            return
        dated = sorted(
            (record.object()["metadata"]["creationTimestamp"], record.key, record)
            for record in ended
        )
        for _, _, record in dated[: len(ended) - self._most_ended]:
            await self._force(record)

    async def _orphans(self, records: Collection[Record]) -> float | None:
        there = {record.key.name for record in self._store.list(_NODES).records}
        named = {record.fields.get("spec.nodeName", "") for record in records}
        now = self._time.monotonic()
        self._missing = {name: self._missing.get(name, now) for name in named - there if name}
        over = {name for name, since in self._missing.items() if now - since >= QUARANTINE_S}
        for record in records:
            if record.fields.get("spec.nodeName") in over:
                await self._force(record)
        waiting = [since for name, since in self._missing.items() if name not in over]
        return max(0.0, min(waiting) + QUARANTINE_S - now) if waiting else None

    async def _force(self, record: Record) -> None:
        uid = record.object()["metadata"]["uid"]
        await self._does.delete(_PODS, record.key, uid, grace_s=0)
