"""One worker a pod key: takes the newest wanted pod and the newest observation, and acts.

The loop is: look, plan, perform, again; when a plan has no action, sleep until an event or the
time that the plan names. Events only wake the worker: what it does follows from what is wanted and
what is seen, so a lost event costs time until the next look and never correctness. Nothing is done
for a pod while nothing happens.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar, assert_never

from staticlet.aio import clock as clocks
from staticlet.aio import logfields
from staticlet.pods import (
    counting,
    deadline,
    ends,
    entrance,
    fields,
    grace,
    preemption,
    report,
    served,
    steps,
    telling,
    tools,
    wanted,
)
from staticlet.pods import observed as obs
from staticlet.pods import plan as planning
from staticlet.pods.apiobjects import gate
from staticlet.pods.images import view as image_view
from staticlet.runtime import port

log = logging.getLogger(__name__)

T = TypeVar("T")

_MICROSECOND = timedelta(microseconds=1)

_STARTS = (steps.RunSandbox, steps.Start)
"""Actions that need a turn, since only so many pods start at once."""


class Worker:
    """Keeps one pod as it is wanted, from its first start until nothing is left of it.

    Args:
        key: The pod's name.
        shared: What it acts with.
        want: What is wanted at first.
        past: What is remembered of an earlier life.
        look: Whether the runtime may have something of it already.
    """

    def __init__(
        self,
        key: wanted.PodKey,
        shared: tools.Tools,
        *,
        want: wanted.WantedPod | None,
        past: obs.History | None = None,
        look: bool = True,
    ) -> None:
        self.key = key
        self.ended = False
        self._tools = shared
        self._teller = telling.Teller(key, shared)
        self._want = want
        self._serving: wanted.WantedPod | None = None
        self._leaving: tuple[wanted.WantedPod, datetime] | None = None
        self._past = past or obs.History()
        self._seen = obs.Observed()
        self._look = look
        self._renewal = False
        self._woken = asyncio.Event()
        self._exited: set[str] = set()
        self._watched: dict[str, int] = {}
        self._uncleaned: set[str] = set()
        self._holds_start = False
        self._waits_outside = False
        self._waits: Mapping[str, steps.Wait] = {}
        self._images: Mapping[str, image_view.ImageView] = {}
        self._successor_images: Mapping[str, image_view.ImageView] = {}
        self._trouble: obs.Fault | None = None
        self._blind: obs.Fault | None = None
        self._jumps = clocks.Jumps(shared.clock)
        self._entrance = entrance.Entrance(key, shared.places, wake=self.wake, end=self._preempted)
        self._stopping = grace.Stopping(shared.clock, shared.grace_of)

    @property
    def seen(self) -> obs.Observed:
        """What the worker believes runs."""
        return self._seen

    @property
    def past(self) -> obs.History:
        """What the worker remembers, with times by the present date."""
        self._keep_pace()
        return self._past

    def wish(self, want: wanted.WantedPod | None) -> None:
        """Set what is wanted; the newest wish counts, and the same one again wakes nobody."""
        if want is not self._want:
            self._want = want
            self._woken.set()

    def wake(self) -> None:
        """Plan again."""
        self._woken.set()

    def doubt(self) -> None:
        """Look at the runtime anew: it does not show what the worker believes."""
        self._look = True
        self._woken.set()

    def hurry(self) -> None:
        """The API may have shortened the grace of what is being stopped."""
        self._stopping.hurry()

    def _preempted(self) -> None:
        """A critical pod needs its room: it ends, with its own grace, and is not started again."""
        self._end(preemption.REASON, preemption.MESSAGE, disruption=preemption.CONDITION)

    def _end(self, reason: str, message: str, *, disruption: str = "") -> None:
        """End the pod for good, whatever its restartPolicy says."""
        pod = self._serving
        if pod is None or ends.is_over(pod, self._seen, self._past):
            return
        ending = obs.Ending(
            uid=pod.uid,
            revision=pod.revision,
            reason=reason,
            message=message,
            at_ns=self._now_ns(),
            disruption=disruption,
        )
        self._past = replace(self._past, ended=ending)
        self._teller.ended(pod, ending)
        self._woken.set()

    def renew(self) -> None:
        """What the pod refers to has changed: take it in, and try at once what lacked it."""
        self._renewal = True
        self._woken.set()

    def watches(self, runtime_id: str) -> bool:
        """Whether the kernel will tell when the process of this container or sandbox ends."""
        return runtime_id in self._watched

    def report(self) -> report.Report:
        """The pod as it is now."""
        return report.Report(
            key=self.key,
            want=self._want,
            serving=self._serving,
            leaving=self._leaving,
            seen=self._seen,
            past=self.past,
            waits=self._waits,
            images=self._images,
            successor_images=self._successor_images,
            trouble=self._trouble,
            obstacle=self._entrance.obstacle,
        )

    async def run(self) -> None:
        """Work until nothing is wanted and nothing is left, or until cancelled."""
        try:
            while not self.ended:
                self._woken.clear()
                try:
                    await self._turn()
                except port.Unavailable as fault:
                    self._look = True
                    self._release_start()
                    self._tools.runtime.lost(fault)
                    await self._tools.runtime.wait()
                except tools.StepFault as fault:
                    await self._look_later(fault)
        finally:
            self._release_start()
            self._entrance.leave()
            for pid in self._watched.values():
                self._tools.exits.remove(pid)

    async def _turn(self) -> None:
        """Take in what happened, plan, and perform or sleep.

        Raises:
            tools.StepFault: The runtime cannot be looked at; faults of actions are dealt with.
        """
        if self._look:
            await self._look_anew()
        await self._take_in_exits()
        planned = gate.within(self._plan(), self._serving, self._tools.objects)
        if self._renewal:
            await self._renew()
            return  # what lacked something may be done now
        made = self._let_in(planned)
        self._waits = made.waits
        self._tools.changed(self.key)
        self._teller.waiting(self._serving, made.waits)
        if self._serving and made.needs:
            self._tools.images.need(self._serving, made.needs, self.wake)
        if not made.actions:
            self._release_start()
            await self._watch_sandboxes()
            self._blind = None
            await self._sleep(self._earliest(made.wake_at_ns))
            return
        if self._trouble and self._trouble.retry_at_ns > self._now_ns():
            self._release_start()
            await self._sleep(self._trouble.retry_at_ns)
            return
        if not self._holds_start and any(isinstance(a, _STARTS) for a in made.actions):
            await self._tools.starts.acquire()
            self._holds_start = True
            return  # waiting for a turn may have taken long: plan with what is wanted now
        self._blind = None
        try:
            for action in made.actions:
                await self._perform(action)
        except tools.StepFault as fault:
            now_ns = self._now_ns()
            self._trouble = obs.next_fault(self._trouble, fault.reason, fault.message, now_ns)
            self._look = True
            self._failed(fault)

    def _plan(self) -> steps.Plan:
        now_ns = self._now_ns()
        want = self._want
        self._entrance.ask_anew()
        images: Mapping[str, image_view.ImageView] = {}
        if want is not None:
            images = self._views(want)
        target = served.target(want, self._serving, self._seen, images)
        lacks_images = target is not want
        if target is not None and target is want:
            target = self._entrance.successor(want, self._serving, self._seen)
        if lacks_images and want is not None:
            self._tools.images.need(want, self._counts(want), self.wake)
        if target is not None and target is not want:
            self._successor_images = images
            if want is not None and lacks_images:
                self._teller.held_back(want, images)
            images = self._views(target)
        else:
            self._successor_images = {}
            self._teller.served()
        self._images = images
        self._switch(target, now_ns)
        self._hold_to_deadline(target, now_ns)
        return planning.plan(self._situation(target, images, now_ns))

    def _let_in(self, planned: steps.Plan) -> steps.Plan:
        """The plan, once the pod has its place; its time begins when it is let in."""
        waited = self._waits_outside
        made = self._entrance.let_in(planned, self._serving, self._seen, self._past)
        found = self._entrance.obstacle
        self._teller.obstructed(self._want, found)
        self._waits_outside = found is not None and self._serving is self._want
        if waited and not self._waits_outside and self._serving is not None:
            self._past = replace(self._past, started_at_ns=self._now_ns())
        return made

    def _hold_to_deadline(self, pod: wanted.WantedPod | None, now_ns: int) -> None:
        if (
            pod is not None
            and not self._waits_outside
            and deadline.is_over(pod, self._past, now_ns)
        ):
            self._end(deadline.REASON, deadline.MESSAGE)

    def _situation(
        self,
        target: wanted.WantedPod | None,
        images: Mapping[str, image_view.ImageView],
        now_ns: int,
    ) -> steps.Situation:
        return steps.Situation(
            target=target,
            seen=self._seen,
            past=self._past,
            images=images,
            now_ns=now_ns,
            uncleaned=frozenset(self._uncleaned),
            origin=self._leaving[0].origin if self._leaving else "",
            source=self._leaving[0].source if self._leaving else "",
            graces=self._graces() if target is None else {},
        )

    def _graces(self) -> dict[str, int]:
        """With which grace each UID is deleted, where the deletion says so."""
        asked = ((s.uid, self._tools.grace_of(s.uid)) for s in self._seen.sandboxes)
        return {uid: grace_s for uid, grace_s in asked if grace_s is not None}

    def _switch(self, target: wanted.WantedPod | None, now_ns: int) -> None:
        """Serve another pod from now on."""
        before = self._serving
        if before is not None and (target is None or target.uid != before.uid):
            self._tools.images.forget(before.uid)
            self._uncleaned.add(before.uid)
        if target is None and before is not None:
            self._leaving = (before, self._tools.clock.now())
        if target is not None:
            self._leaving = None
            self._uncleaned.discard(target.uid)
            self._past = served.history(self._past, target, self._seen, now_ns)
        if target is not None and target is not before and target.source == wanted.API:
            self._renewal = True
        self._serving = target
        if target is not None:
            logfields.bind(uid=target.uid)

    async def _renew(self) -> None:
        """Bring what the pod has of the API's objects up to date."""
        self._renewal = False
        pod = self._serving
        if pod is not None and pod.source == wanted.API:
            self._past = self._past.without_lacks()
            living = any(s.alive and s.uid == pod.uid for s in self._seen.sandboxes)
            await self._tools.hands.renew(pod, living=living)

    def _views(self, pod: wanted.WantedPod) -> Mapping[str, image_view.ImageView]:
        return self._tools.images.views(pod, self._counts(pod))

    def _counts(self, pod: wanted.WantedPod) -> dict[str, int]:
        situation = self._situation(pod, {}, 0)
        names = [c.name for c in fields.all_containers(pod.pod)]
        return {name: counting.next_count(situation, pod, name) for name in names}

    def _earliest(self, wake_at_ns: int | None) -> int | None:
        """The plan's time, the pod's deadline, or the next try to get an image: the first."""
        now_s = self._tools.clock.monotonic()
        times = [
            self._now_ns() + int((view.until - now_s) * obs.SECOND_NS)
            for view in (*self._images.values(), *self._successor_images.values())
            if view.until is not None and view.until > now_s
        ]
        pod = self._serving
        if pod is not None and not ends.is_over(pod, self._seen, self._past):
            over = None if self._waits_outside else deadline.ends_at_ns(pod, self._past)
            times += [over] if over is not None else []
        return min([*times, *([wake_at_ns] if wake_at_ns is not None else [])], default=None)

    async def _sleep(self, until_ns: int | None) -> None:
        """Wait for an event or the time that the plan named."""
        if until_ns is None:
            await self._woken.wait()
            return
        seconds = max(0.0, (until_ns - self._now_ns()) / obs.SECOND_NS)
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass  # the time has come: plan again

    async def _perform(self, action: steps.Action) -> None:
        """Carry out one action and take its result into the view."""
        log.debug("%s: %s", self.key, action)
        self._teller.doing(action, self._known_pod(), self._seen)
        match action:
            case steps.RunSandbox():
                await self._run_sandbox(action)
            case steps.Start():
                await self._start(action)
            case steps.Stop():
                await self._stop(action)
            case steps.RemoveContainer(container_id=container_id):
                await self._remove_container(container_id)
            case steps.RemoveSandbox(sandbox_id=sandbox_id):
                await self._remove_sandbox(sandbox_id)
            case steps.CleanUp(uid=uid):
                await self._step(self._tools.hands.clean_up(self.key, uid))
                self._uncleaned.discard(uid)
            case steps.End():
                self.ended = True
            case _:
                assert_never(action)
        self._tools.changed(self.key)

    def _known_pod(self) -> wanted.WantedPod | None:
        """What is served, or what is leaving."""
        return self._serving or (self._leaving[0] if self._leaving else None)

    async def _look_anew(self) -> None:
        """Read everything of this key from the runtime; exits that happened meanwhile count."""
        before = {c.id: c for s in self._seen.sandboxes for c in s.containers}
        self._seen = await self._tools.hands.look(self.key)
        self._look = False
        await self._recall_predecessor()
        now_ns = self._now_ns()
        for sandbox in self._seen.sandboxes:
            for container in sandbox.containers:
                known = before.get(container.id)
                if container.exited and known is not None and known.running:
                    self._past = self._past.with_exit(container, self._tools.backoff, now_ns)
                self._watch(container)

    async def _recall_predecessor(self) -> None:
        """After a start of the agent: what runs under this key, if it is not what is wanted.

        Then a change that was made while no agent ran is served like any other: its image is
        pulled before the old pod is stopped.
        """
        want = self._want
        if self._serving is not None or want is None or self._past.incarnation is not None:
            return
        for sandbox in self._seen.sandboxes:
            if sandbox.alive and (sandbox.uid, sandbox.revision) != (want.uid, want.revision):
                known = await self._tools.hands.recall(sandbox)
                if known is not None:
                    self._serving = replace(known, incarnation=want.incarnation)
                return

    async def _look_later(self, fault: tools.StepFault) -> None:
        """The runtime answers, but not on this pod: look anew after a pause, and do nothing."""
        self._failed(fault)
        self._release_start()
        self._look = True
        now_ns = self._now_ns()
        self._blind = obs.next_fault(self._blind, fault.reason, fault.message, now_ns)
        await self._sleep(self._blind.retry_at_ns)

    async def _take_in_exits(self) -> None:
        """Ask the runtime how each process ended of which the kernel said that it did."""
        while self._exited:
            ended = self._exited.pop()
            self._watched.pop(ended, None)
            sandbox = self._seen.sandbox(ended)
            if sandbox is not None:
                self._seen = self._seen.with_sandbox(
                    await self._tools.hands.sandbox_exit_of(sandbox)
                )
                continue
            for owner in self._seen.sandboxes:
                for container in owner.containers:
                    if container.id == ended and container.alive:
                        after = await self._tools.hands.exit_of(container)
                        log.info(
                            "%s: container %s ended with exit code %d%s",
                            self.key,
                            after.name,
                            after.exit_code,
                            f" ({after.reason})" if after.reason else "",
                            extra={"container": after.name, "exitCode": after.exit_code},
                        )
                        self._take(owner.id, after)

    def _take(self, sandbox_id: str, container: obs.ObservedContainer) -> None:
        """Take a container into the view, watch it while it runs, count its exit."""
        self._seen = self._seen.with_container(sandbox_id, container)
        if container.exited:
            now_ns = self._now_ns()
            self._past = self._past.with_exit(container, self._tools.backoff, now_ns)
        self._watch(container)
        self._tools.changed(self.key)

    def _watch(self, container: obs.ObservedContainer) -> None:
        if container.running and container.pid and container.id not in self._watched:
            self._watch_process(container.id, container.pid)

    def _watch_process(self, runtime_id: str, pid: int) -> None:
        def ended() -> None:
            self._exited.add(runtime_id)
            self._woken.set()

        self._watched[runtime_id] = pid
        self._tools.exits.add(pid, ended)

    async def _watch_sandboxes(self) -> None:
        """Learn the sandbox's own pid once the pod is at rest, so that its death is seen too."""
        for sandbox in self._seen.sandboxes:
            if not sandbox.ready or sandbox.id in self._watched:
                continue
            known = sandbox if sandbox.pid else await self._tools.hands.pids(sandbox)
            self._seen = self._seen.with_sandbox(known)
            if not known.ready:
                self._woken.set()
            elif known.pid:
                self._watch_process(known.id, known.pid)

    async def _run_sandbox(self, action: steps.RunSandbox) -> None:
        pod = self._serving
        if pod is None:
            return
        log.info("%s: making sandbox %d: %s", self.key, action.attempt, action.why)
        try:
            sandbox = await self._tools.hands.run_sandbox(pod, action.attempt)
        except tools.StepFault as fault:
            now_ns = self._now_ns()
            old = self._past.sandbox_fault
            failed = obs.next_fault(old, fault.reason, fault.message, now_ns)
            self._past = replace(self._past, sandbox_fault=failed)
            self._failed(fault)
            return
        self._past = replace(self._past, sandbox_fault=None)
        self._seen = self._seen.with_sandbox(sandbox)

    async def _start(self, action: steps.Start) -> None:
        pod, sandbox = self._serving, self._seen.sandbox(action.sandbox_id)
        view = self._images.get(action.name)
        if pod is None or sandbox is None or view is None or view.image is None:
            return
        log.info(
            "%s: starting container %s (restart %d): %s",
            self.key,
            action.name,
            action.restart_count,
            action.why,
            extra={"container": action.name},
        )
        try:
            container = await self._tools.hands.start(
                tools.ContainerStart(
                    pod=pod,
                    sandbox=sandbox,
                    name=action.name,
                    restart_count=action.restart_count,
                    image=view.image,
                )
            )
        except tools.StepFault as fault:
            now_ns = self._now_ns()
            self._past = self._past.with_fault(action.name, fault.reason, fault.message, now_ns)
            self._tools.images.gone(pod.uid, action.name)
            self._failed(fault, container=action.name)
            return
        now_ns = self._now_ns()
        self._past = self._past.with_start(action.name, action.restart_count, now_ns)
        if action.name in {c.name for c in fields.containers(pod.pod)}:
            self._past = replace(self._past, initialized=sandbox.id)
        self._take(sandbox.id, container)

    async def _stop(self, action: steps.Stop) -> None:
        """Stop on purpose: the exits are kept for the status and count as no crash."""
        sandbox = self._seen.sandbox(action.sandbox_id)
        if sandbox is None:
            return
        log.info("%s: stopping (grace %d s): %s", self.key, action.grace_s, action.why)
        for runtime_id in (sandbox.id, *(c.id for c in sandbox.containers)):
            self._unwatch(runtime_id)
        stop = functools.partial(self._tools.hands.stop, sandbox)
        stopped = await self._step(self._stopping.within(sandbox.uid, action.grace_s, stop))
        own = sandbox.uid == self._past.uid  # what a predecessor left is no last state of ours
        last = {c.name: c for c in stopped.containers if c.exited and own}
        self._past = replace(self._past, last={**self._past.last, **last})
        self._seen = self._seen.with_sandbox(stopped)
        self._renewal |= self._serving is not None and self._serving.over

    async def _remove_container(self, container_id: str) -> None:
        for sandbox in self._seen.sandboxes:
            for container in sandbox.containers:
                if container.id == container_id:
                    await self._step(
                        self._tools.hands.remove_container(self.key, sandbox.uid, container)
                    )
        self._seen = self._seen.without_container(container_id)

    async def _remove_sandbox(self, sandbox_id: str) -> None:
        """Remove it; that its UID is to be cleared away is known also if the answer is lost."""
        self._uncleaned |= {s.uid for s in self._seen.sandboxes if s.id == sandbox_id}
        await self._step(self._tools.hands.remove_sandbox(sandbox_id))
        self._seen = self._seen.without_sandbox(sandbox_id)

    def _unwatch(self, runtime_id: str) -> None:
        self._exited.discard(runtime_id)
        pid = self._watched.pop(runtime_id, None)
        if pid is not None:
            self._tools.exits.remove(pid)

    async def _step(self, step: Awaitable[T]) -> T:
        """Perform a step that must succeed before anything else is done."""
        result = await step
        self._trouble = None  # one that went well ends the row of failures
        return result

    def _failed(self, fault: tools.StepFault, *, container: str = "") -> None:
        self._look = self._look or fault.look
        self._teller.failed(fault, self._known_pod(), container)
        log.warning("%s: %s: %s", self.key, fault.reason, fault.message)

    def _release_start(self) -> None:
        if self._holds_start:
            self._tools.starts.release()
            self._holds_start = False

    def _now_ns(self) -> int:
        """The date; all times that are waited for are by it, and are taken after this."""
        self._keep_pace()
        return int(self._tools.clock.now().timestamp() * obs.SECOND_NS)

    def _keep_pace(self) -> None:
        """Wait as long as ever when the date has jumped: move the times that are waited for."""
        by_ns = self._jumps.since() // _MICROSECOND * 1000
        if by_ns:
            self._past = self._past.moved(by_ns)
            self._trouble = self._trouble and self._trouble.moved(by_ns)
            self._blind = self._blind and self._blind.moved(by_ns)
            self._woken.set()  # what was planned names times of before
