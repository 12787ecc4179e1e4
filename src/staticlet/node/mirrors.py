"""Keeps the mirror pods of this node as they should be, and their status true.

Each name has one task at a time, which does one thing after the other and begins anew whenever
something has changed; what waits for an API server that is away, refuses or is slow waits here,
and nothing else does. What the watch has not brought yet is known from the answers to our own
requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.client import backoff, port
from staticlet.kube import core
from staticlet.node import collection, mirrorplan, mirrorpod, statuspatch, view
from staticlet.pods import wanted
from staticlet.pods.sources import apipods

log = logging.getLogger(__name__)

Object = dict[str, Any]

AT_ONCE = 4
EDIT_QUIET_S = 600.0
"""After so long without an edit, the next one is undone at once again."""

MOST_ABSENT_S = 5.0
"""How long at most until a namespace that is missing is looked for again."""

WATCHED_WITHIN_S = 0.3
"""How soon whoever deletes a mirror watches it to see it go."""

FAILED = "FailedMirrorPod"
"""The reason of the event on the Node when a mirror pod is refused; the kubelet only logs it."""

_MOST_STEPS = 8
_DELETE = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}


class Owner(Protocol):
    """The own Node."""

    @property
    def uid(self) -> str:
        """Its uid; empty while there is none, or while it is being deleted."""
        ...

    @property
    def changes(self) -> fanout.Fanout[str]:
        """Tells when that has changed."""
        ...


class Mirrors:
    """Creates, deletes and updates the mirror pods of one node.

    Args:
        api: The API server.
        node: The node's name.
        owner: Its Node object.
        agent: The pods.
        there: The pods of the node in the API.
        clock: The time.
        random: A number from 0 to 1 at each call, for pauses.
        pause: Waits so many seconds, or less if a server that was away answers again.
        tell: Takes the reason and the message of a warning about the Node.
    """

    def __init__(
        self,
        api: port.Api,
        *,
        node: str,
        owner: Owner,
        agent: view.Agent,
        there: collection.Collection,
        clock: clocks.Clock,
        random: Callable[[], float],
        pause: Callable[[float], Awaitable[None]],
        tell: Callable[[str, str], None],
    ) -> None:
        self._api = api
        self._node = node
        self._owner = owner
        self._agent = agent
        self._there = there
        self._clock = clock
        self._random = random
        self._pause = pause
        self._tell = tell
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[wanted.PodKey, asyncio.Task[None]] = {}
        self._news: dict[wanted.PodKey, asyncio.Event] = {}
        self._written = collection.Written(there)
        self._labels: dict[wanted.PodKey, Mapping[str, str]] = {}
        self._pauses: dict[wanted.PodKey, backoff.Backoff] = {}
        self._edits: dict[wanted.PodKey, tuple[backoff.Backoff, float]] = {}
        self._left: dict[wanted.PodKey, float] = {}
        self._refused: dict[wanted.PodKey, str] = {}
        self._going: dict[wanted.PodKey, str] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(self._agent.changes, group), name="mirrors: pods")
            group.create_task(self._follow(self._there.changes, group), name="mirrors: API")
            group.create_task(self._follow_owner(group), name="mirrors: node")
            await self._there.synced_once.wait()
            self._look_at_all(group)

    async def _follow(
        self,
        changes: fanout.Fanout[wanted.PodKey] | fanout.Fanout[tuple[str, str]],
        group: asyncio.TaskGroup,
    ) -> None:
        """Look at what changes, and at everything at first and after a flood."""
        while True:
            with changes.subscribed() as news:
                self._look_at_all(group)
                try:
                    while some := await news.next():
                        for namespace, name in some:
                            self._look(wanted.PodKey(namespace, name), group)
                except fanout.Dropped:
                    log.debug("too many changes at once: looking at every mirror pod")
                else:
                    return  # the agent ends

    async def _follow_owner(self, group: asyncio.TaskGroup) -> None:
        with self._owner.changes.subscribed() as news:
            while await news.next():
                self._look_at_all(group)

    def _look_at_all(self, group: asyncio.TaskGroup) -> None:
        keys = {wanted.PodKey(*key) for key in self._there.objects}
        keys |= set(self._agent.manifests().pods) | {_key(pod) for pod in self._agent.pods()}
        for key in sorted(keys):
            self._look(key, group)

    def _look(self, key: wanted.PodKey, group: asyncio.TaskGroup) -> None:
        if key in self._tasks:
            self._news[key].set()
            return
        self._news[key] = asyncio.Event()
        self._tasks[key] = group.create_task(self._tend(key), name=f"mirror {key}")

    async def _tend(self, key: wanted.PodKey) -> None:
        """Do what is to be done about one name, until nothing is."""
        news = self._news[key]
        try:
            while True:
                news.clear()
                self._left.pop(key, None)
                await self._let_be_watched(key)
                pause_s = await self._settled(key)
                if pause_s is not None:
                    await self._pause(pause_s)
                elif key in self._left:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._left[key]):
                            await news.wait()
                elif not news.is_set():
                    return
        finally:
            self._left.pop(key, None)
            del self._news[key], self._tasks[key]

    async def _let_be_watched(self, key: wanted.PodKey) -> None:
        """Let who deletes a mirror see it go, before it comes back under the same name.

        `kubectl delete` looks at the pod once more and then waits for a watch to say that it was
        deleted. It would wait for ever for one that was replaced between these two.
        """
        found = self._written.newest(key)
        if found is None or not (found.get("metadata") or {}).get("deletionTimestamp"):
            return
        if self._going.get(key) != apipods.uid_of(found):
            self._going[key] = apipods.uid_of(found)
            await asyncio.sleep(WATCHED_WITHIN_S)

    async def _settled(self, key: wanted.PodKey) -> float | None:
        """Take steps; how long to wait before the next when one has failed."""
        try:
            for _ in range(_MOST_STEPS):
                async with self._slots:
                    if not await self._one_step(key):
                        break
        except port.Refused as fault:
            return self._was_refused(key, fault)
        except port.Unreachable as fault:
            log.debug("mirror %s: %s", key, fault)
            return self._backoff_of(key).next()
        self._pauses.pop(key, None)
        return None

    async def _one_step(self, key: wanted.PodKey) -> bool:
        """Take one step; whether another may follow."""
        if not self._there.synced_once.is_set():
            return False
        now = self._situation(key)
        step = mirrorplan.step(now)
        if step.act is mirrorplan.Act.DELETE and step.edited and not self._may_undo(key):
            step = mirrorplan.Step(act=mirrorplan.Act.NOTHING)  # `_left` says until when
        if step.blocked:
            self._tell_once(key, step.why)
        match step.act:
            case mirrorplan.Act.CREATE if now.static is not None:
                await self._create(key, now.static)
                return True
            case mirrorplan.Act.DELETE:
                await self._delete(key, step)
                return True
            case _:
                return await self._publish(key, now)

    def _situation(self, key: wanted.PodKey) -> mirrorplan.Situation:
        shown = self._agent.pod(key)
        all_wanted = self._agent.manifests()
        pod = all_wanted.pods.get(key)
        if pod is not None and pod.source == apipods.API:
            shown, pod = None, None  # no static pod: whoever calls it a mirror made it up
        elif shown is not None and not mirrorpod.hash_of(shown):
            shown = None  # of the API, and going
        static = shown or (pod.pod if pod is not None else None)
        meta = static.metadata if static is not None else None
        return mirrorplan.Situation(
            static=static,
            leaving=pod is None and meta is not None and meta.deletionTimestamp is not None,
            found=self._written.newest(key),
            labels=self._labels.get(key),
            settled=all_wanted.ready >= all_wanted.sources - {apipods.API},
            node_uid=self._owner.uid,
        )

    async def _create(self, key: wanted.PodKey, pod: core.Pod) -> None:
        mirror = mirrorpod.made(pod, node=self._node, node_uid=self._owner.uid)
        try:
            made = await self._api.ask("POST", _path(key.namespace), mirror)
        except port.Refused as fault:
            if fault.reason != "AlreadyExists":
                raise
            made = await self._api.ask("GET", _path(key.namespace, key.name))
            if (made.get("spec") or {}).get("nodeName") != self._node:
                raise  # a pod of another node, which the watch will never bring
        else:
            log.info("%s: made its mirror pod", key, extra={"pod": str(key)})
            self._labels[key] = dict((made.get("metadata") or {}).get("labels") or {})
        self._refused.pop(key, None)
        self._written.take(key, made)

    async def _delete(self, key: wanted.PodKey, step: mirrorplan.Step) -> None:
        body = {**_DELETE, "preconditions": {"uid": step.uid}}
        try:
            await self._api.ask("DELETE", _path(key.namespace, key.name), body)
        except port.Refused as fault:
            if fault.code not in (404, 409):
                raise
            if await self._is_still(key, step.uid):
                raise port.Unreachable(
                    f"{self._api.server}: {fault}, and yet it is there"
                ) from fault
        log.info("%s: removed its mirror pod: %s", key, step.why, extra={"pod": str(key)})
        self._written.gone(key, step.uid)
        self._labels.pop(key, None)

    async def _is_still(self, key: wanted.PodKey, uid: str) -> bool:
        """Whether an object is there of which was said that it is gone, or another one by now.

        A kube-apiserver that has just started says so of every pod: its NodeRestriction plugin has
        not read any yet. No event would ever tell that it is there after all.
        """
        try:
            there = await self._api.ask("GET", _path(key.namespace, key.name))
        except port.Refused as fault:
            if fault.code != 404:
                raise
            return False
        return apipods.uid_of(there) == uid

    async def _publish(self, key: wanted.PodKey, now: mirrorplan.Situation) -> bool:
        """Write the status if it differs; the newest counts, one write is under way at most."""
        if now.static is None or now.static.status is None or now.found is None:
            self._forget(key, now)
            return False
        if not mirrorpod.mirrors(now.found, now.static):
            return False
        if now.leaving and now.static.status.phase == "Pending":
            return False  # all of it is cleared away: what it was last says more
        change = statuspatch.patch(now.static.status, now.found.get("status") or {})
        if change is None:
            return False
        body = {"metadata": {"uid": apipods.uid_of(now.found)}, "status": change}
        path = f"{_path(key.namespace, key.name)}/status"
        try:
            made = await self._api.ask("PATCH", path, body, media=port.STRATEGIC_PATCH)
        except port.Refused as fault:
            if fault.code not in (404, 409):
                raise
            return False  # it went meanwhile: the watch brings what there is now
        self._written.take(key, made)
        return True

    def _forget(self, key: wanted.PodKey, now: mirrorplan.Situation) -> None:
        """Remember nothing of a name that is neither here nor there."""
        if now.static is None and now.found is None:
            self._labels.pop(key, None)
            self._written.forget(key)
            self._going.pop(key, None)
            self._edits.pop(key, None)
            self._refused.pop(key, None)

    def _may_undo(self, key: wanted.PodKey) -> bool:
        """Whether an edit is undone now: at once at first, then ever more slowly.

        One that is left for now is noted, with the seconds until it is looked at again.
        """
        now = self._clock.monotonic()
        unseen = (backoff.Backoff(self._random, base_s=1.0), 0.0)
        pause, until = self._edits.get(key, unseen)
        if now - until > EDIT_QUIET_S:
            pause.reset()
        elif now < until:
            self._left[key] = until - now
            return False
        self._edits[key] = (pause, now + pause.next())
        return True

    def _was_refused(self, key: wanted.PodKey, fault: port.Refused) -> float:
        """Tell of a refusal; how long to wait before the same is asked again."""
        self._tell_once(key, f"the API server refuses it: {fault.message}")
        pause_s = self._backoff_of(key).next(fault.retry_after_s)
        return min(pause_s, MOST_ABSENT_S) if fault.code == 404 else pause_s

    def _tell_once(self, key: wanted.PodKey, why: str) -> None:
        if self._refused.get(key) != why:
            self._refused[key] = why
            words = f"static pod {key} has no mirror pod: {why}"
            log.warning("%s", words, extra={"pod": str(key)})
            self._tell(FAILED, words)

    def _backoff_of(self, key: wanted.PodKey) -> backoff.Backoff:
        return self._pauses.setdefault(key, backoff.Backoff(self._random))


def _path(namespace: str, name: str = "") -> str:
    path = f"/api/v1/namespaces/{namespace}/pods"
    return f"{path}/{name}" if name else path


def _key(pod: core.Pod) -> wanted.PodKey:
    meta = pod.metadata or core.ObjectMeta()
    return wanted.PodKey(meta.namespace or "default", meta.name or "")
