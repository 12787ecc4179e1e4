"""An image puller on its own, on virtual time: a scripted runtime, and what the puller told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from staticlet.config import settings
from staticlet.pods.images import puller
from staticlet.pods.images.view import Request, State
from staticlet.runtime import port


class LoopClock:
    """The event loop's time, which is virtual here."""

    def now(self) -> datetime:
        """The date, from 1970 on."""
        return datetime.fromtimestamp(self.monotonic(), UTC)

    def monotonic(self) -> float:
        """Seconds."""
        return asyncio.get_running_loop().time()


class Images:
    """A runtime whose store is a set of names, whose pulls take a time and fail as told.

    Attributes:
        store: The images that there are.
        faults: What the next pulls of an image say; empty where one works.
        pull_s: How long each takes.
        away: Whether the runtime answers nothing.
        broken: What it says to every question; empty where it answers.
        asked: The images that were asked about.
        pulls: Those that were pulled, with the time.
        auths: With what credentials.
        cancelled: Those whose pull was cancelled.
        most: How many pulls ran at once.
    """

    def __init__(self) -> None:
        self.store: set[str] = set()
        self.faults: dict[str, list[str]] = {}
        self.pull_s = 1.0
        self.away = False
        self.broken = ""
        self.asked: list[str] = []
        self.pulls: list[tuple[str, float]] = []
        self.auths: list[Any] = []
        self.cancelled: list[str] = []
        self.most = 0
        self._running = 0

    async def image_status(self, ref: str) -> port.Image | None:
        """See `port.Images`."""
        self.asked.append(ref)
        await asyncio.sleep(0)
        if self.away:
            raise port.Unavailable("nobody listens")
        if self.broken:
            raise port.RuntimeFault(self.broken)
        return port.Image(id=f"id of {ref}", size_bytes=42) if ref in self.store else None

    async def pull(self, ref: str, *, auth: Any = None, sandbox: Any = None) -> str:
        """See `port.Images`."""
        del sandbox
        self.pulls.append((ref, asyncio.get_running_loop().time()))
        self.auths.append(auth)
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            await asyncio.sleep(self.pull_s)
        except asyncio.CancelledError:
            self.cancelled.append(ref)
            raise
        finally:
            self._running -= 1
        if self.away:
            raise port.Unavailable("nobody listens")
        faults = self.faults.get(ref)
        if faults and (fault := faults.pop(0)):
            raise port.RuntimeFault(fault)
        self.store.add(ref)
        return f"id of {ref}"

    async def list_images(self) -> Sequence[port.Image]:
        """See `port.Images`."""
        return ()


class Bench:
    """A puller on its own, with what it told.

    Args:
        config: How many pulls at once, and how often.
        lookup: Finds credentials.
        more: More arguments of `puller.Puller`.

    Attributes:
        images: Its runtime.
        events: What it recorded.
        wakes: How often it woke those who wait.
        puller: It.
    """

    def __init__(
        self,
        config: settings.Settings | None = None,
        lookup: Callable[[Any], Sequence[Any]] = lambda _: (),
        **more: Any,
    ) -> None:
        self.images = Images()
        self.events: list[tuple[Any, ...]] = []
        self.wakes = 0
        self._woken = asyncio.Event()
        self.puller = puller.Puller(
            self.images,
            config or settings.Settings(node_name="n"),
            time=LoopClock(),
            lookup=lookup,
            record=lambda *event: self.events.append(event),
            **more,
        )

    def need(self, request: Request) -> Any:
        """Ask for an image; the view of it now."""
        return self.puller.need(request, self._wake)

    async def settled(
        self,
        *requests: Request,
        states: Sequence[State] = (State.PRESENT, State.BACKOFF, State.FAILED),
    ) -> list[Any]:
        """Wait until every request is answered; the views."""
        for request in requests:
            self.need(request)
        async with asyncio.timeout(10_000):
            while not all(self._state(one) in states for one in requests):
                self._woken.clear()
                await self._woken.wait()
        return [self.puller.view(one) for one in requests]

    def told(self, reason: str | None = None) -> list[tuple[Any, ...]]:
        """The events, or those of a reason."""
        return [each[3:] for each in self.events if reason in (None, each[3])]

    def _state(self, request: Request) -> State | None:
        view = self.puller.view(request)
        return None if view is None else view.state

    def _wake(self) -> None:
        self.wakes += 1
        self._woken.set()


@asynccontextmanager
async def serving(bench: Bench) -> AsyncIterator[Bench]:
    """Let a puller run while the block does."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(bench.puller.run(), name="puller")
        yield bench
        task.cancel()


def request(
    image: str = "x:1",
    policy: str = "IfNotPresent",
    start: int = 0,
    owner: str = "uid",
    container: str = "c",
) -> Request:
    """A wish for an image."""
    return Request(owner=owner, container=container, image=image, policy=policy, start=start)
