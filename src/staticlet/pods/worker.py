"""One worker a pod key: takes the newest wanted pod and the newest observation, and acts.

The loop is: look, plan, perform, again; when a plan has no action, sleep until an event or the
time that the plan names. Events only wake the worker: what it does follows from what is wanted and
what is seen, so a lost event costs time until the next look and never correctness. Nothing is done
for a pod while nothing happens.

Its parts share one mind: `watching` sees, `deciding` plans, `acting` performs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from staticlet.pods import acting, deciding, mind, report, steps, telling, tools, wanted, watching
from staticlet.pods import observed as obs
from staticlet.runtime import port

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
        self._tools = shared
        self._woken = asyncio.Event()
        self._holds_start = False
        self._waits: Mapping[str, steps.Wait] = {}
        self._teller = telling.Teller(key, shared)
        self._mind = mind.Mind(
            key, shared.clock, self.wake, want=want, past=past or obs.History(), look=look
        )
        self._watching = watching.Watching(self._mind, shared)
        self._deciding = deciding.Deciding(self._mind, shared, self._teller)
        self._acting = acting.Acting(self._mind, shared, self._watching, self._teller)

    @property
    def ended(self) -> bool:
        """Whether nothing is wanted and nothing is left."""
        return self._mind.ended

    @property
    def seen(self) -> obs.Observed:
        """What the worker believes runs."""
        return self._mind.seen

    @property
    def past(self) -> obs.History:
        """What the worker remembers, with times by the present date."""
        self._mind.keep_pace()
        return self._mind.past

    def wish(self, want: wanted.WantedPod | None) -> None:
        """Set what is wanted; the newest wish counts, and the same one again wakes nobody."""
        if want is not self._mind.want:
            self._mind.want = want
            self.wake()

    def wake(self) -> None:
        """Plan again."""
        self._woken.set()

    def doubt(self) -> None:
        """Look at the runtime anew: it does not show what the worker believes."""
        self._mind.look = True
        self.wake()

    def hurry(self) -> None:
        """The API may have shortened the grace of what is being stopped."""
        self._acting.hurry()

    def renew(self) -> None:
        """What the pod refers to has changed: take it in, and try at once what lacked it."""
        self._mind.renewal = True
        self.wake()

    def watches(self, runtime_id: str) -> bool:
        """Whether the kernel will tell when the process of this container or sandbox ends."""
        return self._watching.watches(runtime_id)

    def report(self) -> report.Report:
        """The pod as it is now."""
        own = self._mind
        return report.Report(
            key=self.key,
            want=own.want,
            serving=own.serving,
            leaving=own.leaving,
            seen=own.seen,
            past=self.past,
            waits=self._waits,
            images=own.images,
            successor_images=self._deciding.successor_images,
            trouble=own.trouble,
            obstacle=self._deciding.obstacle,
        )

    async def run(self) -> None:
        """Work until nothing is wanted and nothing is left, or until cancelled."""
        try:
            while not self.ended:
                self._woken.clear()
                try:
                    await self._turn()
                except port.Unavailable as fault:
                    self._mind.look = True
                    self._release_start()
                    self._tools.runtime.lost(fault)
                    await self._tools.runtime.wait()
                except tools.StepFault as fault:
                    await self._look_later(fault)
        finally:
            self._release_start()
            self._deciding.leave()
            self._watching.close()

    async def _turn(self) -> None:
        """Take in what happened, plan, and perform or sleep.

        Raises:
            tools.StepFault: The runtime cannot be looked at; faults of actions are dealt with.
        """
        own = self._mind
        if own.look:
            await self._watching.look_anew()
        await self._watching.take_in_exits()
        planned = self._deciding.plan()
        if own.renewal:
            await self._acting.renew()
            return  # what lacked something may be done now
        made = self._deciding.let_in(planned)
        self._waits = made.waits
        self._tools.changed(self.key)
        self._teller.waiting(own.serving, made.waits)
        if own.serving and made.needs:
            self._tools.images.need(own.serving, made.needs, self.wake)
        if not made.actions:
            self._release_start()
            await self._watching.watch_sandboxes()
            own.blind = None
            await self._sleep(self._deciding.earliest(made.wake_at_ns))
            return
        if own.trouble and own.trouble.retry_at_ns > own.now_ns():
            self._release_start()
            await self._sleep(own.trouble.retry_at_ns)
            return
        if not self._holds_start and any(isinstance(a, _STARTS) for a in made.actions):
            await self._tools.starts.acquire()
            self._holds_start = True
            return  # waiting for a turn may have taken long: plan with what is wanted now
        own.blind = None
        await self._perform(made)

    async def _perform(self, made: steps.Plan) -> None:
        """Carry out a plan; after a step that failed, look before anything else is done."""
        own = self._mind
        try:
            for action in made.actions:
                await self._acting.perform(action)
        except tools.StepFault as fault:
            now_ns = own.now_ns()
            own.trouble = obs.next_fault(own.trouble, fault.reason, fault.message, now_ns)
            own.look = True
            self._acting.failed(fault)

    async def _look_later(self, fault: tools.StepFault) -> None:
        """The runtime answers, but not on this pod: look anew after a pause, and do nothing."""
        own = self._mind
        self._acting.failed(fault)
        self._release_start()
        own.look = True
        now_ns = own.now_ns()
        own.blind = obs.next_fault(own.blind, fault.reason, fault.message, now_ns)
        await self._sleep(own.blind.retry_at_ns)

    async def _sleep(self, until_ns: int | None) -> None:
        """Wait for an event or the time that the plan named."""
        if until_ns is None:
            await self._woken.wait()
            return
        seconds = max(0.0, (until_ns - self._mind.now_ns()) / obs.SECOND_NS)
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass  # the time has come: plan again

    def _release_start(self) -> None:
        if self._holds_start:
            self._tools.starts.release()
            self._holds_start = False
