"""What ties a machine to an API server: what all who write its Node and its Lease work with."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from staticlet.aio import clock as clocks
from staticlet.client import backoff, port, saying
from staticlet.config.settings import Settings
from staticlet.node import answers, own

MOST_PAUSE_S = 7.0
"""The longest pause after a fault, as the kubelet's."""

Tell: TypeAlias = Callable[[str, str, str], None]
"""Takes type, reason and message of an event about the Node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """One node's.

    Attributes:
        api: The API server.
        node: The own Node.
        settings: What we are told.
        clock: The time.
        random: A number from 0 (included) to 1 (excluded) at each call.
        pause: Waits so many seconds, or less if a server that was away answers again.
        tell: Takes events about the Node.
    """

    api: port.Api
    node: own.OwnNode
    settings: Settings
    clock: clocks.Clock
    random: Callable[[], float]
    pause: Callable[[float], Awaitable[None]]
    tell: Tell

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        media: str = "application/json",
    ) -> port.Object:
        """Make a request about the Node or the Lease, which has the same name.

        Raises:
            Unreachable: As `Api.ask`; or the answer is no object of that name.
            Refused: As `Api.ask`.
        """
        return await answers.ask(self.api, self.node.name, method, path, body, media=media)

    def pauses(self) -> backoff.Backoff:
        """The pauses after faults, for one who asks."""
        return backoff.Backoff(self.random, base_s=0.2, most_s=MOST_PAUSE_S)

    def saying(self, log: logging.Logger, subject: str) -> saying.Saying:
        """What the log says of one subject: nothing of what mends itself soon."""
        return saying.Saying(log, subject, self.clock, patience_s=saying.PATIENCE_S)
