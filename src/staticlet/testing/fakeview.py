"""An agent as the node's side sees it, with the pods that a test gives it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from staticlet.aio import clock as clocks
from staticlet.aio import fanout
from staticlet.kube import core
from staticlet.pods import events, obstacles, wanted


class FakeView:
    """What `node.apipods.Agent` asks for; nothing happens by itself.

    Args:
        clock: The time.

    Attributes:
        changes: Tells which pods have changed.
        works: Whether the runtime was looked at; it was, unless a test clears it.
        shown: The pods with their status.
        static: The static pods that are wanted.
        asked: What the API wants here, as it was published last.
        left: The UIDs of which something is left on the machine.
        held: The pods that find no place on the node.
    """

    def __init__(self, clock: clocks.Clock) -> None:
        self.changes = fanout.Fanout[wanted.PodKey]()
        self.works = asyncio.Event()
        self.works.set()
        self.shown: dict[wanted.PodKey, core.Pod] = {}
        self.static: dict[wanted.PodKey, wanted.WantedPod] = {}
        self.asked: wanted.Snapshot | None = None
        self.left: set[str] = set()
        self.held: dict[wanted.PodKey, obstacles.Obstacle] = {}
        self._clock = clock

    def publish(self, snapshot: wanted.Snapshot) -> None:
        """Take what the API wants here."""
        self.asked = snapshot

    def show(self, key: wanted.PodKey, pod: core.Pod | None) -> None:
        """Have a pod be as it is now; None for gone."""
        if pod is None:
            self.shown.pop(key, None)
        else:
            self.shown[key] = pod
        self.changes.publish(key)

    def wants(self) -> dict[str, wanted.WantedPod]:
        """The pods of the API that are wanted, by UID."""
        manifests = self.asked.manifests if self.asked else ()
        return {pod.uid: pod for one in manifests for pod in one.pods}

    def pods(self) -> list[core.Pod]:
        """See `node.view.Agent`."""
        return [*self.shown.values()]

    def pod(self, key: wanted.PodKey) -> core.Pod | None:
        """See `node.view.Agent`."""
        return self.shown.get(key)

    def is_gone(self, key: wanted.PodKey, uid: str) -> bool:
        """See `node.apipods.Agent`."""
        del key
        return self.works.is_set() and uid not in self.left and uid not in self.wants()

    def manifests(self) -> wanted.Wanted:
        """See `node.view.Agent`; all sources are ready."""
        of_api = {pod.key: pod for pod in self.wants().values()}
        names = frozenset(("file",))
        return wanted.Wanted(pods={**of_api, **self.static}, sources=names, ready=names)

    def held_up(self) -> Mapping[wanted.PodKey, obstacles.Obstacle]:
        """See `node.view.Agent`."""
        return self.held

    def happened(self) -> tuple[events.Event, ...]:
        """See `node.view.Agent`: nothing."""
        return ()

    def time(self) -> datetime:
        """See `node.view.Agent`."""
        return self._clock.now()
