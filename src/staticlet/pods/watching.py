"""Sees what becomes of one pod on the runtime: looks at it, and hears of processes that end.

The kernel tells of the end of each process that is known; how it ended the runtime says. What a
look finds counts in the same way, so an end that nobody told of is noticed later and not lost.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from staticlet.pods import mind, tools
from staticlet.pods import observed as obs

log = logging.getLogger(__name__)


class Watching:
    """Keeps `seen` of one pod true.

    Args:
        knowing: What the worker knows.
        shared: What it acts with.
    """

    def __init__(self, knowing: mind.Mind, shared: tools.Tools) -> None:
        self._mind = knowing
        self._tools = shared
        self._exited: set[str] = set()
        self._watched: dict[str, int] = {}

    def watches(self, runtime_id: str) -> bool:
        """Whether the kernel will tell when the process of this container or sandbox ends."""
        return runtime_id in self._watched

    def close(self) -> None:
        """Watch nothing any more."""
        for pid in self._watched.values():
            self._tools.exits.remove(pid)

    async def look_anew(self) -> None:
        """Read everything of this key from the runtime; exits that happened meanwhile count."""
        own = self._mind
        before = {c.id: c for s in own.seen.sandboxes for c in s.containers}
        own.seen = await self._tools.hands.look(own.key)
        own.look = False
        await self._recall_predecessor()
        now_ns = own.now_ns()
        for sandbox in own.seen.sandboxes:
            for container in sandbox.containers:
                known = before.get(container.id)
                if container.exited and known is not None and known.running:
                    own.past = own.past.with_exit(container, self._tools.backoff, now_ns)
                self._watch(container)

    async def take_in_exits(self) -> None:
        """Ask the runtime how each process ended of which the kernel said that it did."""
        own = self._mind
        while self._exited:
            ended = self._exited.pop()
            self._watched.pop(ended, None)
            sandbox = own.seen.sandbox(ended)
            if sandbox is not None:
                after = await self._tools.hands.sandbox_exit_of(sandbox)
                own.seen = own.seen.with_sandbox(after)
                continue
            for owner in own.seen.sandboxes:
                for container in owner.containers:
                    if container.id == ended and container.alive:
                        await self._take_exit(owner.id, container)

    def take(self, sandbox_id: str, container: obs.ObservedContainer) -> None:
        """Take a container into the view, watch it while it runs, count its exit."""
        own = self._mind
        own.seen = own.seen.with_container(sandbox_id, container)
        if container.exited:
            now_ns = own.now_ns()
            own.past = own.past.with_exit(container, self._tools.backoff, now_ns)
        self._watch(container)
        self._tools.changed(own.key)

    async def watch_sandboxes(self) -> None:
        """Learn the sandbox's own pid once the pod is at rest, so that its death is seen too."""
        own = self._mind
        for sandbox in own.seen.sandboxes:
            if not sandbox.ready or sandbox.id in self._watched:
                continue
            known = sandbox if sandbox.pid else await self._tools.hands.pids(sandbox)
            own.seen = own.seen.with_sandbox(known)
            if not known.ready:
                own.wake()
            elif known.pid:
                self._watch_process(known.id, known.pid)

    def unwatch(self, runtime_id: str) -> None:
        """Whatever becomes of this process is our own doing."""
        self._exited.discard(runtime_id)
        pid = self._watched.pop(runtime_id, None)
        if pid is not None:
            self._tools.exits.remove(pid)

    async def _recall_predecessor(self) -> None:
        """After a start of the agent: what runs under this key, if it is not what is wanted.

        Then a change that was made while no agent ran is served like any other: its image is
        pulled before the old pod is stopped.
        """
        own, want = self._mind, self._mind.want
        if own.serving is not None or want is None or own.past.incarnation is not None:
            return
        for sandbox in own.seen.sandboxes:
            if sandbox.alive and (sandbox.uid, sandbox.revision) != (want.uid, want.revision):
                known = await self._tools.hands.recall(sandbox)
                if known is not None:
                    own.serving = replace(known, incarnation=want.incarnation)
                return

    async def _take_exit(self, sandbox_id: str, container: obs.ObservedContainer) -> None:
        after = await self._tools.hands.exit_of(container)
        log.info(
            "%s: container %s ended with exit code %d%s",
            self._mind.key,
            after.name,
            after.exit_code,
            f" ({after.reason})" if after.reason else "",
            extra={"container": after.name, "exitCode": after.exit_code},
        )
        self.take(sandbox_id, after)

    def _watch(self, container: obs.ObservedContainer) -> None:
        if container.running and container.pid and container.id not in self._watched:
            self._watch_process(container.id, container.pid)

    def _watch_process(self, runtime_id: str, pid: int) -> None:
        def ended() -> None:
            self._exited.add(runtime_id)
            self._mind.wake()

        self._watched[runtime_id] = pid
        self._tools.exits.add(pid, ended)
