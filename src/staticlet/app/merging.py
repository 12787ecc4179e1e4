"""Merging: what all sources bring becomes what is wanted here, is told to people and to the pool.

The sources of manifests are followed here; what an API server wants is one more source, which
`bring` takes from outside.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from staticlet.aio import clock as clocks
from staticlet.aio import latest
from staticlet.app import sources
from staticlet.config.settings import Settings
from staticlet.kube import finding
from staticlet.pods import findingevents, findingnews, merge, pool, tools, wanted

log = logging.getLogger(__name__)

MOST_FINDINGS_LOGGED = 50
"""How many new findings are logged one by one; of more, the number is."""


class Merging:
    """Keeps what is wanted.

    Args:
        settings: Where manifests are.
        clock: The time.
        outside: The names of the sources that are not followed here: those of `bring`.
        recorder: Takes events about manifests that are refused.

    Attributes:
        works: Set once the runtime was looked at, and what is wanted is acted on.
        wanted: What is wanted now.
    """

    def __init__(
        self,
        settings: Settings,
        clock: clocks.Clock,
        *,
        outside: Iterable[str],
        recorder: tools.Events,
    ) -> None:
        self.works = asyncio.Event()
        self._arrived = latest.Latest(None)
        self._sources = sources.Sources(settings, clock, news=self._arrived.touch)
        self._outside = {name: wanted.Snapshot(source=name, ready=False) for name in outside}
        self.wanted = wanted.Wanted(sources=frozenset((*self._sources.snapshots, *self._outside)))
        self._holders: Mapping[wanted.PodKey, merge.Holder] = {}
        self._finding_news = findingnews.FindingNews()
        self._finding_events = findingevents.FindingEvents(recorder)

    def use(self, settings: Settings) -> None:
        """Follow the places that other settings name."""
        self._sources.use(settings)

    def bring(self, snapshot: wanted.Snapshot) -> None:
        """Take the snapshot of a source that is not followed here."""
        if self._outside[snapshot.source] != snapshot:
            self._outside[snapshot.source] = snapshot
            self._arrived.touch()

    async def follow_sources(self) -> None:
        """Follow the sources of manifests until cancelled."""
        await self._sources.run()

    async def run(self, pods: pool.Pool, *, changed: Callable[[wanted.PodKey], None]) -> None:
        """Merge whenever a source has news; pods are touched only once the runtime was seen.

        Until then nobody knows which of two claimants of a name has it, and nothing could be
        started anyway.

        Args:
            pods: What runs, and makes run what is wanted.
            changed: Is told of a pod that is wanted no longer.
        """
        listed = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._await_first_look(pods, listed), name="first look")
            while True:
                await self._arrived.changed()
                gone = self._merge()
                if listed.is_set():
                    self._holders = merge.holders(self.wanted)
                    pods.wish(self.wanted)
                    self.works.set()
                    for key in gone:
                        changed(key)  # it may never have had a worker

    async def _await_first_look(self, pods: pool.Pool, listed: asyncio.Event) -> None:
        await pods.first_look()
        running = pods.running_uids()
        self._holders = {key: merge.Holder(uid=uid) for key, uid in running.items()}
        listed.set()
        self._arrived.touch()

    def _merge(self) -> frozenset[wanted.PodKey]:
        """Merge, tell what is wrong, and return the pods that are wanted no longer."""
        snapshots = (*self._sources.snapshots.values(), *self._outside.values())
        before, self.wanted = self.wanted, merge.merge(snapshots, holders=self._holders)
        self.tell_findings(self.wanted)
        self._finding_events.tell(self.wanted)
        return frozenset(before.pods.keys() - self.wanted.pods.keys())

    def tell_findings(self, merged: wanted.Wanted) -> None:
        """Log each finding once while it lasts, and of a flood only the beginning."""
        news = self._finding_news.take(merged)
        for one in news[:MOST_FINDINGS_LOGGED]:
            level = logging.ERROR if one.severity is finding.Severity.ERROR else logging.WARNING
            log.log(level, "%s", one, extra={"origin": one.source})
        if len(news) > MOST_FINDINGS_LOGGED:
            more = len(news) - MOST_FINDINGS_LOGGED
            log.error("and %d more findings: `staticlet get manifests` shows them all", more)
