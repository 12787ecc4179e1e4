"""Which pods of the API this node takes: decided once about each, the oldest first.

Nobody is admitted before the own Node is known, and known to be ours alone. What was admitted
stays so, unless a static pod takes its name: static pods come first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from staticlet.aio import fanout
from staticlet.kube import core
from staticlet.kube.scheduling import room
from staticlet.node import view
from staticlet.pods import admission, events, hostports, wanted
from staticlet.pods.sources import apipods

log = logging.getLogger(__name__)

Object = dict[str, Any]

MOST_AT_ONCE = 100
"""About so many pods is decided without a pause, which is some 20 ms."""

_ENDED = frozenset(("Succeeded", "Failed"))


class OwnNode(Protocol):
    """The own Node; `own.OwnNode` is one."""

    changes: fanout.Fanout[str]

    @property
    def node(self) -> Mapping[str, Any] | None:
        """The Node as the API has it; None while there is none."""
        ...

    @property
    def granted(self) -> bool:
        """Whether no other agent holds its name."""
        ...


class Admitting:
    """Decides about the pods that an API server binds to this node.

    Args:
        agent: The pods.
        node: The own Node.
        record: Takes subject, type, reason and message of an event.

    Attributes:
        admitted: The UIDs of those that were taken.
        refused: Why the others were not, by UID.
        begun: Whether any could be decided about so far.
        waiting: Whether none can be decided about as it is: the Node is not known, or not ours.
        more: Set when there were too many to decide about at once: look again after a moment.
    """

    def __init__(
        self,
        agent: view.Agent,
        node: OwnNode,
        record: Callable[[events.Subject, str, str, str], None],
    ) -> None:
        self.admitted: set[str] = set()
        self.refused: dict[str, admission.Refusal] = {}
        self.begun = False
        self.waiting = True
        self.more = asyncio.Event()
        self._agent = agent
        self._node = node
        self._record = record

    @property
    def complete(self) -> bool:
        """Whether all that were there at the last look were decided about."""
        return self.begun and not self.more.is_set()

    def is_lost(self, obj: Object | None) -> bool:
        """Whether a static pod has taken the name of one that was admitted."""
        if obj is None or apipods.uid_of(obj) not in self.admitted:
            return False
        return bool(self._holder(obj))

    def look(self, objects: Sequence[Object]) -> None:
        """Decide about those that are new; forget those that are gone.

        Args:
            objects: All pods of the API that are bound to this node, and no mirrors.
        """
        uids = {apipods.uid_of(one) for one in objects}
        self.refused = {uid: why for uid, why in self.refused.items() if uid in uids}
        self.admitted &= uids
        for obj in objects:
            if self.is_lost(obj) and not apipods.is_over(obj):
                self._refuse(obj, admission.admit(obj, {}, (), holder=self._holder(obj)))
        node = self._node.node
        self.waiting = node is None or not self._node.granted
        if node is None or self.waiting:
            return
        self.begun = True
        new = [one for one in objects if self._is_new(one)]
        if new:
            self._decide(new, node, self._taken(objects))

    def _decide(self, new: list[Object], node: Mapping[str, Any], taken: room.Taken) -> None:
        """Admit or refuse them, in the order in which they were made."""
        new.sort(key=lambda one: str(one["metadata"].get("creationTimestamp")))
        for obj in new[:MOST_AT_ONCE]:
            why = admission.admit(obj, node, taken, holder=self._holder(obj))
            if why is None:
                self.admitted.add(apipods.uid_of(obj))
                taken.add(obj)
            else:
                self._refuse(obj, why)
        if len(new) > MOST_AT_ONCE:
            self.more.set()

    def _refuse(self, obj: Object, why: admission.Refusal | None) -> None:
        if why is None:
            return
        key, uid = apipods.key_of(obj), apipods.uid_of(obj)
        self.admitted.discard(uid)
        self.refused[uid] = why
        log.warning("%s: not run: %s: %s", key, why.reason, why.message)
        self._record(events.of_pod(key, uid), events.WARNING, why.reason, why.message)

    def _is_new(self, obj: Object) -> bool:
        uid = apipods.uid_of(obj)
        known = apipods.is_over(obj) or uid in self.admitted or uid in self.refused
        return not known and apipods.is_readable(obj)

    def _holder(self, obj: Object) -> str:
        """The manifest of the static pod that has its name; empty where there is none."""
        pod = self._agent.manifests().pods.get(apipods.key_of(obj))
        return "" if pod is None or pod.source == apipods.API else pod.origin

    def _taken(self, objects: Sequence[Object]) -> room.Taken:
        """What the pods use that are here: the static ones, and those that were admitted."""
        taken = self._taken_by_static_pods()
        for one in objects:
            if apipods.uid_of(one) in self.admitted and not apipods.has_ended(one):
                taken.add(one)
        return taken

    def _taken_by_static_pods(self) -> room.Taken:
        """What the static pods use that have not ended.

        One that finds no place on the node uses nothing, as in the kubelet, which refuses it, but
        for what its predecessor uses that runs on meanwhile. But a port that it waits for is kept
        for it, and so is the room that is being made for it.
        """
        taken, held_up = room.Taken(), self._agent.held_up()
        for key, pod in self._agent.manifests().pods.items():
            if pod.source == apipods.API or self._has_ended(key):
                continue
            plain, obstacle = msgspec.to_builtins(pod.pod), held_up.get(key)
            if obstacle is None or obstacle.soon:
                taken.add(plain)
                continue
            if obstacle.reason == hostports.REASON:
                taken.ports |= room.ports(plain)
            if (shown := self._agent.pod(key)) is not None and _has_begun(shown):
                taken.add(msgspec.to_builtins(shown))
        return taken

    def _has_ended(self, key: wanted.PodKey) -> bool:
        shown = self._agent.pod(key)
        return shown is not None and shown.status is not None and shown.status.phase in _ENDED


def _has_begun(shown: core.Pod) -> bool:
    return shown.status is not None and shown.status.phase != "Pending"
