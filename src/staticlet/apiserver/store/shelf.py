"""The objects of one resource as they are, in the order of their keys.

A list is asked for far more often than objects come and go, so the order is kept, not made: keys
by bisection, and the listing itself until something changes. A listing is a tuple: who holds one
may take all the time it needs to send it.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence

from staticlet.apiserver.store.port import Key, Record


class Shelf:
    """Records by key, listed in order."""

    def __init__(self) -> None:
        self._records: dict[Key, Record] = {}
        self._keys: list[Key] = []
        self._listed: tuple[Record, ...] | None = ()

    def get(self, key: Key) -> Record | None:
        """What stands at a key."""
        return self._records.get(key)

    def put(self, record: Record) -> None:
        """Let this stand at its key."""
        if record.key not in self._records:
            if not self._keys or self._keys[-1] < record.key:
                self._keys.append(record.key)
            else:
                bisect.insort(self._keys, record.key)
        self._records[record.key] = record
        self._listed = None

    def remove(self, key: Key) -> None:
        """Let nothing stand at this key; it must be there."""
        del self._records[key]
        del self._keys[bisect.bisect_left(self._keys, key)]
        self._listed = None

    def listed(self, namespace: str = "") -> Sequence[Record]:
        """All, or those of a namespace, by namespace and name."""
        if self._listed is None:
            self._listed = tuple(map(self._records.__getitem__, self._keys))
        if not namespace:
            return self._listed
        return self._listed[slice(*self._span(namespace))]

    def _span(self, namespace: str) -> tuple[int, int]:
        if not self._keys:
            return 0, 0
        resource = self._keys[0].resource
        begin = bisect.bisect_left(self._keys, Key(resource, namespace, ""))
        end = bisect.bisect_left(self._keys, Key(resource, namespace + "\0", ""), lo=begin)
        return begin, end


def ordered(records: Iterable[Record]) -> Sequence[Record]:
    """Records by namespace and name, as `Shelf.listed` has them."""
    return tuple(sorted(records, key=lambda record: record.key))
