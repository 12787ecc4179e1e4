"""Pods of the API on this node: admitted or refused, their status told, their end confirmed.

What runs is the workers' business; here is decided what they get to see of the API, and what the
API gets to see of them. An object that is being deleted is removed once nothing of its pod is left
on the machine, and not before.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.client import port
from staticlet.kube import core
from staticlet.node import (
    admitting,
    collection,
    complaints,
    podwrites,
    rejected,
    statuspatch,
    tending,
    view,
)
from staticlet.pods import admission, events, wanted
from staticlet.pods.sources import apipods

log = logging.getLogger(__name__)

Object = dict[str, Any]

BREATH_S = 0.05
"""Where there are too many pods to decide about at once, others have their turn for so long."""


class Agent(view.Agent, Protocol):
    """What more is asked of the agent."""

    @property
    def works(self) -> asyncio.Event:
        """Set once the runtime was looked at, and what is wanted is acted on."""
        ...

    def is_gone(self, key: wanted.PodKey, uid: str) -> bool:
        """Whether nothing of a pod is left here, as far as the runtime was looked at."""
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
        node: admitting.OwnNode,
        clock: clocks.Clock,
        random: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
        publish: Callable[[wanted.Snapshot], None],
        record: Callable[[events.Subject, str, str, str], None],
    ) -> None:
        self.graces: dict[str, int] = {}
        self._going: dict[str, wanted.PodKey] = {}
        self._api = api
        self._agent = agent
        self._there = there
        self._node = node
        self._clock = clock
        self._publish = publish
        self._admitting = admitting.Admitting(agent, node, record)
        self._made: Mapping[str, apipods.Made] = {}
        self._pods = podwrites.PodWrites(api, there, clock, random)
        self._complaints = complaints.Complaints[wanted.PodKey](
            clock, lambda key, words: log.warning("%s: %s", key, words, extra={"pod": str(key)})
        )
        self._tending = tending.Tending[wanted.PodKey](
            "API pod",
            self._bring_up_to_date,
            refused=self._was_refused,
            random=random,
            pause=pause,
        )

    async def run(self) -> None:
        """Work until cancelled."""
        self._tell_wanted()
        async with self._tending.begun() as group:
            group.create_task(self._follow_agent(), name="API pods: pods")
            group.create_task(self._follow_api(), name="API pods: API")
            group.create_task(self._follow_node(), name="API pods: node")
            group.create_task(self._admit_the_rest(), name="API pods: admission")
            await self._there.synced_once.wait()
            self._take_in([*self._there.objects])
            await self._agent.works.wait()
            self._look_at_all()  # what is to go may not be here at all
            await self._tending.resync(self._look_at_all)

    async def _follow_agent(self) -> None:
        while True:
            with self._agent.changes.subscribed() as news:
                try:
                    while some := await news.next():
                        self._hear(some)
                except fanout.Dropped:
                    self._hear([*map(apipods.key_of, self._there.objects.values())])
                else:
                    return  # the agent ends

    async def _follow_api(self) -> None:
        while True:
            with self._there.changes.subscribed() as news:
                try:
                    while some := await news.next():
                        self._take_in(some)
                except fanout.Dropped:
                    self._take_in([*self._there.objects])
                else:
                    return

    async def _follow_node(self) -> None:
        """Admit what waited for the Node to be known."""
        while True:
            with self._node.changes.subscribed() as news:
                try:
                    while await news.next():
                        if self._admitting.waiting:
                            self._take_in([*self._there.objects])
                except fanout.Dropped:
                    continue
                else:
                    return

    async def _admit_the_rest(self) -> None:
        """Go on where there were too many pods to decide about at once; others have their turn."""
        decided = self._admitting
        while True:
            await decided.more.wait()
            await asyncio.sleep(BREATH_S)
            decided.more.clear()
            before = decided.refused.keys() | decided.admitted
            self._tell_wanted()
            uids = (decided.refused.keys() | decided.admitted) - before
            news = (one for one in self._there.objects.values() if apipods.uid_of(one) in uids)
            self._look([apipods.key_of(one) for one in news])

    def _hear(self, keys: Iterable[wanted.PodKey]) -> None:
        """Pods have changed here; a static one may have taken the name of one of the API."""
        keys = [*keys]
        if any(self._admitting.is_lost(self._there.objects.get(key)) for key in keys):
            self._take_in(keys)
        else:
            self._look(keys)

    def _take_in(self, keys: Iterable[tuple[str, str]]) -> None:
        """The API has something new: tell what is wanted, and look at these."""
        if self._there.synced_once.is_set():
            self._tell_wanted()
            self._look(keys)

    def _look_at_all(self) -> None:
        self._look([*self._there.objects])

    def _look(self, keys: Iterable[tuple[str, str]]) -> None:
        for key in keys:
            obj, key = self._there.objects.get(key), wanted.PodKey(*key)
            if obj is None:
                self._pods.forget(key)
            elif apipods.is_ours(obj):
                self._tending.look(key)

    def _tell_wanted(self) -> None:
        objects = [one for one in self._there.objects.values() if apipods.is_ours(one)]
        self.graces = self._graces(objects)
        if self._there.synced_once.is_set():
            self._admitting.look(objects)
        made, self._made = apipods.snapshot(
            objects,
            server=self._api.server,
            ready=self._admitting.complete,
            admitted=self._admitting.admitted,
            known=self._made,
            now=self._clock.now(),
        )
        self._publish(made)

    def _graces(self, objects: Iterable[Object]) -> dict[str, int]:
        """The grace of each pod that is being deleted.

        One whose object is removed while its pod is being stopped was removed by force: it gets no
        more grace.
        """
        asked = {apipods.uid_of(one): apipods.grace_s(one) for one in objects}
        forced = {
            uid: key
            for uid, key in self._going.items()
            if uid not in asked and not self._agent.is_gone(key, uid)
        }
        going = {apipods.uid_of(one): apipods.key_of(one) for one in objects}
        known = {uid: grace for uid, grace in asked.items() if grace is not None}
        self._going = {uid: going[uid] for uid in known} | forced
        return known | dict.fromkeys(forced, 0)

    async def _bring_up_to_date(self, key: wanted.PodKey) -> float | None:
        """Write the status if it differs; remove the object once its pod is gone."""
        obj = self._pods.newest(key)
        if obj is None or not apipods.is_ours(obj):
            self._complaints.right(key)
            return None
        uid = apipods.uid_of(obj)
        again_s = None
        if apipods.is_going(obj) and self._agent.is_gone(key, uid):
            if not apipods.is_kept(obj):
                await self._pods.remove(key, uid)
        else:
            again_s = await self._pods.tell(key, obj, self._change(key, uid))
        self._complaints.right(key)
        return again_s or None

    def _change(self, key: wanted.PodKey, uid: str) -> podwrites.Change:
        """What of its status is to be changed, as its pod is now."""
        why = self._admitting.refused.get(uid)
        if why is not None:
            return functools.partial(_refused, why, self._clock.now())
        shown = self._agent.pod(key)
        if shown is None or shown.status is None or (shown.metadata and shown.metadata.uid != uid):
            return lambda obj: None
        return functools.partial(_told, shown.status)

    def _was_refused(self, key: wanted.PodKey, fault: port.Refused) -> None:
        self._complaints.wrong(key, f"the API server refuses its status: {fault}")


def _refused(why: admission.Refusal, now: datetime, obj: Mapping[str, Any]) -> Object | None:
    """What to change in the status of a pod that is not admitted."""
    if apipods.has_ended(obj):
        return None
    return rejected.status(why, obj.get("status") or {}, now)


def _told(status: core.PodStatus, obj: Mapping[str, Any]) -> Object | None:
    """What to change in the status of a pod that runs here, or ran."""
    there = obj.get("status") or {}
    if apipods.has_ended(obj) and status.phase != there.get("phase"):
        return None  # what has ended once stays so
    if apipods.is_going(obj) and status.phase == "Pending":
        return None  # all of it is cleared away: what it was last says more
    return statuspatch.patch(status, there)
