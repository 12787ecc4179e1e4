"""The agent: everything that keeps the wanted pods running, constructed and joined.

Sources publish snapshots; `merge` makes the wanted pods of them; the pool keeps one worker a pod.
The agent is a witness of its pods, not their parent: when it ends, they go on, and the next one
finds them by their labels.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from staticlet.aio import clock as clocks
from staticlet.aio import fanout, latest, supervise
from staticlet.app import facts
from staticlet.config.settings import Settings
from staticlet.host import cgroup, proc
from staticlet.kube import core, read
from staticlet.pods import (
    hands,
    housekeeping,
    labels,
    logs,
    merge,
    observed,
    pool,
    present,
    report,
    runtimegate,
    tools,
    wanted,
)
from staticlet.pods.images import credentials, puller, source
from staticlet.pods.sources import directory, url
from staticlet.runtime import port
from staticlet.runtime.cri import channel, endpoint, images, runtime
from staticlet.server import local

log = logging.getLogger(__name__)

SOCKET_NAME = "staticlet.sock"
LOCK_NAME = "staticlet.lock"
ENDPOINT_POLL_S = 1.0
STARTS_PER_CPU = 2
STARTS_AT_ONCE = STARTS_PER_CPU * (os.cpu_count() or 1)
"""How many pods start at once; `docs/performance.md` has the measurements."""


class CannotStart(Exception):
    """The agent cannot start here; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The runtime, as two ports over one or two sockets."""

    endpoint: str
    runtime: port.Runtime
    images: port.Images


async def serve_agent(
    settings: Settings, stop: asyncio.Event, *, clock: clocks.Clock | None = None
) -> None:
    """Run the agent until `stop` is set; containers go on running.

    Raises:
        CannotStart: The root directory is another agent's or cannot be used.
    """
    with _root_directory(settings) as own:
        core.prepare()
        async with contextlib.AsyncExitStack() as stack:
            connections = await _or_stop(_connect(own, stack), stop)
            if connections is None:
                return
            agent = Agent(own, connections, clock or clocks.SystemClock())
            try:
                async with asyncio.TaskGroup() as group:
                    running = group.create_task(agent.run(), name="agent")
                    await stop.wait()
                    running.cancel()
            except* local.SocketFault as faults:
                raise CannotStart(str(faults.exceptions[0])) from faults


class Agent:
    """One agent on one runtime and one root directory."""

    def __init__(self, settings: Settings, connections: Connections, clock: clocks.Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._runtime = connections.runtime
        self._facts = facts.Facts(settings, clock)
        self._exits = proc.ExitWatch()
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
        shared = tools.Tools(
            hands=hands.RuntimeHands(connections.runtime, settings, self._facts.now, clock, trees),
            images=source.PodImages(self._puller),
            exits=self._exits,
            runtime=self._gate,
            clock=clock,
            starts=asyncio.Semaphore(STARTS_AT_ONCE),
            backoff=observed.BackoffRule(
                initial_s=settings.initial_container_restart_period_s,
                max_s=settings.max_container_restart_period_s,
            ),
            changed=self._changes.publish,
        )
        self._pool = pool.Pool(
            shared,
            self._find,
            house=self._keep_house,
            relist_s=min(pool.RELIST_S, settings.sync_frequency_s),
        )
        self._house = housekeeping.House(settings, trees=trees, node=self._facts.now)
        self._snapshots: dict[str, wanted.Snapshot] = {
            name: wanted.Snapshot(source=name, ready=False) for name in _sources(settings)
        }
        self._arrived = latest.Latest(None)
        self._wanted = wanted.Wanted(sources=frozenset(self._snapshots))
        self._holders: Mapping[wanted.PodKey, merge.Holder] = {}
        self._told: set[str] = set()
        self._driver_unknown = True

    async def run(self) -> None:
        """Keep the pods until cancelled."""
        path = self._settings.socket or self._settings.root_dir / SOCKET_NAME
        try:
            async with local.serving(self, path):
                with contextlib.closing(self._changes):  # ends what streams before the socket
                    async with asyncio.TaskGroup() as group:
                        for name, work in self._tasks():
                            group.create_task(work, name=name)
        finally:
            self._exits.close()

    def _tasks(self) -> Iterator[tuple[str, Coroutine[None, None, None]]]:
        settings = self._settings
        yield "runtime gate", self._gate.run()
        yield "images", self._puller.run()
        yield "pool", self._pool.run()
        yield "merge", self._merge_as_they_come()
        yield "runtime events", self._follow_events()
        if settings.static_pod_path is not None:
            files = directory.DirectorySource(
                settings.static_pod_path,
                node_name=settings.node_name,
                read=read.read,
                publish=self._publish,
                root_dir=settings.root_dir,
                times=self._clock,
                check_frequency_s=settings.file_check_frequency_s,
                all_file_names=settings.all_file_names,
                strict=settings.strict_manifests,
            )
            yield "file source", supervise.restarting("the file source", files.run)
        if settings.static_pod_url:
            pages = url.UrlSource(
                settings.static_pod_url,
                headers=settings.static_pod_url_headers,
                node_name=settings.node_name,
                read=read.read,
                publish=self._publish,
                root_dir=settings.root_dir,
                times=self._clock,
                check_frequency_s=settings.http_check_frequency_s,
                strict=settings.strict_manifests,
            )
            yield "url source", supervise.restarting("the URL source", pages.run)

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

    def restart(self, key: wanted.PodKey) -> bool:
        """Begin to restart a pod; False when it is not wanted."""
        return self._pool.restart(key)

    def log_of(self, key: wanted.PodKey, container: str, *, previous: bool) -> logs.LogFile:
        """The log of a container's present or previous life; raises logs.NotAvailable."""
        return logs.find(
            self._pool.report(key),
            self.pod(key),
            self._settings,
            name=key.name,
            container=container,
            previous=previous,
        )

    def manifests(self) -> wanted.Wanted:
        """All manifests with their states and findings."""
        return self._wanted

    def _record(self, uid: str, container: str, kind: str, reason: str, message: str) -> None:
        """Log an event about an image."""
        level = logging.WARNING if kind == "Warning" else logging.INFO
        name = self._wanted.name_of(uid)
        log.log(level, "%s: container %s: %s: %s", name, container, reason, message)

    def _publish(self, snapshot: wanted.Snapshot) -> None:
        self._snapshots[snapshot.source] = snapshot
        self._arrived.touch()

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
        merged = merge.merge(self._snapshots.values(), holders=self._holders)
        self._wanted = merged
        self._tell_findings(merged)
        if decide:
            self._holders = merge.holders(merged)
            self._pool.wish(merged)

    def _tell_findings(self, merged: wanted.Wanted) -> None:
        """Log each finding once while it lasts."""
        present_now = [*merged.findings, *(f for m in merged.manifests for f in m.findings)]
        for one in present_now:
            if str(one) not in self._told:
                level = logging.ERROR if one.severity.value == "error" else logging.WARNING
                log.log(level, "%s", one)
        self._told = {str(one) for one in present_now}

    async def _find(self) -> Mapping[wanted.PodKey, pool.Found]:
        chosen = labels.owner_selector(self._settings.root_dir)
        await self._gate.wait()
        if self._driver_unknown:
            self._driver_unknown = False
            driver = await self._runtime.cgroup_driver()
            if driver:
                self._facts.use_cgroup_driver(driver)
        sandboxes = await self._runtime.list_sandboxes(chosen)
        containers = await self._runtime.list_containers(chosen)
        return pool.found(sandboxes, containers, labels.source_of)

    async def _keep_house(self) -> None:
        """Clear what pods of an earlier life left, once it is known what is wanted."""
        if self._wanted.ready != self._wanted.sources:
            return
        left = await asyncio.to_thread(self._house.left_behind)
        for uid, key in left.items():
            wanted_now = {pod.uid for pod in self._wanted.pods.values()}
            if uid not in wanted_now | self._pool.known_uids():
                await asyncio.to_thread(self._house.clear, key, uid)
        await asyncio.to_thread(self._house.clear_links)

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


@contextlib.contextmanager
def _root_directory(settings: Settings) -> Iterator[Settings]:
    """The settings with the root directory's real path, which is made and locked.

    Labels on the runtime name the root directory, so two agents must never share one.
    """
    try:
        settings.root_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        real = settings.root_dir.resolve()
        lock = os.open(real / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise CannotStart(f"cannot use root directory {settings.root_dir}: {fault}") from fault
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            pid = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise CannotStart(
                f"another agent (pid {pid}) uses root directory {real}: stop it, or give this "
                "one another --root-dir"
            ) from fault
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield replace(settings, root_dir=real)
    finally:
        os.close(lock)


async def _connect(settings: Settings, stack: contextlib.AsyncExitStack) -> Connections:
    """Find the runtime's socket, waiting for one to appear when none is configured."""
    where = await _find_endpoint(settings.runtime_endpoint)
    main = await stack.enter_async_context(channel.Connection(where))
    second = main
    if settings.image_endpoint not in ("", settings.runtime_endpoint):
        second = await stack.enter_async_context(channel.Connection(settings.image_endpoint))
    timeout_s = settings.runtime_request_timeout_s
    return Connections(
        endpoint=where,
        runtime=runtime.CriRuntime(main, request_timeout_s=timeout_s),
        images=images.CriImages(second, request_timeout_s=timeout_s),
    )


async def _find_endpoint(configured: str) -> str:
    told = False
    while True:
        try:
            found = endpoint.resolve(configured)
        except endpoint.BadEndpoint as fault:
            raise CannotStart(str(fault)) from fault
        if found is not None:
            return found
        if not told:
            places = ", ".join(endpoint.WELL_KNOWN[:2])
            log.warning(
                "no container runtime found (%s, …): install containerd or CRI-O, give "
                "--container-runtime-endpoint, or use `staticlet up`; waiting",
                places,
            )
            told = True
        await asyncio.sleep(ENDPOINT_POLL_S)


T = TypeVar("T")


async def _or_stop(work: Coroutine[None, None, T], stop: asyncio.Event) -> T | None:
    """The work's result, or None when it was cut short because `stop` was set."""
    async with asyncio.TaskGroup() as group:
        main = group.create_task(work, name="connect")
        halt = group.create_task(stop.wait(), name="stop")
        await asyncio.wait((main, halt), return_when=asyncio.FIRST_COMPLETED)
        halt.cancel()
        main.cancel()
    return None if main.cancelled() else main.result()


def _sources(settings: Settings) -> Iterator[str]:
    if settings.static_pod_path is not None:
        yield "file"
    if settings.static_pod_url:
        yield "http"


def _credential_files(settings: Settings) -> tuple[Path, ...]:
    home = Path(os.environ["HOME"]) if os.environ.get("HOME") else None
    return credentials.search_paths(settings.root_dir, Path.cwd(), home)
