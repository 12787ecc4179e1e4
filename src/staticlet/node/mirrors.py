"""Keeps the mirror pods of this node as they should be, and their status true.

Each name has one task at a time, which does one thing after the other and begins anew whenever
something has changed; what waits for an API server that is away, refuses or is slow waits here,
and nothing else does. What the watch has not brought yet is known from the answers to our own
requests.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.client import port
from staticlet.kube import core, finding
from staticlet.node import (
    collection,
    complaints,
    mirrorplan,
    mirrorpod,
    podwrites,
    statuspatch,
    tending,
    undoing,
    view,
)
from staticlet.pods import wanted
from staticlet.pods.sources import apipods, podshape

log = logging.getLogger(__name__)

Object = dict[str, Any]

WATCHED_WITHIN_S = 0.3
"""How soon whoever deletes a mirror watches it to see it go."""

FAILED = "FailedMirrorPod"
"""The reason of the event on the Node when a mirror pod is refused; the kubelet only logs it."""

_MOST_STEPS = 8
_NONE = "has no mirror pod"


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
        self._tell = tell
        self._pods = podwrites.PodWrites(api, there, clock, random)
        self._created: dict[wanted.PodKey, Object] = {}
        self._edits = undoing.Undoing[wanted.PodKey](clock, random)
        self._complaints = complaints.Complaints[wanted.PodKey](clock, self._warn)
        self._going: dict[wanted.PodKey, tuple[str, float]] = {}
        self._tending = tending.Tending[wanted.PodKey](
            "mirror", self._settle, refused=self._was_refused, random=random, pause=pause
        )

    def findings(
        self, pods: Mapping[wanted.PodKey, wanted.WantedPod]
    ) -> Iterator[finding.Finding]:
        """Which of the wanted pods have no true mirror, and why, where that lasts."""
        for key, words in self._complaints.lasting():
            if key in pods:
                yield finding.Finding(
                    severity=finding.Severity.WARNING,
                    source=pods[key].origin,
                    message=f"static pod {key} {words}",
                )

    async def run(self) -> None:
        """Work until cancelled."""
        async with self._tending.begun() as group:
            group.create_task(self._follow(self._agent.changes), name="mirrors: pods")
            group.create_task(self._follow(self._there.changes), name="mirrors: API")
            group.create_task(self._follow_owner(), name="mirrors: node")
            await self._there.synced_once.wait()
            self._look_at_all()
            await self._tending.resync(self._look_at_all)

    async def _follow(
        self, changes: fanout.Fanout[wanted.PodKey] | fanout.Fanout[tuple[str, str]]
    ) -> None:
        """Look at what changes, and at everything at first and after a flood."""
        while True:
            with changes.subscribed() as news:
                self._look_at_all()
                try:
                    while some := await news.next():
                        for namespace, name in some:
                            self._tending.look(wanted.PodKey(namespace, name))
                except fanout.Dropped:
                    log.debug("too many changes at once: looking at every mirror pod")
                else:
                    return  # the agent ends

    async def _follow_owner(self) -> None:
        with self._owner.changes.subscribed() as news:
            while await news.next():
                self._look_at_all()

    def _look_at_all(self) -> None:
        keys = {wanted.PodKey(*key) for key in self._there.objects}
        keys |= set(self._agent.manifests().pods) | {_key(pod) for pod in self._agent.pods()}
        for key in sorted(keys):
            self._tending.look(key)

    async def _settle(self, key: wanted.PodKey) -> float | None:
        """Take steps until nothing is to be done; after how many seconds there will be again."""
        for _ in range(_MOST_STEPS):
            if not self._there.synced_once.is_set():
                return None
            if wait_s := self._unwatched_s(key):
                return wait_s
            now = self._situation(key)
            if now.found is not None and not podshape.is_pod(now.found):
                words = f"{_NONE}: the API server has something of its name that is no pod"
                return self._complaints.wrong(key, words) or None
            step = mirrorplan.step(now)
            left_s = self._edits.left_s(key) if step.edited else 0.0
            if left_s:
                step = mirrorplan.Step(act=mirrorplan.Act.NOTHING)
            again_s = await self._take(key, step, now)
            if again_s == 0:
                continue
            if step.blocked:
                return self._complaints.wrong(key, f"{_NONE}: {step.why}") or None
            self._complaints.right(key)
            return left_s or again_s
        return None

    def _unwatched_s(self, key: wanted.PodKey) -> float:
        """How long who deletes a mirror must be given to see it go, before it comes back.

        `kubectl delete` looks at the pod once more and then waits for a watch to say that it was
        deleted. It would wait for ever for one that was replaced between these two.
        """
        found = self._pods.newest(key)
        if found is None or not (found.get("metadata") or {}).get("deletionTimestamp"):
            return 0.0
        now = self._clock.monotonic()
        uid, until = self._going.get(key, ("", now))
        if uid != apipods.uid_of(found):
            until = now + WATCHED_WITHIN_S
            self._going[key] = apipods.uid_of(found), until
        return max(until - now, 0.0)

    async def _take(
        self, key: wanted.PodKey, step: mirrorplan.Step, now: mirrorplan.Situation
    ) -> float | None:
        """Take one step; after how many seconds there may be another, None for not before news."""
        match step.act:
            case mirrorplan.Act.CREATE if now.static is not None:
                await self._create(key, now.static)
                return 0.0
            case mirrorplan.Act.DELETE:
                if step.edited:
                    self._edits.undone(key)
                await self._remove(key, step)
                return 0.0
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
            served=shown is not None,
            leaving=pod is None and meta is not None and meta.deletionTimestamp is not None,
            found=self._pods.newest(key),
            created=self._created.get(key),
            settled=all_wanted.ready >= all_wanted.sources - {apipods.API},
            node_uid=self._owner.uid,
        )

    async def _create(self, key: wanted.PodKey, pod: core.Pod) -> None:
        mirror = mirrorpod.made(pod, node=self._node, node_uid=self._owner.uid)
        ask = functools.partial(podwrites.ask, self._api, key)
        try:
            made = await ask("POST", podwrites.path(key.namespace), mirror)
        except port.Refused as fault:
            if fault.reason != "AlreadyExists":
                raise
            made = await ask("GET", podwrites.path(*key))
            if (made.get("spec") or {}).get("nodeName") != self._node:
                raise  # a pod of another node, which the watch will never bring
        else:
            log.info("%s: made its mirror pod", key, extra={"pod": str(key)})
            self._created[key] = mirrorpod.kept(made)
        self._pods.take(key, made)

    async def _remove(self, key: wanted.PodKey, step: mirrorplan.Step) -> None:
        await self._pods.remove(key, step.uid)
        log.info("%s: removed its mirror pod: %s", key, step.why, extra={"pod": str(key)})
        self._created.pop(key, None)

    async def _publish(self, key: wanted.PodKey, now: mirrorplan.Situation) -> float | None:
        """Write the status if it differs; answers as `_take`."""
        if now.static is None or now.static.status is None or now.found is None:
            self._forget(key, now)
            return None
        if not now.served or not mirrorpod.mirrors(now.found, now.static):
            return None
        ours = now.static.status
        if now.leaving and statuspatch.tells_less(ours, now.found.get("status") or {}):
            return None  # it is cleared away: what it was last says more
        return await self._pods.tell(
            key, now.found, lambda found: statuspatch.patch(ours, found.get("status") or {})
        )

    def _forget(self, key: wanted.PodKey, now: mirrorplan.Situation) -> None:
        """Remember nothing of a name that is neither here nor there."""
        if now.static is None and now.found is None:
            self._created.pop(key, None)
            self._pods.forget(key)
            self._going.pop(key, None)
            self._edits.forget(key)

    def _was_refused(self, key: wanted.PodKey, fault: port.Refused) -> None:
        there = self._pods.newest(key) is not None
        what = "has a mirror pod that is not kept true" if there else _NONE
        self._complaints.wrong(key, f"{what}: the API server refuses it: {fault.message}")

    def _warn(self, key: wanted.PodKey, words: str) -> None:
        words = f"static pod {key} {words}"
        log.warning("%s", words, extra={"pod": str(key)})
        self._tell(FAILED, words)


def _key(pod: core.Pod) -> wanted.PodKey:
    meta = pod.metadata or core.ObjectMeta()
    return wanted.PodKey(meta.namespace or "default", meta.name or "")
