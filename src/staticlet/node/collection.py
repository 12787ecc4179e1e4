"""Objects of an API server as they are by now: as the watch has them, and our own last writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from staticlet.aio import fanout
from staticlet.pods import wanted
from staticlet.pods.sources import apipods

Object = dict[str, Any]


class Collection(Protocol):
    """The pods of this node in the API, as a reflector keeps them."""

    @property
    def objects(self) -> Mapping[tuple[str, str], Object]:
        """All of them, by namespace and name."""
        ...

    @property
    def synced_once(self) -> asyncio.Event:
        """Set once they were listed."""
        ...

    @property
    def revision(self) -> int:
        """The resourceVersion up to which they are known."""
        ...

    @property
    def listings(self) -> int:
        """How often they were listed: versions of before and after it are not comparable."""
        ...

    @property
    def changes(self) -> fanout.Fanout[tuple[str, str]]:
        """Tells which have changed."""
        ...

    def expect(self, version: int) -> None:
        """A write of ours made this version: the watch has to bring it."""
        ...


class Written:
    """Objects as the API answered our own writes, while the watch has not brought them yet.

    What was written before all was listed anew counts no more: a server that comes back with an
    older store, from a backup, knows nothing of it.

    Args:
        there: The objects as the watch has them.
    """

    def __init__(self, there: Collection) -> None:
        self._there = there
        self._made: dict[wanted.PodKey, tuple[Object, int]] = {}
        self._gone: dict[wanted.PodKey, tuple[str, int]] = {}

    def take(self, key: wanted.PodKey, made: Object) -> None:
        """Note an answer."""
        self._made[key] = (made, self._there.listings)
        self._there.expect(_version(made))

    def gone(self, key: wanted.PodKey, uid: str) -> None:
        """The object of this uid was removed."""
        self._made.pop(key, None)
        self._gone[key] = uid, self._there.listings

    def forget(self, key: wanted.PodKey) -> None:
        """Nobody asks for it any more."""
        self._made.pop(key, None)
        self._gone.pop(key, None)

    def newest(self, key: wanted.PodKey) -> Object | None:
        """The object as it is by now; None when there is none."""
        made, listings = self._made.get(key, (None, 0))
        if made is not None:
            version = _version(made)
            if listings == self._there.listings and self._there.revision < version:
                return made
            del self._made[key]
        there = self._there.objects.get(key)
        if there is not None and (apipods.uid_of(there), self._there.listings) == self._gone.get(
            key
        ):
            return None
        return there


def _version(obj: Mapping[str, Any]) -> int:
    """The resourceVersion as a number, which it is with every server that there is."""
    text = str((obj.get("metadata") or {}).get("resourceVersion", ""))
    return int(text) if text.isdecimal() else 0
