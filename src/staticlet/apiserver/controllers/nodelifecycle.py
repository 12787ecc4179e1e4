"""Tells of nodes that have fallen silent, and taints nodes by how they are.

A node that shows no life for 50 s becomes Unknown, its pods become not ready, and taints keep new
pods away. What its agent writes when it is back puts all of that right: the conditions and the
pods by itself, the taints from here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from staticlet.aio import clock
from staticlet.apiserver.controllers import hands, news, nodehealth
from staticlet.apiserver.resources import leases, nodes, pods
from staticlet.apiserver.resources.kind import Object
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key, Record
from staticlet.kube import rfc3339
from staticlet.kube.plain import objects

LATE_S = 5.0
"""A look that comes so much too late comes after time in which this server did not run.

Nodes may have shown life meanwhile, and what they sent is yet to be read.
"""

COMPONENT = "node-controller"

_NODES = nodes.NODES
_LEASES = leases.LEASES.key_resource
_PODS = pods.PODS
_LEASE_NAMESPACE = "kube-node-lease"
_ACTION = "Monitoring"


class NodeLifecycle:
    """The controller `nodelifecycle`.

    Args:
        store: The objects.
        does: Makes the requests.
        tells: Records events.
        time: The clock.
        grace: How long nodes may be silent.
    """

    name = "nodelifecycle"
    resources = (_NODES.key_resource, _LEASES)

    def __init__(
        self,
        store: port.Store,
        does: hands.Hands,
        tells: news.News,
        time: clock.Clock,
        *,
        grace: nodehealth.Grace,
    ) -> None:
        self._store = store
        self._does = does
        self._tells = tells
        self._time = time
        self._grace = grace
        self._seen: Mapping[str, nodehealth.Seen] = {}
        self._planned_s: float | None = None
        self._pods_told: set[str] = set()

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Look at every node; come back when the next would be silent for too long."""
        del changed
        now_s = self._time.monotonic()
        there = {
            one.key.name: one.object() for one in self._store.list(_NODES.key_resource).records
        }
        self._observe(there, now_s)
        over_s = {name: self._grace.over_s(there[name], seen) for name, seen in self._seen.items()}
        hold_back = nodehealth.none_is_ready(there.values())
        silent = {name for name, at_s in over_s.items() if at_s <= now_s}
        self._pods_told &= {there[name]["metadata"]["uid"] for name in silent}
        for name, node in there.items():
            if name in silent:
                await self._doubt(node)
            await self._taint(node, hold_back=hold_back)
        coming = [at_s for at_s in over_s.values() if at_s > now_s]
        self._planned_s = min(coming, default=None)
        return None if self._planned_s is None else self._planned_s - now_s

    def _observe(self, there: Mapping[str, Object], now_s: float) -> None:
        shown = {name: nodehealth.signs(node, self._lease(name)) for name, node in there.items()}
        late = self._planned_s is not None and now_s - self._planned_s > LATE_S
        self._seen = nodehealth.observed({} if late else self._seen, shown, now_s)

    def _lease(self, name: str) -> Object | None:
        found = self._store.get(Key(_LEASES, _LEASE_NAMESPACE, name))
        return found.object() if found else None

    async def _doubt(self, node: Object) -> None:
        """Say that nobody knows how a node is, and then of its pods that they are not ready."""
        now = self._time.now()
        name, uid = node["metadata"]["name"], node["metadata"]["uid"]
        conditions = nodehealth.silent(node, now)
        if conditions is not None:
            changed = {**node, "status": {**node.get("status", {}), "conditions": conditions}}
            key = Key(_NODES.key_resource, "", name)
            if not await self._does.update_below(_NODES, key, "status", changed):
                return  # it has just changed: looked at anew at once
            if nodehealth.was_ready(node):
                words = f"Node {name} status is now: NodeNotReady"
                await self._tells.about(node, "Normal", "NodeNotReady", words, action=_ACTION)
        if uid not in self._pods_told:
            for record in self._store.list(_PODS.key_resource).records:
                if record.fields.get("spec.nodeName") == name:
                    await self._doubt_pod(record)
            self._pods_told.add(uid)

    async def _doubt_pod(self, record: Record) -> None:
        """Say once that a pod is not ready: what its node says later counts more."""
        pod = record.object()
        conditions = objects(pod.get("status") or {}, "conditions")
        if not any(
            one.get("type") == "Ready" and one.get("status") == "True" for one in conditions
        ):
            return
        since = rfc3339.text(self._time.now())
        changed = [
            {**one, "status": "False", "lastTransitionTime": since}
            if one.get("type") == "Ready"
            else one
            for one in conditions
        ]
        fresh = {**pod, "status": {**pod["status"], "conditions": changed}}
        if await self._does.update_below(_PODS, record.key, "status", fresh):
            words = "Node is not ready"
            await self._tells.about(pod, "Warning", "NodeNotReady", words, action=_ACTION)

    async def _taint(self, node: Object, *, hold_back: bool) -> None:
        taints = nodehealth.taints(node, self._time.now(), hold_back=hold_back)
        if taints is not None:
            key = Key(_NODES.key_resource, "", node["metadata"]["name"])
            spec = {**node.get("spec", {}), "taints": taints}
            await self._does.update(_NODES, key, {**node, "spec": spec})
