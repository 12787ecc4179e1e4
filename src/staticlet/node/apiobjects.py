"""Config maps, secrets and tokens that pods of the API on this node refer to, kept up to date.

A node may ask for single objects by name, and only for those that its pods refer to. So each gets
a task of its own, which lists it by its name and then watches it, as the kubelet does by default.
Here each watch is a TLS connection, which takes some 300 kB: beyond a few, objects are asked for
from time to time, and anew when another pod comes to refer to them. What is immutable is asked for
once, and what nobody refers to any more is forgotten.

What is known stays while the server is away, also for pods that come then. What is in an object
lies in memory alone, and is part of no message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from staticlet.aio import clock as clocks
from staticlet.client import backoff, listing, port, reflector, saying
from staticlet.node import apicontent, apitokens
from staticlet.pods import wanted
from staticlet.pods.apiobjects import held, references

log = logging.getLogger(__name__)

MOST_WATCHED = 8
"""So many objects that are there are watched at once, and so many that are not."""

AT_ONCE = 8
"""So many requests are made at once."""

POLL_S = 30.0
"""An object that is not watched is asked for after one to two times this."""

SERVICE_S = 300.0
"""And the service of the API server, which never changes, after one to two times this."""

PATIENCE = 3
"""So often a node may be told that it has no right before that is believed: the server learns of
a new pod a moment after its node does."""

_PLURALS = {
    held.Kind.CONFIG_MAP: "configmaps",
    held.Kind.SECRET: "secrets",
    held.Kind.SERVICE: "services",
}

References = frozenset[held.AnyRef]


class ApiObjects:
    """Knows what the API server has of what pods refer to.

    Args:
        api: The API server.
        clock: The time.
        random: A number from 0 (included) to 1 (excluded) at each call.
        changed: Is told which pods refer to something of which there is news.
        pause: Waits so many seconds, or less if a server that was away answers again.
        most_watched: How many objects that are there are watched at once, and how many that are
            not.
    """

    def __init__(
        self,
        api: port.Api,
        *,
        clock: clocks.Clock,
        random: Callable[[], float],
        changed: Callable[[wanted.PodKey], None],
        pause: Callable[[float], Awaitable[None]],
        most_watched: int = MOST_WATCHED,
    ) -> None:
        self._api = api
        self._clock = clock
        self._random = random
        self._changed = changed
        self._pause = pause
        self._most_watched = most_watched
        self._watched = {True: 0, False: 0}
        self._requests = asyncio.Semaphore(AT_ONCE)
        self._resting: dict[held.AnyRef, asyncio.Event] = {}
        self._awaited: dict[held.AnyRef, set[str]] = {}
        self._pods: dict[wanted.PodKey, tuple[wanted.WantedPod, References]] = {}
        self._users: Mapping[held.AnyRef, list[wanted.PodKey]] = {}
        self._answers: dict[held.AnyRef, held.Answer] = {}
        self._tasks: dict[held.AnyRef, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()

    def want(self, pods: Iterable[wanted.WantedPod]) -> None:
        """Follow what these pods refer to, and forget everything else."""
        known, self._pods = self._pods, {}
        users: dict[held.AnyRef, list[wanted.PodKey]] = {}
        for pod in pods:
            before = known.get(pod.key)
            same = before is not None and before[0] is pod
            found = before[1] if before is not None and same else references.of(pod)
            self._pods[pod.key] = (pod, found)
            for ref in found:
                users.setdefault(ref, []).append(pod.key)
                if before is None or before[0].uid != pod.uid:
                    self._ask_anew(ref, pod.uid)
        self._users = users
        for ref in self._answers.keys() - users.keys():
            del self._answers[ref]
            self._awaited.pop(ref, None)
        for ref in users.keys() - self._answers.keys():
            self._answers[ref] = held.Unanswered()
        self._woken.set()

    def of(self, pod: wanted.WantedPod) -> held.Holdings:
        """What is known now of everything that a pod refers to."""
        known = self._pods.get(pod.key)
        found = known[1] if known is not None and known[0] is pod else references.of(pod)
        return held.Holdings({ref: self._answer_for(pod.uid, ref) for ref in found})

    def _answer_for(self, uid: str, ref: held.AnyRef) -> held.Answer:
        if uid in self._awaited.get(ref, ()):
            return held.Unanswered()
        lost = held.Unanswered(why="the API server does not want the pod here any more")
        return self._answers.get(ref, lost)

    def _ask_anew(self, ref: held.AnyRef, uid: str) -> None:
        """Let a new pod have an object as it is now, where what is known may be of a while ago."""
        resting = self._resting.get(ref)
        if resting is not None:
            self._awaited.setdefault(ref, set()).add(uid)
            resting.set()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._woken.clear()
                    for ref in self._tasks.keys() - self._users.keys():
                        self._tasks.pop(ref).cancel()
                    for ref in self._users.keys() - self._tasks.keys():
                        work = self._follow(ref)
                        self._tasks[ref] = group.create_task(work, name=f"following {ref}")
                    await self._woken.wait()
        finally:
            self._tasks.clear()

    async def _follow(self, ref: held.AnyRef) -> None:
        if isinstance(ref, held.TokenRef):
            await self._renew(ref)
        else:
            await self._keep_up(ref)

    async def _keep_up(self, ref: held.Ref) -> None:
        """List an object, follow it, and do so again, until it is one that never changes."""
        path = f"/api/v1/namespaces/{ref.namespace}/{_PLURALS[ref.kind]}"
        chosen = {"fieldSelector": f"metadata.name={ref.name}"}
        tries = _Tries(self._random, f"following {ref}", self._clock)
        while True:
            try:
                async with self._requests:
                    listed = await listing.whole(self._api, path, chosen)
                self._take(ref, listed.objects.get((ref.namespace, ref.name)))
            except port.ApiFault as fault:
                self._settle(ref)
                await self._pause(self._failed(ref, fault, tries))
                continue
            self._settle(ref)
            tries.answered()
            answer = self._answers.get(ref)
            absent = isinstance(answer, held.Absent)
            if isinstance(answer, held.Held) and answer.immutable:
                return
            if ref.kind is held.Kind.SERVICE:
                await self._rest(ref, SERVICE_S)
            elif self._watched[absent] >= self._most_watched:
                await self._rest(ref, tries.absent.next() if absent else POLL_S)
            elif await self._watch(ref, path, chosen | {"resourceVersion": listed.version}):
                tries.pauses.reset()
            else:
                await self._pause(tries.pauses.next())

    async def _rest(self, ref: held.Ref, seconds: float) -> None:
        """Wait once to twice that long, or until another pod refers to the object."""
        self._resting[ref] = asyncio.Event()
        try:
            async with asyncio.timeout(seconds * (1 + self._random())):
                await self._resting[ref].wait()
        except TimeoutError:
            pass  # it is time to ask again
        finally:
            del self._resting[ref]

    def _settle(self, ref: held.Ref) -> None:
        """The server was asked, with or without success: let those go on who waited for that."""
        waiting = self._awaited.pop(ref, set())
        for key in self._users.get(ref, ()):
            if self._pods[key][0].uid in waiting:
                self._changed(key)

    async def _watch(self, ref: held.Ref, path: str, query: Mapping[str, str]) -> bool:
        """Take in what is told of an object until the stream ends; whether it was one."""
        absent = isinstance(self._answers.get(ref), held.Absent)
        began = self._clock.monotonic()
        seconds = int(reflector.STREAM_S * (1 + self._random()))
        query = {**query, "timeoutSeconds": str(seconds)}
        stream = self._api.watch(path, query=query, silence_s=reflector.SILENCE_S)
        self._watched[absent] += 1
        try:
            async for event in stream:
                if event.type != "BOOKMARK":
                    self._take(ref, None if event.type == "DELETED" else event.object)
        except port.ApiFault as fault:
            log.debug("watching %s: %s", ref, fault)
        finally:
            self._watched[absent] -= 1
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
        return self._clock.monotonic() - began >= reflector.SETTLED_S

    async def _renew(self, ref: held.TokenRef) -> None:
        """Have a token, and a new one long before it ends."""
        tries = _Tries(self._random, f"renewing the {ref}", self._clock)
        while True:
            try:
                async with self._requests:
                    token = await apitokens.request(self._api, ref)
            except port.ApiFault as fault:
                await self._pause(self._failed(ref, fault, tries))
                continue
            tries.answered()
            tries.pauses.reset()
            self._answer(ref, held.Held(data={held.TOKEN: token.text.encode(errors="replace")}))
            await asyncio.sleep(apitokens.renew_in_s(token.lifetime_s, self._random()))

    def _take(self, ref: held.Ref, thing: Mapping[str, Any] | None) -> None:
        """Take an object as the server has it now; None where there is none.

        Raises:
            Unreachable: It sends what is no such object.
        """
        if thing is None:
            self._answer(ref, held.Absent())
            return
        try:
            answer = apicontent.read(ref.kind, thing)
        except apicontent.NotReadable as fault:
            raise port.Unreachable(f"{self._api.server}: sends {ref}, and {fault}") from fault
        self._answer(ref, answer)

    def _failed(self, ref: held.AnyRef, fault: port.ApiFault, tries: _Tries) -> float:
        """Note a fault; how long to wait. What is known stays, whoever is away or refuses."""
        patient = tries.failed(fault)
        if isinstance(self._answers.get(ref), held.Unanswered) and not patient:
            self._answer(ref, held.Unanswered(why=str(fault)))
        return tries.pauses.next(getattr(fault, "retry_after_s", None))

    def _answer(self, ref: held.AnyRef, answer: held.Answer) -> None:
        if ref not in self._users or self._answers.get(ref) == answer:
            return
        self._answers[ref] = answer
        for key in self._users[ref]:
            self._changed(key)


class _Tries:
    """How often an object was asked for in vain, how long to wait, and what the log says of it."""

    def __init__(self, random: Callable[[], float], subject: str, clock: clocks.Clock) -> None:
        self.pauses = backoff.Backoff(random)
        self.absent = backoff.Backoff(random, most_s=POLL_S, least_s=1.0)
        self._words = saying.Saying(log, subject, clock)
        self._denied = 0

    def answered(self) -> None:
        """There was an answer."""
        self._denied = 0
        self._words.back()

    def failed(self, fault: port.ApiFault) -> bool:
        """There was none; whether that is not believed yet."""
        if not isinstance(fault, port.Refused):
            return False  # that nothing answers is the connection's to say
        if fault.code == HTTPStatus.FORBIDDEN and self._denied < PATIENCE:
            self._denied += 1
            return True
        self._words.lost(str(fault))
        return False
