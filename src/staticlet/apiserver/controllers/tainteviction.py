"""Deletes pods that do not put up with their node's taints, or not for longer.

As kube-controller-manager's taint eviction: a taint with the effect NoExecute sends away every pod
that does not tolerate it, at once, and one that tolerates it for some time after that time. Mirror
pods stay whatever they tolerate: to delete one would not stop its static pod.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from staticlet.aio import clock
from staticlet.apiserver.controllers import hands, news
from staticlet.apiserver.resources import nodes, pods
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key, Record
from staticlet.kube import rfc3339
from staticlet.kube.plain import objects
from staticlet.kube.scheduling import tolerations
from staticlet.kube.validate import metadata

Object = Mapping[str, Any]

COMPONENT = "taint-eviction-controller"

_PODS = pods.PODS
_NODES = nodes.NODES.key_resource


def sending(node: Object) -> list[Object]:
    """The taints of a node that send pods away."""
    taints = objects(node.get("spec") or {}, "taints")
    return [one for one in taints if one.get("effect") == tolerations.NO_EXECUTE]


def stays_s(pod: Object, taints: Iterable[Object]) -> float | None:
    """For how many seconds a pod may stay on a node with taints; None for as long as it likes.

    Of each taint the first toleration that covers it counts, and of these the shortest.
    """
    own = objects(pod.get("spec") or {}, "tolerations")
    times = []
    for taint in taints:
        used = next((one for one in own if tolerations.tolerated(taint, (one,))), None)
        if used is None:
            return 0.0
        if used.get("tolerationSeconds") is not None:
            times.append(max(0.0, float(used["tolerationSeconds"])))
    return min(times, default=None)


class TaintEviction:
    """The controller `taint-eviction`.

    How long a pod has been on a tainted node is counted from when it was first seen there.
    """

    name = "taint-eviction"
    resources = (_PODS.key_resource, _NODES)

    def __init__(
        self, store: port.Store, does: hands.Hands, tells: news.News, time: clock.Clock
    ) -> None:
        self._store = store
        self._does = does
        self._tells = tells
        self._time = time
        self._since_s: Mapping[str, float] = {}

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Look at the pods of every tainted node; come back when the next has to go."""
        del changed
        tainted = self._tainted()
        now_s = self._time.monotonic()
        staying = [] if not tainted else self._staying(tainted)
        uids = [pod["metadata"]["uid"] for _, pod, _ in staying]
        self._since_s = {uid: self._since_s.get(uid, now_s) for uid in uids}
        due = [
            (self._since_s[uid] + stay_s, record, pod)
            for uid, (record, pod, stay_s) in zip(uids, staying, strict=True)
        ]
        for at_s, record, pod in due:
            if at_s <= now_s:
                await self._evict(record, pod)
        coming = [at_s for at_s, _, _ in due if at_s > now_s]
        return min(coming) - now_s if coming else None

    def _tainted(self) -> dict[str, Sequence[Object]]:
        """The taints that send pods away, of the nodes that have any."""
        found = ((one.key.name, one.object()) for one in self._store.list(_NODES).records)
        return {name: taints for name, node in found if (taints := sending(node))}

    def _staying(
        self, tainted: Mapping[str, Sequence[Object]]
    ) -> list[tuple[Record, dict[str, Any], float]]:
        """The pods that have to go some time, each with the seconds for which it may stay."""
        found = []
        for record in self._store.list(_PODS.key_resource).records:
            taints = tainted.get(record.fields.get("spec.nodeName", ""))
            if taints:
                pod = record.object()
                stay_s = stays_s(pod, taints)
                if stay_s is not None and _may_be_deleted(pod["metadata"]):
                    found.append((record, pod, stay_s))
        return found

    async def _evict(self, record: Record, pod: dict[str, Any]) -> None:
        key = record.key
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
            "lastTransitionTime": rfc3339.text(self._time.now()),
        }
        words = f"Marking for deletion Pod {key.namespace}/{key.name}"
        await self._tells.about(
            pod, "Normal", "TaintManagerEviction", words, action="TaintManagerEviction"
        )
        await self._does.patch_status(_PODS, key, {"conditions": [condition]})
        await self._does.delete(_PODS, key, pod["metadata"]["uid"])


def _may_be_deleted(meta: Object) -> bool:
    if "deletionTimestamp" in meta:
        return False
    return metadata.MIRROR_ANNOTATION not in (meta.get("annotations") or {})
