"""Large JSON, decoded piece by piece, so that a server's huge answer holds up nobody else.

To decode 16 MiB of pods at once takes a second and more on a busy machine, in which no container
would be started.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

PIECE_BYTES = 128 * 1024
"""After so many bytes of items, others have their turn: some 3 ms."""


async def decoded(body: bytes) -> dict[str, Any] | None:
    """A JSON object, with pauses between its `items`; None where it is none, or broken."""
    try:
        parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        listed = parts.pop("items", None)
        found = {name: msgspec.json.decode(part) for name, part in parts.items()}
        if listed is not None:
            found["items"] = await _items(listed)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return found


async def _items(listed: msgspec.Raw) -> list[Any] | None:
    parts = msgspec.json.decode(listed, type=list[msgspec.Raw] | None)
    if parts is None:
        return None
    found, size = [], 0
    for part in parts:
        found.append(msgspec.json.decode(part))
        size += len(part)
        if size > PIECE_BYTES:
            size = 0
            await asyncio.sleep(0)
    return found
