"""Carries out the steps of one pod's plan, and takes what came of each into what is known."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import TypeVar, assert_never

from staticlet.pods import fields, grace, mind, steps, telling, tools, wanted, watching
from staticlet.pods import observed as obs

log = logging.getLogger(__name__)

T = TypeVar("T")


class Acting:
    """Acts for one pod.

    Args:
        knowing: What the worker knows.
        shared: What it acts with.
        watch: Sees what becomes of the pod.
        teller: Tells of it.
    """

    def __init__(
        self,
        knowing: mind.Mind,
        shared: tools.Tools,
        watch: watching.Watching,
        teller: telling.Teller,
    ) -> None:
        self._mind = knowing
        self._tools = shared
        self._watching = watch
        self._teller = teller
        self._stopping = grace.Stopping(shared.clock, shared.grace_of)

    def hurry(self) -> None:
        """The API may have shortened the grace of what is being stopped."""
        self._stopping.hurry()

    async def perform(self, action: steps.Action) -> None:
        """Carry out one action.

        Raises:
            tools.StepFault: It failed, and nothing else can be done before it is tried again.
        """
        own = self._mind
        log.debug("%s: %s", own.key, action)
        self._teller.doing(action, own.known_pod(), own.seen)
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
                await self._step(self._tools.hands.clean_up(own.key, uid))
                own.uncleaned.discard(uid)
            case steps.End():
                own.ended = True
            case _:
                assert_never(action)
        self._tools.changed(own.key)

    async def renew(self) -> None:
        """Bring what the pod has of the API's objects up to date."""
        own, pod = self._mind, self._mind.serving
        own.renewal = False
        if pod is not None and pod.source == wanted.API:
            own.past = own.past.without_lacks()
            living = any(s.alive and s.uid == pod.uid for s in own.seen.sandboxes)
            await self._tools.hands.renew(pod, living=living)

    def failed(self, fault: tools.StepFault, *, container: str = "") -> None:
        """Tell of a step that failed; `container` is the one that was to be started."""
        own = self._mind
        own.look = own.look or fault.look
        self._teller.failed(fault, own.known_pod(), container)
        log.warning("%s: %s: %s", own.key, fault.reason, fault.message)

    async def _run_sandbox(self, action: steps.RunSandbox) -> None:
        own, pod = self._mind, self._mind.serving
        if pod is None:
            return
        log.info("%s: making sandbox %d: %s", own.key, action.attempt, action.why)
        try:
            sandbox = await self._tools.hands.run_sandbox(pod, action.attempt)
        except tools.StepFault as fault:
            now_ns = own.now_ns()
            old = own.past.sandbox_fault
            failed = obs.next_fault(old, fault.reason, fault.message, now_ns)
            own.past = replace(own.past, sandbox_fault=failed)
            self.failed(fault)
            return
        own.past = replace(own.past, sandbox_fault=None)
        own.seen = own.seen.with_sandbox(sandbox)

    async def _start(self, action: steps.Start) -> None:
        own = self._mind
        pod, sandbox = own.serving, own.seen.sandbox(action.sandbox_id)
        view = own.images.get(action.name)
        if pod is None or sandbox is None or view is None or view.image is None:
            return
        log.info(
            "%s: starting container %s (restart %d): %s",
            own.key,
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
            now_ns = own.now_ns()
            own.past = own.past.with_fault(action.name, fault.reason, fault.message, now_ns)
            self._tools.images.gone(pod.uid, action.name)
            self.failed(fault, container=action.name)
            return
        now_ns = own.now_ns()
        own.past = own.past.with_start(action.name, action.restart_count, now_ns)
        if action.name in {c.name for c in fields.containers(pod.pod)}:
            own.past = replace(own.past, initialized=sandbox.id)
        self._watching.take(sandbox.id, container)

    async def _stop(self, action: steps.Stop) -> None:
        """Stop on purpose: the exits are kept for the status and count as no crash."""
        own = self._mind
        sandbox = own.seen.sandbox(action.sandbox_id)
        if sandbox is None:
            return
        log.info("%s: stopping (grace %d s): %s", own.key, action.grace_s, action.why)
        for runtime_id in (sandbox.id, *(c.id for c in sandbox.containers)):
            self._watching.unwatch(runtime_id)
        stop = functools.partial(self._tools.hands.stop, sandbox)
        stopped = await self._step(self._stopping.within(sandbox.uid, action.grace_s, stop))
        # what a predecessor left is no last state of ours
        last = {c.name: c for c in stopped.containers if c.exited and sandbox.uid == own.past.uid}
        own.past = replace(own.past, last={**own.past.last, **last})
        own.seen = own.seen.with_sandbox(stopped)
        own.renewal |= own.serving is not None and own.serving.over

    async def _remove_container(self, container_id: str) -> None:
        own = self._mind
        for sandbox in own.seen.sandboxes:
            for container in sandbox.containers:
                if container.id == container_id:
                    await self._step(
                        self._tools.hands.remove_container(own.key, sandbox.uid, container)
                    )
        own.seen = own.seen.without_container(container_id)

    async def _remove_sandbox(self, sandbox_id: str) -> None:
        """Remove it; that its UID is to be cleared away is known also if the answer is lost."""
        own = self._mind
        own.uncleaned |= {s.uid for s in own.seen.sandboxes if s.id == sandbox_id}
        await self._step(self._tools.hands.remove_sandbox(sandbox_id))
        own.seen = own.seen.without_sandbox(sandbox_id)

    async def _step(self, step: Awaitable[T]) -> T:
        """Perform a step that must succeed before anything else is done."""
        result = await step
        self._mind.trouble = None  # one that went well ends the row of failures
        return result
