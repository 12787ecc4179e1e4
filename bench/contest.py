"""What every contestant can be told to do, and how long it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bench import usage

TIMEOUT_S = 60.0
TIMEOUT_A_POD_S = 0.6
SETTLE_S = 1.0
"""How long a pod is left alone between two things done to it."""


def timeout_s(pods: int) -> float:
    """How long so many pods may take to start or to end."""
    return max(TIMEOUT_S, TIMEOUT_A_POD_S * pods)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One pod's life, in seconds.

    Attributes:
        start: From the wish to the start of its container.
        restart: From SIGKILL of its container to the start of the next.
        change: From the wish for another edition to the start of its container.
        remove: From the wish to the end of its last process.
    """

    start: float
    restart: float
    change: float
    remove: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Many pods at once.

    Attributes:
        seconds: From the first wish to the start of the last container.
        cpu_s: What the contestant itself used meanwhile; None where that says nothing.
    """

    seconds: float
    cpu_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A contestant whose pods just run.

    Attributes:
        cpu_s_per_min: CPU seconds a minute.
        memory: What it holds.
    """

    cpu_s_per_min: float
    memory: usage.Memory


class Contestant(Protocol):
    """Somebody who runs pods."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        ...

    async def live(self, name: str) -> Life:
        """Start, restart, change and remove one pod."""
        ...

    async def burst(self, prefix: str, count: int) -> Burst:
        """Start many pods; they stay."""
        ...

    async def idle(self, seconds: float) -> Idle | None:
        """What it uses while nothing happens; None where that says nothing."""
        ...

    async def clear(self) -> float:
        """Remove the pods of the last burst; seconds until the last has ended."""
        ...
