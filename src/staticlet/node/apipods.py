"""Pods of the API on this node: admitted or refused, their status told, their end confirmed.

What runs is the workers' business; here is decided what they get to see of the API, and what the
API gets to see of them. A pod is admitted once the own Node is known, and known to be ours alone.
An object that is being deleted is removed once nothing of its pod is left on the machine, and not
before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.client import backoff, port
from staticlet.kube.scheduling import room
from staticlet.node import collection, statuspatch, view
from staticlet.pods import admission, events, wanted
from staticlet.pods.sources import apipods

log = logging.getLogger(__name__)

Object = dict[str, Any]

AT_ONCE = 4
MOST_ADMITTED = 100
"""About so many pods is decided without a pause, which is some 20 ms."""

BREATH_S = 0.05
"""For so long others have their turn, then."""

_ENDED = frozenset(("Succeeded", "Failed"))
_DELETE = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}


class Agent(view.Agent, Protocol):
    """What more is asked of the agent."""

    @property
    def works(self) -> asyncio.Event:
        """Set once the runtime was looked at, and what is wanted is acted on."""
        ...

    def is_gone(self, key: wanted.PodKey, uid: str) -> bool:
        """Whether nothing of a pod is left here, as far as the runtime was looked at."""
        ...


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


class ApiPods:
    """Serves the pods that an API server binds to this node.

    Args:
        api: The API server.
        agent: The pods.
        there: The pods of the node in the API.
        node: The own Node.
        clock: The time.
        random: A number from 0 to 1 at each call, for pauses.
        pause: Waits so many seconds, or less if a server that was away answers again.
        publish: Takes the source's snapshots.
        record: Takes subject, type, reason and message of an event.

    Attributes:
        graces: The grace of each pod that is being deleted, by UID, in seconds.
    """

    def __init__(
        self,
        api: port.Api,
        *,
        agent: Agent,
        there: collection.Collection,
        node: OwnNode,
        clock: clocks.Clock,
        random: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
        publish: Callable[[wanted.Snapshot], None],
        record: Callable[[events.Subject, str, str, str], None],
    ) -> None:
        self.graces: dict[str, int] = {}
        self._api = api
        self._agent = agent
        self._there = there
        self._node = node
        self._clock = clock
        self._random = random
        self._pause = pause
        self._publish = publish
        self._record = record
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._busy: set[wanted.PodKey] = set()
        self._again: set[wanted.PodKey] = set()
        self._admitted: set[str] = set()
        self._looked_at = False
        self._more = asyncio.Event()
        self._made: Mapping[str, apipods.Made] = {}
        self._refused: dict[str, admission.Refusal] = {}
        self._written = collection.Written(there)

    async def run(self) -> None:
        """Work until cancelled."""
        self._tell_wanted()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_agent(group), name="API pods: pods")
            group.create_task(self._follow_api(group), name="API pods: API")
            group.create_task(self._follow_node(group), name="API pods: node")
            group.create_task(self._admit_the_rest(group), name="API pods: admission")
            await self._there.synced_once.wait()
            self._take_in(group, [*self._there.objects])
            await self._agent.works.wait()
            self._look(group, [*self._there.objects])  # what is to go may not be here at all

    async def _follow_agent(self, group: asyncio.TaskGroup) -> None:
        while True:
            with self._agent.changes.subscribed() as news:
                try:
                    while some := await news.next():
                        self._hear(group, some)
                except fanout.Dropped:
                    self._hear(group, [*map(apipods.key_of, self._there.objects.values())])
                else:
                    return  # the agent ends

    async def _follow_api(self, group: asyncio.TaskGroup) -> None:
        while True:
            with self._there.changes.subscribed() as news:
                try:
                    while some := await news.next():
                        self._take_in(group, some)
                except fanout.Dropped:
                    self._take_in(group, [*self._there.objects])
                else:
                    return

    async def _follow_node(self, group: asyncio.TaskGroup) -> None:
        """Admit what waited for the Node to be known."""
        while True:
            with self._node.changes.subscribed() as news:
                try:
                    while await news.next():
                        if not self._looked_at:
                            self._take_in(group, [*self._there.objects])
                except fanout.Dropped:
                    continue
                else:
                    return

    async def _admit_the_rest(self, group: asyncio.TaskGroup) -> None:
        """Go on where there were too many pods to decide about at once; others have their turn."""
        while True:
            await self._more.wait()
            await asyncio.sleep(BREATH_S)
            self._more.clear()
            before = self._refused.keys() | self._admitted
            self._tell_wanted()
            uids = (self._refused.keys() | self._admitted) - before
            news = (one for one in self._there.objects.values() if apipods.uid_of(one) in uids)
            self._look(group, [apipods.key_of(one) for one in news])

    def _hear(self, group: asyncio.TaskGroup, keys: Iterable[wanted.PodKey]) -> None:
        """Pods have changed here; a static one may have taken the name of one of the API."""
        keys = [*keys]
        if any(self._is_lost(key) for key in keys):
            self._take_in(group, keys)
        else:
            self._look(group, keys)

    def _is_lost(self, key: wanted.PodKey) -> bool:
        obj = self._there.objects.get(key)
        ours = obj is not None and apipods.uid_of(obj) in self._admitted
        return ours and bool(self._holder(key))

    def _holder(self, key: wanted.PodKey) -> str:
        """The manifest of the static pod that has a name; empty where there is none."""
        pod = self._agent.manifests().pods.get(key)
        return "" if pod is None or pod.source == apipods.API else pod.origin

    def _take_in(self, group: asyncio.TaskGroup, keys: Iterable[tuple[str, str]]) -> None:
        """The API has something new: tell what is wanted, and look at these."""
        if self._there.synced_once.is_set():
            self._tell_wanted()
            self._look(group, keys)

    def _look(self, group: asyncio.TaskGroup, keys: Iterable[tuple[str, str]]) -> None:
        for key in (wanted.PodKey(*key) for key in keys):
            if key in self._busy:
                self._again.add(key)
            elif key in self._there.objects and apipods.is_ours(self._there.objects[key]):
                self._busy.add(key)
                group.create_task(self._tend(key), name=f"API pod {key}")

    def _tell_wanted(self) -> None:
        objects = [one for one in self._there.objects.values() if apipods.is_ours(one)]
        uids = {apipods.uid_of(one) for one in objects}
        self._refused = {uid: why for uid, why in self._refused.items() if uid in uids}
        self._admitted &= uids
        self.graces = {
            apipods.uid_of(one): grace
            for one in objects
            if (grace := apipods.grace_s(one)) is not None
        }
        if self._there.synced_once.is_set():
            self._admit(objects)
        made, self._made = apipods.snapshot(
            objects,
            server=self._api.server,
            ready=self._looked_at and not self._more.is_set(),
            admitted=self._admitted,
            known=self._made,
            now=self._clock.now(),
        )
        self._publish(made)

    def _admit(self, objects: list[Object]) -> None:
        """Decide once about each new pod, in the order in which they were made."""
        for obj in objects:
            holder = self._holder(apipods.key_of(obj))
            if holder and apipods.uid_of(obj) in self._admitted and not apipods.is_over(obj):
                self._refuse(obj, admission.admit(obj, {}, (), holder=holder))
        node = self._node.node
        if node is None or not self._node.granted:
            return
        self._looked_at = True
        new = [one for one in objects if self._is_new(one)]
        if not new:
            return
        taken = room.Taken(self._static_pods())
        for one in objects:
            if apipods.uid_of(one) in self._admitted and not apipods.has_ended(one):
                taken.add(one)
        new.sort(key=lambda one: str(one["metadata"].get("creationTimestamp")))
        for obj in new[:MOST_ADMITTED]:
            why = admission.admit(obj, node, taken, holder=self._holder(apipods.key_of(obj)))
            if why is None:
                self._admitted.add(apipods.uid_of(obj))
                taken.add(obj)
            else:
                self._refuse(obj, why)
        if len(new) > MOST_ADMITTED:
            self._more.set()

    def _refuse(self, obj: Object, why: admission.Refusal | None) -> None:
        if why is None:
            return
        key, uid = apipods.key_of(obj), apipods.uid_of(obj)
        self._admitted.discard(uid)
        self._refused[uid] = why
        log.warning("%s: not run: %s: %s", key, why.reason, why.message)
        self._record(events.of_pod(key, uid), events.WARNING, why.reason, why.message)

    def _static_pods(self) -> list[Object]:
        """The static pods that have not ended, as plain objects."""
        found: list[Object] = []
        for key, pod in self._agent.manifests().pods.items():
            if pod.source == apipods.API:
                continue
            shown = self._agent.pod(key)
            if shown is None or shown.status is None or shown.status.phase not in _ENDED:
                found.append(msgspec.to_builtins(pod.pod))
        return found

    def _is_new(self, obj: Object) -> bool:
        uid = apipods.uid_of(obj)
        return not (apipods.is_over(obj) or uid in self._admitted or uid in self._refused)

    async def _tend(self, key: wanted.PodKey) -> None:
        pauses, said = backoff.Backoff(self._random), ""
        try:
            while True:
                self._again.discard(key)
                try:
                    async with self._slots:
                        await self._bring_up_to_date(key)
                except port.Refused as fault:
                    if str(fault) != said:
                        said = str(fault)
                        log.warning("%s: the API server refuses its status: %s", key, fault)
                    await self._pause(pauses.next(fault.retry_after_s))
                    continue
                except port.Unreachable as fault:
                    log.debug("%s: %s", key, fault)
                    await self._pause(pauses.next())
                    continue
                if key not in self._again:
                    return
        finally:
            self._busy.discard(key)

    async def _bring_up_to_date(self, key: wanted.PodKey) -> None:
        """Write the status if it differs; remove the object once its pod is gone."""
        obj = self._written.newest(key)
        if obj is None or not apipods.is_ours(obj):
            return
        uid = apipods.uid_of(obj)
        path = f"/api/v1/namespaces/{key.namespace}/pods/{key.name}"
        if apipods.is_going(obj) and self._agent.is_gone(key, uid):
            await self._spare(
                self._api.ask("DELETE", path, {**_DELETE, "preconditions": {"uid": uid}})
            )
            self._written.forget(key)
            return
        change = self._change(key, obj, uid)
        if change is not None:
            body = {"metadata": {"uid": uid}, "status": change}
            made = await self._spare(
                self._api.ask("PATCH", f"{path}/status", body, media=port.STRATEGIC_PATCH)
            )
            if made is not None:
                self._written.take(key, made)

    def _change(self, key: wanted.PodKey, obj: Object, uid: str) -> Object | None:
        there = obj.get("status") or {}
        why = self._refused.get(uid)
        if why is not None:
            if apipods.has_ended(obj):
                return None
            return {
                "phase": "Failed",
                "reason": why.reason,
                "message": f"Pod was rejected: {why.message}",
            }
        shown = self._agent.pod(key)
        if shown is None or shown.status is None or (shown.metadata and shown.metadata.uid != uid):
            return None
        if apipods.has_ended(obj) and shown.status.phase != there.get("phase"):
            return None  # what has ended once stays so
        if apipods.is_going(obj) and shown.status.phase == "Pending":
            return None  # all of it is cleared away: what it was last says more
        return statuspatch.patch(shown.status, there)

    @staticmethod
    async def _spare(request: Awaitable[Object]) -> Object | None:
        """The answer; None where the object is another one, or gone, meanwhile."""
        try:
            return await request
        except port.Refused as fault:
            if fault.code in (404, 409):
                return None
            raise
