"""The objects of one resource as they are, in the order of their keys.

A list is asked for far more often than objects come and go, so the order is kept, not made: by
bisection, and the listing itself until something changes. A listing is a tuple: who holds one may
take all the time it needs to send it.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from staticlet.apiserver.store.port import Key, Record


class Shelf:
    """Records by key, listed in order."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._paths: list[str] = []
        self._listed: tuple[Record, ...] | None = ()

    def get(self, key: Key) -> Record | None:
        """What stands at a key."""
        return self._records.get(key.path)

    def put(self, record: Record) -> None:
        """Let this stand at its key."""
        at = record.key.path
        if at not in self._records:
            if not self._paths or self._paths[-1] < at:
                self._paths.append(at)
            else:
                bisect.insort(self._paths, at)
        self._records[at] = record
        self._listed = None

    def remove(self, key: Key) -> None:
        """Let nothing stand at this key; it must be there."""
        at = key.path
        del self._records[at]
        del self._paths[bisect.bisect_left(self._paths, at)]
        self._listed = None

    def listed(self, namespace: str = "") -> Sequence[Record]:
        """All, or those of a namespace, in order."""
        if self._listed is None:
            self._listed = tuple(map(self._records.__getitem__, self._paths))
        if not namespace:
            return self._listed
        return self._listed[slice(*self._span(namespace))]

    def _span(self, namespace: str) -> tuple[int, int]:
        begin = bisect.bisect_left(self._paths, f"{namespace}/")
        after = chr(ord("/") + 1)
        return begin, bisect.bisect_left(self._paths, namespace + after, lo=begin)


def ordered(records: Iterable[Record]) -> Sequence[Record]:
    """Records as `Shelf.listed` has them."""
    return tuple(sorted(records, key=lambda record: record.key.path))
