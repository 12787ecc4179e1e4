"""The agent: everything that keeps the wanted pods running, constructed and joined.

Sources publish snapshots; `merge` makes the wanted pods of them; the pool keeps one worker a pod.
The agent is a witness of its pods, not their parent: when it ends, they go on, and the next one
finds them by their labels.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from staticlet.aio import clock as clocks
from staticlet.aio import fanout, latest
from staticlet.app import attached, facts, rootdir, service, sources, vitals
from staticlet.config.settings import Settings
from staticlet.host import cgroup, proc
from staticlet.kube import core, finding
from staticlet.pods import (
    events,
    findingevents,
    findingnews,
    hands,
    hostports,
    housekeeping,
    journal,
    labels,
    logs,
    merge,
    observed,
    orphans,
    pool,
    present,
    report,
    runtimegate,
    summary,
    tools,
    wanted,
)
from staticlet.pods.images import credentials, puller, source
from staticlet.pods.sources import apipods
from staticlet.runtime import port
from staticlet.server import kubeletapi, local

if TYPE_CHECKING:
    from staticlet.app import joining

log = logging.getLogger(__name__)

SOCKET_NAME = "staticlet.sock"
STARTS_PER_CPU = 2
STARTS_AT_ONCE = STARTS_PER_CPU * (os.cpu_count() or 1)
"""How many pods start at once; `docs/performance.md` has the measurements."""
MOST_FINDINGS_LOGGED = 50
"""How many new findings are logged one by one; of more, the number is."""


async def serve_agent(
    settings: Settings,
    stop: asyncio.Event,
    *,
    clock: clocks.Clock | None = None,
    outside: service.Service | None = None,
) -> None:
    """Run the agent until `stop` is set; containers go on running.

    Args:
        settings: What it is told.
        stop: Ends it.
        clock: The time.
        outside: What hears of it, and gives it other settings.

    Raises:
        CannotStart: The root directory is another agent's or cannot be used.
    """
    time, outside = clock or clocks.SystemClock(), outside or service.Service()
    with rootdir.held(settings) as own:
        core.prepare()
        async with contextlib.AsyncExitStack() as stack:
            outside.notifier.status("looking for a container runtime")
            connections = await attached.or_stop(attached.connect(own, stack), stop)
            if connections is None:
                outside.notifier.stopping()
                return
            agent = Agent(own, connections, time)
            works = {
                "agent": agent.run(),
                "service": service.tell(agent, outside.notifier, time),
                "reload": service.reload_on_hangup(agent, outside, time),
            }
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(work, name=name) for name, work in works.items()]
                    await stop.wait()
                    outside.notifier.stopping()
                    for task in tasks:
                        task.cancel()
            except* local.SocketFault as faults:
                raise rootdir.CannotStart(str(faults.exceptions[0])) from faults


class Agent:
    """One agent on one runtime and one root directory."""

    def __init__(
        self, settings: Settings, connections: attached.Connections, clock: clocks.Clock
    ) -> None:
        self.settings = settings
        self.works = asyncio.Event()
        self._clock = clock
        self._runtime = connections.runtime
        self._facts = facts.Facts(settings, clock)
        self._exits = proc.ExitWatch()
        self._news = fanout.Fanout[str]()
        self._events = events.Recorder(
            settings.node_name, clock.now, heard=lambda: self._news.publish("event")
        )
        self._journal = journal.Journal(clock.now)
        self._finding_events = findingevents.FindingEvents(self._events)
        self._puller = puller.Puller(
            connections.images,
            settings,
            time=clock,
            lookup=credentials.Files(_credential_files(settings), warn=log.warning),
            record=self._record,
        )
        self._gate = runtimegate.RuntimeGate(
            connections.runtime, clock, endpoint=connections.endpoint, on_back=self._runtime_back
        )
        trees = cgroup.present()
        self._changes = fanout.Fanout[wanted.PodKey]()
        self._hands = hands.RuntimeHands(
            connections.runtime,
            settings,
            self._facts.now,
            clock,
            trees,
            events=self._events,
        )
        self._tools = tools.Tools(
            hands=self._hands,
            images=source.PodImages(self._puller),
            exits=self._exits,
            runtime=self._gate,
            clock=clock,
            starts=asyncio.Semaphore(STARTS_AT_ONCE),
            backoff=_backoff(settings),
            events=self._events,
            journal=self._journal,
            grace_of=self._grace_of,
            changed=self._changes.publish,
        )
        self._pool = pool.Pool(
            self._tools, self._find, house=self._keep_house, relist_s=_relist_s(settings)
        )
        self._orphans = orphans.Orphans(connections.runtime)
        self._house = housekeeping.House(settings, trees=trees, node=self._facts.now)
        self._arrived = latest.Latest(None)
        self._sources = sources.Sources(settings, clock, news=self._arrived.touch)
        self._of_api: dict[str, wanted.Snapshot] = {}
        if settings.kubeconfig is not None:
            self._of_api[apipods.API] = wanted.Snapshot(source=apipods.API, ready=False)
        self._wanted = wanted.Wanted(sources=frozenset((*self._sources.snapshots, *self._of_api)))
        self._holders: Mapping[wanted.PodKey, merge.Holder] = {}
        self._finding_news = findingnews.FindingNews()
        self._driver_unknown = True
        self._joining = self._joined(settings, connections)

    def _joined(
        self, settings: Settings, connections: attached.Connections
    ) -> joining.Joining | None:
        """The side of an API server, where there is to be one."""
        if settings.kubeconfig is None:
            return None
        from staticlet.app import joining  # who has no API server pays nothing

        return joining.Joining(
            settings.kubeconfig,
            settings,
            agent=self,
            runtime=connections.runtime,
            images=connections.images,
            recorder=self._events,
            news=self._news,
            clock=self._clock,
            publish=self._take_api_pods,
        )

    def _take_api_pods(self, snapshot: wanted.Snapshot) -> None:
        """Take what the API wants of this node."""
        if self._of_api[snapshot.source] != snapshot:
            self._of_api[snapshot.source] = snapshot
            self._arrived.touch()

    def _grace_of(self, uid: str) -> int | None:
        return None if self._joining is None else self._joining.grace_of(uid)

    def is_gone(self, key: wanted.PodKey, uid: str) -> bool:
        """Whether nothing of a pod is left here, as far as the runtime was looked at."""
        known, wants = self._pool.report(key), self._wanted.pods.get(key)
        others = [one.uid for one in (known.want if known else None, wants) if one is not None]
        if not self.works.is_set() or uid in others or (known is not None and not others):
            return False
        return uid not in self._pool.known_uids()

    async def run(self) -> None:
        """Keep the pods until cancelled."""
        path = self.settings.socket or self.settings.root_dir / SOCKET_NAME
        try:
            async with contextlib.AsyncExitStack() as stack:
                if self._joining is not None:
                    stack.push_async_callback(self._joining.aclose)
                await stack.enter_async_context(local.serving(self, path))
                await stack.enter_async_context(self._kubelet_api())
                stack.callback(self._changes.close)  # ends what streams before the sockets
                group = await stack.enter_async_context(asyncio.TaskGroup())
                for name, work in self._tasks():
                    group.create_task(work, name=name)
        finally:
            self._exits.close()

    def _kubelet_api(self) -> contextlib.AbstractAsyncContextManager[None]:
        api = self._joining.api if self._joining is not None else None
        return kubeletapi.serving(
            self, self.settings, api=api, clock=self._clock, syncloop=self._sync_trouble
        )

    def _sync_trouble(self) -> str:
        """What keeps pods from being looked after, for `/healthz/syncloop`; empty for nothing."""
        now = self.vitals()
        if now.fault:
            return f"the container runtime is down: {now.fault}"
        if vitals.stuck(now, absent_s=0.0, time_s=self._clock.monotonic()):
            return "the list of what runs takes too long"
        return ""

    def _tasks(self) -> Iterator[tuple[str, Coroutine[None, None, None]]]:
        yield "runtime gate", self._gate.run()
        yield "images", self._puller.run()
        yield "pool", self._pool.run()
        yield "merge", self._merge_as_they_come()
        yield "runtime events", self._follow_events()
        yield "sources", self._sources.run()
        if self._joining is not None:
            yield from self._joining.tasks()

    def use(self, settings: Settings) -> None:
        """Go on with other settings; those that may not change must be the same."""
        before, self.settings = self.settings, settings
        self._hands.use(settings)
        self._facts.use(settings)
        self._puller.use(settings)
        self._tools.backoff = _backoff(settings)
        if _relist_s(settings) != _relist_s(before):
            self._pool.relist_every(_relist_s(settings))
        self._sources.use(settings)

    def vitals(self) -> vitals.Vitals:
        """How the agent is."""
        version = self._gate.version
        return vitals.Vitals(
            works=self.works.is_set(),
            pods=summary.line(self._pool.reports()),
            runtime=f"{version.name} {version.version}" if version else "",
            fault="" if self._gate.up else self._gate.fault,
            listing_since=self._pool.listing_since,
            call_s=self.settings.runtime_request_timeout_s,
        )

    def pods(self) -> list[core.Pod]:
        """All pods with their status, by namespace and name."""
        shown = (self._shown(one) for one in self._pool.reports())
        return [pod for pod in shown if pod is not None]

    def pod(self, key: wanted.PodKey) -> core.Pod | None:
        """One pod with its status; None when there is none (any more)."""
        known = self._pool.report(key)
        return None if known is None else self._shown(known)

    def _shown(self, known: report.Report) -> core.Pod | None:
        version = self._gate.version
        return present.pod(
            known,
            host_ips=self._facts.now().ips,
            runtime_name=version.name if version else "containerd",
            now=self._clock.now(),
        )

    @property
    def changes(self) -> fanout.Fanout[wanted.PodKey]:
        """Tells which pods have changed; closed when the agent ends."""
        return self._changes

    def time(self) -> datetime:
        """Now."""
        return self._clock.now()

    def restart(self, key: wanted.PodKey) -> str:
        """Begin to restart a pod; why not, in words, when it cannot be."""
        refusal = self._pool.restart(key)
        if not refusal:
            self._journal.decide(key, "restarting it", "`staticlet restart` asked for it")
        return refusal

    def log_of(self, key: wanted.PodKey, container: str, *, previous: bool) -> logs.LogFile:
        """The log of a container's present or previous life; raises logs.NotAvailable."""
        return logs.find(
            self._pool.report(key),
            self.pod(key),
            self.settings,
            name=key.name,
            container=container,
            previous=previous,
        )

    def manifests(self) -> wanted.Wanted:
        """All manifests with their states and findings.

        Among them are those about the Node, and about static pods that wait for a port.
        """
        waiting = self._tools.ports.waiting()
        more = [*hostports.findings(self._wanted, waiting)]
        if self._joining is not None:
            more += self._joining.findings()
        if not more:
            return self._wanted
        return replace(self._wanted, findings=(*self._wanted.findings, *more))

    def node(self) -> str:
        """The node's name."""
        return self.settings.node_name

    def happened(self) -> tuple[events.Event, ...]:
        """What happened, the last at the end."""
        return self._events.events()

    def remembered(self) -> tuple[wanted.PodKey, ...]:
        """The pods of which decisions are known."""
        return self._journal.pods()

    def decisions(self, key: wanted.PodKey) -> tuple[journal.Decision, ...]:
        """The decisions about a pod, the newest at the end."""
        return self._journal.of(key)

    def _record(self, uid: str, container: str, kind: str, reason: str, message: str) -> None:
        """Keep and log an event about an image."""
        pod = next((one for one in self._wanted.pods.values() if one.uid == uid), None)
        if pod is not None:
            subject = events.of_container(pod.key, uid, container, pod=pod.pod)
            self._events.record(subject, kind, reason, message)
        level = logging.WARNING if kind == "Warning" else logging.INFO
        name = self._wanted.name_of(uid)
        fields = {"pod": name, "container": container, "uid": uid, "reason": reason}
        log.log(level, "%s: container %s: %s: %s", name, container, reason, message, extra=fields)

    async def _merge_as_they_come(self) -> None:
        """Merge whenever a source has news; pods are touched only once the runtime was seen.

        Until then nobody knows which of two claimants of a name has it, and nothing could be
        started anyway.
        """
        listed = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._await_first_look(listed), name="first look")
            while True:
                await self._arrived.changed()
                self._merge(decide=listed.is_set())

    async def _await_first_look(self, listed: asyncio.Event) -> None:
        await self._pool.first_look()
        running = self._pool.running_uids()
        self._holders = {key: merge.Holder(uid=uid) for key, uid in running.items()}
        listed.set()
        self._arrived.touch()

    def _merge(self, *, decide: bool) -> None:
        snapshots = (*self._sources.snapshots.values(), *self._of_api.values())
        merged = merge.merge(snapshots, holders=self._holders)
        before, self._wanted = self._wanted, merged
        self._tell_findings(merged)
        self._finding_events.tell(merged)
        if decide:
            self._holders = merge.holders(merged)
            self._pool.wish(merged)
            self.works.set()
            for key in before.pods.keys() - merged.pods.keys():
                self._changes.publish(key)  # it may never have had a worker

    def _tell_findings(self, merged: wanted.Wanted) -> None:
        """Log each finding once while it lasts, and of a flood only the beginning."""
        news = self._finding_news.take(merged)
        for one in news[:MOST_FINDINGS_LOGGED]:
            level = logging.ERROR if one.severity is finding.Severity.ERROR else logging.WARNING
            log.log(level, "%s", one, extra={"origin": one.source})
        if len(news) > MOST_FINDINGS_LOGGED:
            more = len(news) - MOST_FINDINGS_LOGGED
            log.error("and %d more findings: `staticlet get manifests` shows them all", more)

    async def _find(self) -> Mapping[wanted.PodKey, pool.Found]:
        chosen = labels.owner_selector(self.settings.root_dir)
        await self._gate.wait()
        if self._driver_unknown:
            self._driver_unknown = False
            driver = await self._runtime.cgroup_driver()
            if driver:
                self._facts.use_cgroup_driver(driver)
        sandboxes = await self._runtime.list_sandboxes(chosen)
        containers = await self._runtime.list_containers(chosen)
        await self._orphans.listed(sandboxes, containers)
        return pool.found(sandboxes, containers, labels.source_of)

    async def _keep_house(self) -> None:
        """Clear what pods of an earlier life left, once it is known what is wanted."""
        if self._wanted.ready != self._wanted.sources:
            return
        used = self._uids_in_use()
        left = await asyncio.to_thread(self._house.left_behind, but=used)
        for uid, key in left.items():
            if uid not in self._uids_in_use():  # looking and clearing took their time
                await asyncio.to_thread(self._house.clear, key, uid)
        await asyncio.to_thread(self._house.clear_links)

    def _uids_in_use(self) -> set[str]:
        """Every UID that is wanted, served, or known to the runtime."""
        return {pod.uid for pod in self._wanted.pods.values()} | self._pool.known_uids()

    def _runtime_back(self) -> None:
        self._driver_unknown = True
        self._puller.runtime_back()
        self._pool.relist()

    async def _follow_events(self) -> None:
        """Hear of exits from runtimes that tell; the kernel tells of the others."""
        while True:
            await self._gate.wait()
            try:
                async for event in self._runtime.events():
                    self._pool.runtime_event(event)
            except port.Unsupported:
                log.debug("the runtime has no container events: exits are seen by pidfd alone")
                return
            except port.Unavailable as fault:
                self._gate.lost(fault)
            except port.RuntimeFault as fault:
                log.warning("container events ended: %s", fault)
            await asyncio.sleep(1.0)


def _backoff(settings: Settings) -> observed.BackoffRule:
    return observed.BackoffRule(
        initial_s=settings.initial_container_restart_period_s,
        max_s=settings.max_container_restart_period_s,
    )


def _relist_s(settings: Settings) -> float:
    return min(pool.RELIST_S, settings.sync_frequency_s)


def _credential_files(settings: Settings) -> tuple[Path, ...]:
    home = Path(os.environ["HOME"]) if os.environ.get("HOME") else None
    return credentials.search_paths(settings.root_dir, Path.cwd(), home)
