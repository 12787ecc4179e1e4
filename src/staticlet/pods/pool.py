"""All workers: one a pod key, made when a pod is wanted or found, gone when nothing is left.

The pool also holds the safety net: every 30 s (or `syncFrequency`, if that is less), and whenever
the runtime is back, it lists what is ours on the runtime in two calls, and wakes just those
workers whose belief differs.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from staticlet.aio import latest, logfields, supervise
from staticlet.pods import listed, report, restarts, tools, wanted
from staticlet.pods import observed as obs
from staticlet.pods import worker as working
from staticlet.runtime import port

log = logging.getLogger(__name__)

RELIST_S = 30.0
REMEMBER_S = 600.0
REMEMBER_PODS = 256


Lister = Callable[[], Awaitable[Mapping[wanted.PodKey, listed.Found]]]


class Pool:
    """Starts and ends workers as pods are wanted and found."""

    def __init__(
        self,
        shared: tools.Tools,
        find: Lister,
        *,
        house: Callable[[], Awaitable[None]],
        relist_s: float = RELIST_S,
    ) -> None:
        self._tools = shared
        self._find = find
        self._house = house
        self._relist_s = relist_s
        self._listing_since: float | None = None
        self._wanted: latest.Latest[wanted.Wanted | None] = latest.Latest(None)
        self._workers: dict[wanted.PodKey, working.Worker] = {}
        self._found: Mapping[wanted.PodKey, listed.Found] = {}
        self._listed = asyncio.Event()
        self._relist = asyncio.Event()
        self._memory: OrderedDict[tuple[wanted.PodKey, str], tuple[float, obs.History]] = (
            OrderedDict()
        )
        self._group: asyncio.TaskGroup | None = None
        self._restarts: dict[wanted.PodKey, int] = {}
        self._adopted: frozenset[wanted.PodKey] | None = None

    def wish(self, all_wanted: wanted.Wanted) -> None:
        """Set all that is wanted; the newest wish counts."""
        self._wanted.put(all_wanted)

    @property
    def listing_since(self) -> float | None:
        """When the list of all that runs was begun that is under way; None between two lists."""
        return self._listing_since

    def relist_every(self, seconds: float) -> None:
        """Look at the whole runtime this often."""
        self._relist_s = seconds
        self._relist.set()

    def relist(self) -> None:
        """Look at the whole runtime soon."""
        self._relist.set()

    def reports(self) -> list[report.Report]:
        """All pods as they are now, by key."""
        return [self._workers[key].report() for key in sorted(self._workers)]

    def report(self, key: wanted.PodKey) -> report.Report | None:
        """One pod as it is now; None when there is no worker for it."""
        one = self._workers.get(key)
        return one.report() if one is not None else None

    def renew(self, key: wanted.PodKey) -> None:
        """Tell the pod of a key that what it refers to in the API has changed."""
        one = self._workers.get(key)
        if one is not None:
            one.renew()

    def hurry(self) -> None:
        """The API may have shortened the grace of pods that are being stopped."""
        for one in self._workers.values():
            one.hurry()

    def restart(self, key: wanted.PodKey) -> str:
        """Restart a pod from its sandbox on, with its grace and without a back-off.

        It is as if its manifest were removed and put back: a new incarnation of the same content.

        Returns:
            Why not, in words; empty where the restart has begun.
        """
        want, found = self._wanted.value, self._found.get(key)
        pod = want.pods.get(key) if want is not None else None
        refusal = restarts.refusal(
            pod,
            self.report(key),
            undecided=want is None or not self._may_stop(key, want),
            source=", ".join(sorted(found.sources)) if found is not None else "",
        )
        if refusal or pod is None:
            return refusal
        self._restarts[key] = self._restarts.get(key, 0) + 1
        self._tell(key, pod)
        return ""

    def running_uids(self) -> Mapping[wanted.PodKey, str]:
        """The newest UID on the runtime of each pod key, as listed last."""
        return {key: found.uids[0] for key, found in self._found.items() if found.uids}

    def known_uids(self) -> set[str]:
        """Every UID that a worker serves or that the runtime has something of."""
        known = {uid for found in self._found.values() for uid in found.uids}
        for one in self._workers.values():
            shown = one.report()
            known |= {s.uid for s in shown.seen.sandboxes}
            known |= {pod.uid for pod in (shown.want, shown.serving) if pod is not None}
            known |= {shown.leaving[0].uid} if shown.leaving else set()
        return known

    async def first_look(self) -> None:
        """Return when the runtime was listed for the first time."""
        await self._listed.wait()

    def runtime_event(self, event: port.RuntimeEvent) -> None:
        """Wake the worker that an event of the runtime is about.

        Where the kernel tells of the exit, the event brings no news: it comes later.
        """
        if event.type in (port.EventType.CREATED, port.EventType.STARTED):
            return
        for one in self._workers.values():
            for sandbox in one.seen.sandboxes:
                ids = (sandbox.id, *(c.id for c in sandbox.containers if c.alive))
                if event.container_id in ids:
                    if not one.watches(event.container_id):
                        one.doubt()
                    return

    async def run(self) -> None:
        """Work until cancelled; containers go on without us."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._keep_listing(), name="re-list")
            while True:
                self._reconcile(self._wanted.take())
                await self._wanted.changed()

    def _reconcile(self, want: wanted.Wanted | None) -> None:
        """Tell each worker what is wanted of it; before the first wish nobody is told anything."""
        if want is None:
            return
        self._adopt(want)
        for key, pod in want.pods.items():
            self._tell(key, pod)
        for key in [*self._workers]:
            if key not in want.pods and self._may_stop(key, want):
                self._tell(key, None)
        for key in self._found:
            if key not in want.pods and key not in self._workers and self._may_stop(key, want):
                self._tell(key, None)

    def _adopt(self, want: wanted.Wanted) -> None:
        """Give what was found running its place on the node before anybody else asks for one.

        Workers look for themselves, and some are quicker than others. What has no worker keeps its
        place until a list shows that it is gone.
        """
        if not self._listed.is_set():
            return
        living = {key: found.living for key, found in self._found.items() if found.living}
        if self._adopted is None:
            self._adopted = frozenset(living)
            for key in living.keys() - self._workers.keys():
                self._tools.places.adopt(key, living[key], want.pods.get(key))
        for key in self._adopted - living.keys() - self._workers.keys():
            self._tools.places.leave(key)
        self._adopted &= living.keys()

    def _may_stop(self, key: wanted.PodKey, want: wanted.Wanted) -> bool:
        """Whether absence means removal: only once the source that brought the pod was seen.

        A source that is not configured any more brings nothing: its pods are stopped when all
        others are ready. An API server, which may be away for long, is not waited for.
        """
        found = self._found.get(key)
        if found is None:
            return True
        waiting = want.sources - want.ready
        if found.sources & waiting:
            return False
        return found.sources <= want.sources or not waiting - {wanted.API}

    def _tell(self, key: wanted.PodKey, pod: wanted.WantedPod | None) -> None:
        known = self._workers.get(key)
        if pod is not None and key in self._restarts:
            pod = replace(pod, incarnation=pod.incarnation + self._restarts[key])
        if known is not None and not known.ended:
            known.wish(pod)
        elif known is None:
            self._begin(key, pod)

    def _begin(self, key: wanted.PodKey, pod: wanted.WantedPod | None) -> None:
        if self._group is None:
            return
        past = self._recall(key, pod.uid) if pod else None
        made = working.Worker(key, self._tools, want=pod, past=past, look=self._may_exist(key))
        self._workers[key] = made
        self._group.create_task(self._work(made), name=f"pod {key}")

    def _may_exist(self, key: wanted.PodKey) -> bool:
        """Whether the runtime may have something of a key that has no worker.

        Only workers make anything under our label, so after the first list there is nothing of a
        new key. Should there be all the same, the runtime refuses the name or the next list tells.
        """
        return key in self._found or not self._listed.is_set()

    async def _work(self, made: working.Worker) -> None:
        """Run a worker to its end, then begin anew if its pod is wanted again by now."""
        logfields.bind(pod=str(made.key))
        await supervise.restarting(f"worker of {made.key}", made.run)
        del self._workers[made.key]
        self._restarts.pop(made.key, None)  # its successor has no sandbox to restart
        self._found = {k: f for k, f in self._found.items() if k != made.key}
        self._remember(made.key, made.past)
        self._tools.changed(made.key)
        want = self._wanted.value
        again = want.pods.get(made.key) if want is not None else None
        if again is not None:
            self._begin(made.key, again)

    def _remember(self, key: wanted.PodKey, past: obs.History) -> None:
        """Keep restart counts for a while: a file may be put back after all was removed."""
        if past.uid:
            now = self._tools.clock.monotonic()
            self._memory[key, past.uid] = (now, past.without_crashes())
            while len(self._memory) > REMEMBER_PODS:
                self._memory.popitem(last=False)

    def _recall(self, key: wanted.PodKey, uid: str) -> obs.History | None:
        kept = self._memory.pop((key, uid), None)
        if kept is None or self._tools.clock.monotonic() - kept[0] > REMEMBER_S:
            return None
        return obs.History(uid=uid, counts=kept[1].counts, last=kept[1].last)

    async def _keep_listing(self) -> None:
        while True:
            self._relist.clear()
            try:
                self._compare(await self._list())
                self._listed.set()
                self._reconcile(self._wanted.value)
                await self._house()
            except port.Unavailable as fault:
                self._tools.runtime.lost(fault)
                await self._tools.runtime.wait()
                continue
            except port.RuntimeFault as fault:
                log.warning("cannot list what runs: %s", fault)
            try:
                async with asyncio.timeout(self._relist_s):
                    await self._relist.wait()
            except TimeoutError:
                pass  # the safety net's own time

    async def _list(self) -> Mapping[wanted.PodKey, listed.Found]:
        self._listing_since = self._tools.clock.monotonic()
        try:
            return await self._find()
        finally:
            self._listing_since = None

    def _compare(self, found: Mapping[wanted.PodKey, listed.Found]) -> None:
        """Wake the workers that believe something else than the runtime shows."""
        self._found = found
        for key, one in self._workers.items():
            if listed.differs(one.seen.sandboxes, found.get(key)):
                one.doubt()
