"""What a controller is, and what keeps it running.

A controller settles what has changed: it is told the keys of objects that are new or changed since
the last time (at first, all there are), looks at the store as it is, and makes requests like any
client. It remembers nothing that it could not find out again, so a lost wake-up costs time only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

from staticlet.aio import supervise
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key
from staticlet.kube import refusal

log = logging.getLogger(__name__)

GATHER_S = 0.02
"""How long more changes are waited for after the first, so that many are settled at once."""

RETRIES_S = (0.2, 1.0, 5.0, 15.0)


class Controller(Protocol):
    """One rule that keeps objects in step.

    Attributes:
        name: What `--controllers` calls it.
        resources: The resources whose changes it is told of, as keys name them.
    """

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def resources(self) -> Collection[str]:
        """What it follows."""
        ...

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Put things right, as far as these keys are concerned.

        Returns:
            Seconds after which it wants to be called without any change; None for never.

        Raises:
            refusal.Refusal: A request was refused: the same keys are given again after a while.
        """
        ...


class Changed:
    """The keys that are waiting to be settled."""

    def __init__(self) -> None:
        self._keys: dict[Key, None] = {}
        self._woken = asyncio.Event()

    def add(self, *keys: Key) -> None:
        """Note keys."""
        self._keys.update(dict.fromkeys(keys))
        if keys:
            self._woken.set()

    async def wait(self, within_s: float | None) -> None:
        """Return when there is a key, or when the time is up."""
        try:
            async with asyncio.timeout(within_s):
                await self._woken.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_S)

    @contextmanager
    def taken(self) -> Iterator[Collection[Key]]:
        """All keys; noted again where the block fails."""
        keys = tuple(self._keys)
        self._keys.clear()
        self._woken.clear()
        try:
            yield keys
        except refusal.Refusal:
            self._keys = dict.fromkeys((*keys, *self._keys))
            raise


async def run(controller: Controller, store: port.Store) -> None:
    """Run a controller until cancelled; after anything unforeseen it is logged and begun anew."""

    async def once() -> None:
        changed = Changed()
        async with asyncio.TaskGroup() as group:
            for resource in controller.resources:
                group.create_task(
                    _follow(store, resource, changed), name=f"{controller.name}: {resource}"
                )
            await _settling(controller, changed)

    await supervise.restarting(f"controller {controller.name}", once)


async def _settling(controller: Controller, changed: Changed) -> None:
    refused = 0
    wait_s: float | None = 0.0  # the first time, even where there is nothing at all
    while True:
        await changed.wait(wait_s)
        try:
            with changed.taken() as keys:
                wait_s = await controller.settle(keys)
            refused = 0
        except refusal.Refusal as fault:
            pause_s = RETRIES_S[min(refused, len(RETRIES_S) - 1)]
            refused += 1
            log.warning("controller %s: %s; again in %g s", controller.name, fault, pause_s)
            await asyncio.sleep(pause_s)
            wait_s = 0.0


async def _follow(store: port.Store, resource: str, changed: Changed) -> None:
    """Note every key of a resource, and then every change, for as long as the store is open."""
    while True:
        listing = store.list(resource)
        changed.add(*(record.key for record in listing.records))
        try:
            with store.subscribe(resource, since=listing.revision) as changes:
                async for change in changes:
                    changed.add(change.record.key)
        except (port.Overrun, port.Gone):
            log.debug("%s: too many changes at once: looking at all of them", resource)
        else:
            return  # the store has closed
