"""Where writes go to last: the protocol, and one that keeps nothing.

Writes are handed over in the order of their revisions and are reported back in that order, many
at once where many came while the disk was busy.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from staticlet.apiserver.store.port import Key, WriteFailed


class Row(NamedTuple):
    """One revision, as it is written down.

    Attributes:
        revision: Which.
        key: Whose.
        removed: Whether it removed the object.
        at: When, in milliseconds since 1970.
        encoded: The object; of a removal, as it was last.
    """

    revision: int
    key: Key
    removed: bool
    at: int
    encoded: bytes


Report: TypeAlias = Callable[[Sequence[Row], WriteFailed | None], None]
Outcome: TypeAlias = Callable[[WriteFailed | None], None]


class Journal(Protocol):
    """Makes rows last."""

    def start(self, report: Report) -> None:
        """Say who is told, in the event loop, what lasts and what failed."""
        ...

    def write(self, row: Row) -> None:
        """Hand over a row; never waits."""
        ...

    def probe(self, outcome: Outcome) -> None:
        """Write what changes nothing; whether that lasts is told in the event loop."""
        ...

    def forget(self, revisions: Sequence[int], *, oldest: int) -> None:
        """Let go of rows that are of no use any more, when there is time.

        Args:
            revisions: Which.
            oldest: Changes after this revision are all still there.
        """
        ...

    async def stop(self) -> None:
        """Return when all that was handed over was reported."""
        ...


class NoJournal:
    """Keeps nothing: everything "lasts" at the event loop's next turn."""

    def __init__(self) -> None:
        self._report: Report | None = None

    def start(self, report: Report) -> None:
        """See `Journal`."""
        self._report = report

    def write(self, row: Row) -> None:
        """See `Journal`."""
        if self._report is not None:
            asyncio.get_running_loop().call_soon(functools.partial(self._report, (row,), None))

    def probe(self, outcome: Outcome) -> None:
        """See `Journal`."""
        asyncio.get_running_loop().call_soon(outcome, None)

    def forget(self, revisions: Sequence[int], *, oldest: int) -> None:
        """See `Journal`."""

    async def stop(self) -> None:
        """See `Journal`."""
        await asyncio.sleep(0)
