"""Huge answers of a server: decoded in pieces, and asked for in smaller pages when too large."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from staticlet.client import listing, pieces, port


@pytest.mark.parametrize(
    "thing",
    [
        {"kind": "PodList", "metadata": {"resourceVersion": "3"}, "items": [{"a": 1}, {}]},
        {"items": None},
        {"items": []},
        {"kind": "Pod"},
        {},
    ],
)
async def test_what_comes_in_pieces_is_what_came(thing: Any) -> None:
    assert await pieces.decoded(json.dumps(thing).encode()) == thing


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"items": 3}', b'{"items": [}', b"\xff", b""])
async def test_what_is_no_object_is_none(body: bytes) -> None:
    assert await pieces.decoded(body) is None


async def test_others_have_their_turn_while_a_long_list_is_decoded() -> None:
    one = {"metadata": {"name": "x", "note": "n" * 1000}}
    body = json.dumps({"items": [one] * 2000}).encode()
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(other(), name="other")
        found = await pieces.decoded(body)
        task.cancel()
    assert found == {"items": [one] * 2000}
    assert turns >= len(body) // pieces.PIECE_BYTES - 1


class Large:
    """A server whose pages are too large with more than five objects."""

    server = "https://x"

    def __init__(self, *, takes: int = 5) -> None:
        self.takes = takes
        self.limits: list[int] = []

    async def ask(self, method: str, path: str, *, query: Mapping[str, str], **_: Any) -> Any:
        limit = int(query["limit"])
        self.limits.append(limit)
        if limit > self.takes:
            raise port.TooLarge("https://x: answers with more than 16 MiB")
        begin = int(query.get("continue", "0"))
        more = begin + limit < 20
        return {
            "kind": "PodList",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": "9", "continue": str(begin + limit) if more else ""},
            "items": [
                {"metadata": {"name": f"p{n}"}} for n in range(begin, min(begin + limit, 20))
            ],
        }


async def test_pages_that_are_too_large_are_asked_for_smaller() -> None:
    api = Large()
    listed = await listing.whole(api, "/api/v1/pods", page=100)  # type: ignore[arg-type]
    assert len(listed.objects) == 20
    assert api.limits[:3] == [100, 12, 1]


async def test_a_single_object_that_is_too_large_is_a_fault() -> None:
    with pytest.raises(port.TooLarge):
        await listing.whole(Large(takes=0), "/api/v1/pods", page=100)  # type: ignore[arg-type]
