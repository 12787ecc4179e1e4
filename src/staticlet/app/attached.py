"""The container runtime that the agent is attached to: found, waited for, connected."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TypeVar

from staticlet.app import rootdir
from staticlet.config.settings import Settings
from staticlet.runtime import port
from staticlet.runtime.cri import channel, endpoint, images, runtime

log = logging.getLogger(__name__)

ENDPOINT_POLL_S = 1.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The runtime, as two ports over one or two sockets."""

    endpoint: str
    runtime: port.Runtime
    images: port.Images


async def connect(settings: Settings, stack: contextlib.AsyncExitStack) -> Connections:
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
            raise rootdir.CannotStart(str(fault)) from fault
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


async def or_stop(work: Coroutine[None, None, T], stop: asyncio.Event) -> T | None:
    """The work's result, or None when it was cut short because `stop` was set."""
    async with asyncio.TaskGroup() as group:
        main = group.create_task(work, name="connect")
        halt = group.create_task(stop.wait(), name="stop")
        await asyncio.wait((main, halt), return_when=asyncio.FIRST_COMPLETED)
        halt.cancel()
        main.cancel()
    return None if main.cancelled() else main.result()
