"""How long a request is waited for while nobody knows whether the server answers.

A request that was sent to a server that is just coming up, or over a path that leads nowhere, may
hang although the server is well a moment later: its connection stands in a queue that nobody
serves. So while a server is away only one request at a time waits for as long as it may, for
servers that are slow; the others give up soon and are made anew. And once any request is answered,
those that were sent before that and still hang get a moment more, and then are sent again.

Only the time until an answer begins is meant: one that has begun may take its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from staticlet.client import port

SHORT_S = 2.0
"""How long a request waits while another one waits for as long as it may."""

MOMENT_S = 1.0
"""How much longer one waits that hangs while another was answered."""


class GaveUp(port.Unreachable):
    """It was not waited for as long as it may take: this says nothing of the server."""


class SentTooEarly(GaveUp):
    """It hung while the server answered another: to be sent again."""


class Patience:
    """What is known of one server's answering, and who waits for it.

    Attributes:
        answering: Set while the last request was answered.
    """

    def __init__(self) -> None:
        self.answering = asyncio.Event()
        self._hanging: set[asyncio.Timeout] = set()
        self._patient: asyncio.Timeout | None = None

    def answered(self) -> None:
        """A request was answered: the server is there."""
        self.answering.set()
        soon = asyncio.get_running_loop().time() + MOMENT_S
        for scope in self._hanging:
            ends = scope.when()
            scope.reschedule(soon if ends is None else min(ends, soon))
        self._hanging.clear()

    def lost(self) -> None:
        """A request was not answered, for all the time that it had."""
        self.answering.clear()

    @asynccontextmanager
    async def attempt(self, server: str) -> AsyncIterator[None]:
        """Send a request in the block, which ends as the answer begins.

        Args:
            server: Whose, for people.

        Raises:
            GaveUp: It did not begin so soon, while it is not known whether the server is there.
            SentTooEarly: It did not begin, though another one did.
        """
        if self.answering.is_set():
            yield
            return
        scope = asyncio.timeout(SHORT_S if self._patient is not None else None)
        self._patient = self._patient or scope
        try:
            async with scope:
                self._hanging.add(scope)
                yield
        except TimeoutError as fault:
            if not scope.expired():
                raise
            if self.answering.is_set():
                words = f"{server}: answers others, but not this request"
                raise SentTooEarly(words) from fault
            raise GaveUp(f"{server}: no answer within {SHORT_S:g} s") from fault
        finally:
            self._hanging.discard(scope)
            if self._patient is scope:
                self._patient = None
