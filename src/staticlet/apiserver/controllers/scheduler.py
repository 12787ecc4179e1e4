"""Binds pods without a node to the one node that suits them; tells why where none does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from staticlet.aio import clock
from staticlet.apiserver.controllers import hands, news
from staticlet.apiserver.resources import nodes, pods
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key, Record
from staticlet.kube import refusal, rfc3339
from staticlet.kube.plain import objects
from staticlet.kube.scheduling import placement, room

Object = dict[str, Any]

_PODS = pods.PODS.key_resource
_NODES = nodes.NODES.key_resource
_ENDED = ("Succeeded", "Failed")


class Scheduler:
    """The controller `scheduler`."""

    name = "scheduler"
    resources = (_PODS, _NODES)

    def __init__(self, store: port.Store, does: hands.Hands, tells: news.News, time: clock.Clock):
        self._store = store
        self._does = does
        self._tells = tells
        self._time = time

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Look at every pod without a node, whatever has changed: a node may be free now.

        What is refused for one pod keeps none of the others waiting.
        """
        del changed
        records = self._store.list(_PODS).records
        waiting = [one for one in records if _waits(one)]
        if not waiting:
            return None
        all_nodes = [one.object() for one in self._store.list(_NODES).records]
        on_node = _on_node(records, {node["metadata"]["name"] for node in all_nodes})
        refused: refusal.Refusal | None = None
        for record in waiting:
            pod = record.object()
            if placement.is_ours(pod):
                found = placement.place(pod, all_nodes, on_node)
                try:
                    await self._act(record.key, pod, found)
                except refusal.Refusal as fault:
                    refused = fault
                    continue
                if found.node:
                    on_node.setdefault(found.node, []).append(pod)
        if refused is not None:
            raise refused
        return None

    async def _act(self, key: Key, pod: Object, found: placement.Placement) -> None:
        if found.node:
            binding = _binding(key, pod, found.node)
            if await self._does.create_below(pods.PODS, key, "binding", binding):
                words = f"Successfully assigned {key.namespace}/{key.name} to {found.node}"
                await self._tells.about(pod, "Normal", "Scheduled", words, action="Binding")
            return
        condition = _unscheduled(found, pod, self._time.now())
        if condition is not None:
            await self._does.patch_status(pods.PODS, key, {"conditions": [condition]})
            if found.reason == placement.UNSCHEDULABLE:
                await self._tells.about(
                    pod, "Warning", "FailedScheduling", found.message, action="Scheduling"
                )


def _waits(record: Record) -> bool:
    fields = record.fields
    return not fields.get("spec.nodeName") and fields.get("status.phase") not in _ENDED


def _on_node(records: Iterable[Record], names: Collection[str]) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = {}
    for record in records:
        name = record.fields.get("spec.nodeName", "")
        if name in names and record.fields.get("status.phase") not in _ENDED:
            pod = record.object()
            if not room.ended(pod):
                found.setdefault(name, []).append(pod)
    return found


def _binding(key: Key, pod: Object, node: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": key.name, "namespace": key.namespace, "uid": pod["metadata"]["uid"]},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }


def _unscheduled(
    found: placement.Placement, pod: Mapping[str, Any], now: datetime
) -> Object | None:
    """The condition PodScheduled to set; None where it is set already."""
    wanted = {
        "type": "PodScheduled",
        "status": "False",
        "reason": found.reason,
        "message": found.message,
    }
    for one in objects(pod.get("status") or {}, "conditions"):
        if one.get("type") == "PodScheduled":
            if all(one.get(name) == value for name, value in wanted.items()):
                return None
            if one.get("status") == "False":
                return wanted  # how long it has waited is told by its first time
    return {**wanted, "lastTransitionTime": rfc3339.text(now)}
