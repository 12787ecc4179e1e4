"""A collection of an API server as a test says that the watch has it."""

from __future__ import annotations

import asyncio
from typing import Any

from staticlet.aio import fanout


class Watched:
    """What `client.reflector.Reflector` keeps, without a server.

    Attributes:
        objects: By namespace and name.
        synced_once: Set once they were listed.
        revision: The resourceVersion up to which they are known.
        listings: How often they were listed.
        changes: Tells which have changed.
        expected: The versions that a watch was said to have to bring.
    """

    def __init__(self, *, revision: int = 0) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.synced_once = asyncio.Event()
        self.revision = revision
        self.listings = 1
        self.changes = fanout.Fanout[tuple[str, str]]()
        self.expected: list[int] = []

    def expect(self, version: int) -> None:
        """Note what a watch has to bring."""
        self.expected.append(version)
