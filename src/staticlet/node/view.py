"""What the node's side needs to know of the agent; `app` gives it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from staticlet.aio import fanout
from staticlet.kube import core
from staticlet.pods import events, obstacles, wanted


class Agent(Protocol):
    """The pods of this machine, as they are and as they are wanted."""

    @property
    def changes(self) -> fanout.Fanout[wanted.PodKey]:
        """Tells which pods have changed, in what is wanted or in what runs."""
        ...

    def pods(self) -> list[core.Pod]:
        """All pods with their status; `metadata.uid` is the static UID."""
        ...

    def pod(self, key: wanted.PodKey) -> core.Pod | None:
        """One pod with its status; None when there is none (any more)."""
        ...

    def manifests(self) -> wanted.Wanted:
        """What is wanted here, with all manifests."""
        ...

    def held_up(self) -> Mapping[wanted.PodKey, obstacles.Obstacle]:
        """The pods that find no place on this node, and what is in the way of each."""
        ...

    def happened(self) -> tuple[events.Event, ...]:
        """The events that are remembered, the last at the end."""
        ...

    def time(self) -> datetime:
        """Now, in UTC."""
        ...
