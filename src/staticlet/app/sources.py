"""The configured sources at work, replaced as a whole when their settings change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping

from staticlet.aio import clock as clocks
from staticlet.aio import latest, supervise
from staticlet.config.settings import Settings
from staticlet.kube import read
from staticlet.pods import identity, wanted
from staticlet.pods.sources import directory, succession, url

Work = Callable[[], Awaitable[None]]


class Sources:
    """Runs the sources, and knows the snapshots that count.

    Args:
        settings: Where manifests are.
        clock: The time.
        news: Called when a snapshot has changed.
    """

    def __init__(
        self, settings: Settings, clock: clocks.Clock, *, news: Callable[[], None]
    ) -> None:
        self._settings = latest.Latest(settings)
        self._clock = clock
        self._news = news
        self._before: Mapping[str, wanted.Snapshot] = {}
        self._new: dict[str, wanted.Snapshot] = {}
        self._begun: Mapping[wanted.PodKey, int] = {}

    @property
    def snapshots(self) -> Mapping[str, wanted.Snapshot]:
        """What each source brings, by its name."""
        return succession.succeed(self._before, self._new, configured(self._settings.value))

    def use(self, settings: Settings) -> None:
        """Follow other places; what the old ones have brought stays until the new were seen."""
        if _relevant(settings) == _relevant(self._settings.value):
            return
        self._before = self.snapshots
        carried = succession.incarnations(self._before.values())
        self._begun = {**self._begun, **carried}
        self._new = {}
        self._settings.put(settings)
        self._news()

    async def run(self) -> None:
        """Follow the places until cancelled."""
        settings = self._settings.take()
        while True:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(supervise.restarting(name, work), name=name)
                    for name, work in self._works(settings)
                ]
                settings = await self._settings.changed()
                for task in tasks:
                    task.cancel()

    def _works(self, settings: Settings) -> Iterator[tuple[str, Work]]:
        def publish(snapshot: wanted.Snapshot) -> None:
            if settings is self._settings.value:
                self._new[snapshot.source] = succession.continued(snapshot, self._begun)
                self._news()

        if settings.static_pod_path is not None:
            files = directory.DirectorySource(
                settings.static_pod_path,
                node_name=settings.node_name,
                read=read.read,
                publish=publish,
                root_dir=settings.root_dir,
                times=self._clock,
                check_frequency_s=settings.file_check_frequency_s,
                all_file_names=settings.all_file_names,
                strict=settings.strict_manifests,
            )
            yield "the file source", files.run
        if settings.static_pod_url:
            pages = url.UrlSource(
                settings.static_pod_url,
                headers=settings.static_pod_url_headers,
                node_name=settings.node_name,
                read=read.read,
                publish=publish,
                root_dir=settings.root_dir,
                times=self._clock,
                check_frequency_s=settings.http_check_frequency_s,
                strict=settings.strict_manifests,
            )
            yield "the URL source", pages.run


def configured(settings: Settings) -> Iterator[str]:
    """The names of the sources that the settings ask for."""
    if settings.static_pod_path is not None:
        yield identity.FILE
    if settings.static_pod_url:
        yield identity.HTTP


def _relevant(settings: Settings) -> tuple[object, ...]:
    return (
        settings.static_pod_path,
        settings.static_pod_url,
        settings.static_pod_url_headers,
        settings.file_check_frequency_s,
        settings.http_check_frequency_s,
        settings.all_file_names,
        settings.strict_manifests,
    )
