"""The newest changes, so that watchers can go on where they were and lists can look back.

What is kept is bounded three ways, and the first bound that is met decides: by count, by size of
what nobody but the history needs any more, and by age. Age alone never takes the last few: a quiet
server's watchers shall find their place again after a night.

Encoded objects are shared with the shelves and with whoever watches: what the history costs is the
versions that were overwritten.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from staticlet.apiserver.store.port import Action, Change, Gone, Key, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How much of the past is kept.

    Attributes:
        revisions: At most so many changes.
        seconds: No longer than so long...
        few: ...but so many of any age.
        size: At most so many bytes of overwritten and removed objects.
    """

    revisions: int = 10_000
    seconds: float = 300.0
    few: int = 500
    size: int = 16 << 20


class History:
    """Changes in the order of their revisions.

    Args:
        keeping: How many.
        oldest: Changes after this revision are those that are added.
    """

    def __init__(self, keeping: Keeping, *, oldest: int) -> None:
        self.oldest = oldest
        self._keeping = keeping
        self._all: deque[Change] = deque()
        self._times: deque[float] = deque()
        self._of: dict[str, deque[Change]] = {}
        self._size = 0

    def add(self, change: Change, *, at: float) -> None:
        """Remember the newest change, made at this time (seconds of a clock of dates)."""
        self._all.append(change)
        self._times.append(at)
        self._of.setdefault(change.record.key.resource, deque()).append(change)
        self._size += _cost(change)

    def check(self, revision: int) -> None:
        """See that everything after a revision is known.

        Raises:
            Gone: It is not.
        """
        if revision < self.oldest:
            raise Gone(revision, self.oldest)

    def since(self, resource: str, revision: int) -> Sequence[Change]:
        """The changes of a resource after a revision, oldest first.

        Raises:
            Gone: Not all of them are known any more.
        """
        self.check(revision)
        found = list(self._back(resource, revision))
        found.reverse()
        return found

    def undone(
        self, resource: str, now: Sequence[Record], *, revision: int
    ) -> Iterator[Record] | None:
        """The objects of a resource as they were at a revision, in no order.

        Args:
            resource: Which.
            now: How they are.
            revision: When.

        Returns:
            None when nothing changed since: they are as they are.

        Raises:
            Gone: The revision is too old.
        """
        self.check(revision)
        earlier: dict[Key, Record | None] = {
            change.record.key: change.previous for change in self._back(resource, revision)
        }
        if not earlier:
            return None
        same = (record for record in now if record.key not in earlier)
        back = (record for record in earlier.values() if record is not None)
        return (record for part in (same, back) for record in part)

    def trim(self, *, now: float) -> list[int]:
        """Forget what is beyond the bounds.

        Returns:
            The revisions that nobody needs any more: overwritten, or removals.
        """
        needless = []
        while self._all and self._beyond(now):
            change = self._all.popleft()
            self._times.popleft()
            self._of[change.record.key.resource].popleft()
            self._size -= _cost(change)
            self.oldest = change.revision
            if change.previous is not None:
                needless.append(change.previous.revision)
            if change.action is Action.DELETED:
                needless.append(change.revision)
        return needless

    def _beyond(self, now: float) -> bool:
        keeping = self._keeping
        if len(self._all) > keeping.revisions or self._size > keeping.size:
            return True
        return len(self._all) > keeping.few and self._times[0] < now - keeping.seconds

    def _back(self, resource: str, revision: int) -> Iterator[Change]:
        for change in reversed(self._of.get(resource, ())):
            if change.revision <= revision:
                return
            yield change


def _cost(change: Change) -> int:
    size = 0 if change.previous is None else len(change.previous.encoded)
    return size + len(change.record.encoded) if change.action is Action.DELETED else size
