"""Housework: clears what pods of an earlier life left, once it is known what is wanted.

What static pods left does not wait for an API server, which may be away for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set

from staticlet.app import merging
from staticlet.pods import housekeeping, identity, wanted


class Housework:
    """Keeps the disk clear of pods that are nobody's.

    Args:
        house: Knows where pods leave things.
        merging: What is wanted.
        known_uids: Every UID that is served, or that the runtime has something of.
    """

    def __init__(
        self,
        house: housekeeping.House,
        merging: merging.Merging,
        *,
        known_uids: Callable[[], Set[str]],
    ) -> None:
        self._house = house
        self._merging = merging
        self._known_uids = known_uids

    async def run_once(self) -> None:
        """Clear what may be cleared now."""
        now = self._merging.wanted
        waiting = now.sources - now.ready
        if waiting - {wanted.API}:
            return
        left = await asyncio.to_thread(self._house.left_behind, but=self._in_use())
        for uid, key in left.items():
            if waiting and not identity.is_hashed(uid):
                continue  # it may be a pod of the API
            if uid not in self._in_use():  # looking and clearing took their time
                await asyncio.to_thread(self._house.clear, key, uid)
        await asyncio.to_thread(self._house.clear_links)

    def _in_use(self) -> set[str]:
        return {pod.uid for pod in self._merging.wanted.pods.values()} | self._known_uids()
