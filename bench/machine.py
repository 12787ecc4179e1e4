"""A containerd of our own to measure on, with what is needed to work on it and to watch it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import events, floor
from staticlet.runtime import port
from staticlet.runtime.cri import channel, runtime
from staticlet.testing import containerd


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A containerd that nobody else uses.

    Attributes:
        base: A directory that goes with it.
        endpoint: Its socket, as CRI endpoints are written.
        runtime: The same over the agent's adapter.
        seen: What happens on it.
    """

    base: Path
    endpoint: str
    runtime: port.Runtime
    seen: events.Events

    def floor(self, name: str, at_once: int) -> floor.Floor:
        """A floor on it."""
        logs = self.base / "floor-logs"
        return floor.Floor(name, self.runtime, self.seen, logs, at_once=at_once)


@asynccontextmanager
async def running() -> AsyncIterator[Machine]:
    """A machine from here to the end of the block; what runs on it goes with it."""
    with containerd.running() as own:
        async with (
            channel.Connection(own.endpoint) as connection,
            events.listening(own.socket, own.namespace) as seen,
        ):
            yield Machine(
                base=own.base,
                endpoint=own.endpoint,
                runtime=runtime.CriRuntime(connection),
                seen=seen,
            )
