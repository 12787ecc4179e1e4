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
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.app import attached, facts, housework, looking, merging, offering, view
from staticlet.config.settings import Settings
from staticlet.host import cgroup, proc
from staticlet.kube import imageref
from staticlet.pods import (
    events,
    hands,
    housekeeping,
    journal,
    observed,
    places,
    pool,
    runtimegate,
    tools,
    wanted,
)
from staticlet.pods.apiobjects import held
from staticlet.pods.images import credentials, puller, source
from staticlet.pods.sources import apipods
from staticlet.server import kubeletapi, local

if TYPE_CHECKING:
    from staticlet.app import joining

log = logging.getLogger(__name__)

SOCKET_NAME = "staticlet.sock"
STARTS_PER_CPU = 2
STARTS_AT_ONCE = STARTS_PER_CPU * (os.cpu_count() or 1)
"""How many pods start at once; `docs/performance.md` has the measurements."""


class Agent:
    """One agent on one runtime and one root directory.

    Attributes:
        view: What others see of it.
    """

    def __init__(
        self, settings: Settings, connections: attached.Connections, clock: clocks.Clock
    ) -> None:
        self._clock = clock
        self._facts = facts.Facts(settings, clock)
        self._offering = offering.Offering(settings)
        self._exits = proc.ExitWatch()
        self._news = fanout.Fanout[str]()
        self._changes = fanout.Fanout[wanted.PodKey]()
        self._recorder = events.Recorder(
            settings.node_name, clock.now, heard=lambda: self._news.publish("event")
        )
        own_journal = journal.Journal(clock.now)
        self._merging = merging.Merging(
            settings,
            clock,
            outside=() if settings.kubeconfig is None else (apipods.API,),
            recorder=self._recorder,
        )
        self._puller = puller.Puller(
            connections.images,
            settings,
            time=clock,
            lookup=credentials.Files(_credential_files(settings), warn=log.warning),
            record=self._record,
            brought=self._brought,
        )
        self._gate = runtimegate.RuntimeGate(
            connections.runtime, clock, endpoint=connections.endpoint, on_back=self._runtime_back
        )
        self._looking = looking.Looking(
            connections.runtime, settings, gate=self._gate, facts=self._facts
        )
        self._contents = held.Late()
        trees = cgroup.present()
        self._hands = hands.RuntimeHands(
            connections.runtime,
            settings,
            self._facts.now,
            clock,
            trees,
            events=self._recorder,
            objects=self._contents,
        )
        self._tools = tools.Tools(
            hands=self._hands,
            images=source.PodImages(self._puller),
            exits=self._exits,
            runtime=self._gate,
            clock=clock,
            starts=asyncio.Semaphore(STARTS_AT_ONCE),
            backoff=_backoff(settings),
            events=self._recorder,
            journal=own_journal,
            places=places.Places(self._offering.now),
            grace_of=self._grace_of,
            objects=self._contents,
            changed=self._changes.publish,
        )
        self._housework = housework.Housework(
            housekeeping.House(settings, trees=trees, node=self._facts.now),
            self._merging,
            known_uids=lambda: self._pool.known_uids(),
        )
        self._pool = pool.Pool(
            self._tools,
            self._looking.find,
            house=self._keep_house,
            relist_s=_relist_s(settings),
        )
        self.view = view.View(
            settings,
            clock,
            facts=self._facts,
            gate=self._gate,
            pool=self._pool,
            merging=self._merging,
            recorder=self._recorder,
            journal=own_journal,
            places=self._tools.places,
            changes=self._changes,
        )
        self._joining = self._joined(settings, connections)

    @property
    def settings(self) -> Settings:
        """What holds now."""
        return self.view.settings

    @property
    def works(self) -> asyncio.Event:
        """Set once the runtime was looked at, and what is wanted is acted on."""
        return self._merging.works

    def _joined(
        self, settings: Settings, connections: attached.Connections
    ) -> joining.Joining | None:
        """The side of an API server, where there is to be one."""
        if settings.kubeconfig is None:
            return None
        from staticlet.app import joining  # who has no API server pays nothing

        made = joining.Joining(
            settings.kubeconfig,
            settings,
            agent=self.view,
            runtime=connections.runtime,
            images=connections.images,
            recorder=self._recorder,
            news=self._news,
            clock=self._clock,
            publish=self._bring,
            labelled=self._labelled,
            renew=self._pool.renew,
        )
        self._contents.objects = made.contents
        self.view.node_findings = made.findings
        return made

    def _grace_of(self, uid: str) -> int | None:
        return None if self._joining is None else self._joining.grace_of(uid)

    def _brought(
        self, uid: str, reference: imageref.Reference
    ) -> Sequence[credentials.Credential]:
        """The credentials that a pod brings for an image."""
        joined = self._joining
        return () if joined is None else joined.contents.credentials(uid, reference)

    async def run(self) -> None:
        """Keep the pods until cancelled."""
        path = self.settings.socket or self.settings.root_dir / SOCKET_NAME
        try:
            async with contextlib.AsyncExitStack() as stack:
                if self._joining is not None:
                    stack.push_async_callback(self._joining.aclose)
                await stack.enter_async_context(local.serving(self.view, path))
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
            self.view,
            self.settings,
            api=api,
            clock=self._clock,
            syncloop=self.view.sync_trouble,
        )

    def _tasks(self) -> Iterator[tuple[str, Coroutine[None, None, None]]]:
        yield "runtime gate", self._gate.run()
        yield "images", self._puller.run()
        yield "pool", self._pool.run()
        yield "merge", self._merging.run(self._pool, changed=self._changes.publish)
        yield "runtime events", self._looking.follow_events(self._pool.runtime_event)
        yield "sources", self._merging.follow_sources()
        if self._joining is not None:
            yield from self._joining.tasks()

    def use(self, settings: Settings) -> None:
        """Go on with other settings; those that may not change must be the same."""
        before, self.view.settings = self.view.settings, settings
        self._hands.use(settings)
        self._facts.use(settings)
        self._puller.use(settings)
        self._tools.backoff = _backoff(settings)
        if _relist_s(settings) != _relist_s(before):
            self._pool.relist_every(_relist_s(settings))
        self._merging.use(settings)

    def _record(self, uid: str, container: str, kind: str, reason: str, message: str) -> None:
        """Keep and log an event about an image."""
        pod = next((one for one in self._merging.wanted.pods.values() if one.uid == uid), None)
        if pod is not None:
            subject = events.of_container(pod.key, uid, container, pod=pod.pod)
            self._recorder.record(subject, kind, reason, message)
        level = logging.WARNING if kind == "Warning" else logging.INFO
        name = self._merging.wanted.name_of(uid)
        fields = {"pod": name, "container": container, "uid": uid, "reason": reason}
        log.log(level, "%s: container %s: %s: %s", name, container, reason, message, extra=fields)

    def _bring(self, snapshot: wanted.Snapshot) -> None:
        """Take what the API wants here; what it deletes may be to end sooner than before."""
        self._merging.bring(snapshot)
        self._pool.hurry()

    async def _keep_house(self) -> None:
        """What is done with every look at the whole runtime."""
        if self._offering.measured(await asyncio.to_thread(self._offering.measure)):
            self._tools.places.retry()
        await self._housework.run_once()

    def _labelled(self, node: Mapping[str, Any] | None) -> None:
        """Take what the API has of the Node; its labels may let a pod in that waits."""
        if self._offering.labelled(node):
            self._tools.places.retry()

    def _runtime_back(self) -> None:
        self._looking.runtime_back()
        self._puller.runtime_back()
        self._pool.relist()


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
