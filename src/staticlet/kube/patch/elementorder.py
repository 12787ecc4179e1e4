"""The order of a list that a strategic merge patch merged.

The patch's items keep the patch's order, those that only the server has keep the server's; the
two are then interleaved by how the items stood in the server's list. An item that the server did
not know stands before those that only the server has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeAlias

Identify: TypeAlias = Callable[[Any], Hashable]


def identity(value: Any) -> Hashable:
    """What two equal plain values have in common, and no others: true is not 1."""
    if isinstance(value, dict | list):
        return (dict, json.dumps(value, sort_keys=True))
    return (type(value), value)


def by(merge_key: str) -> Identify:
    """How the items of a list are told apart: by a key, or by themselves when that is empty."""
    if not merge_key:
        return identity

    def identify(item: Any) -> Hashable:
        return identity(item.get(merge_key)) if isinstance(item, dict) else identity(item)

    return identify


def unique(items: Sequence[Any], identify: Identify) -> list[Any]:
    """The items without repetitions, each at its first place."""
    seen: dict[Hashable, Any] = {}
    for item in items:
        seen.setdefault(identify(item), item)
    return list(seen.values())


def arranged(
    merged: Sequence[Any], wanted: Sequence[Any], server: Sequence[Any], identify: Identify
) -> list[Any]:
    """Put merged items in order.

    Args:
        merged: The items.
        wanted: The patch's items, or the order that the patch gives.
        server: The list as it was.
        identify: How items are told apart.
    """
    in_patch = _places(wanted, identify)
    in_server = _places(server, identify)
    named = [(identify(item), item) for item in merged]
    first = sorted((pair for pair in named if pair[0] in in_patch), key=lambda p: in_patch[p[0]])
    second = sorted(
        (pair for pair in named if pair[0] not in in_patch),
        key=lambda p: in_server.get(p[0], len(server)),
    )
    return _interleaved(second, first, in_server)


def _places(items: Sequence[Any], identify: Identify) -> dict[Hashable, int]:
    places: dict[Hashable, int] = {}
    for at, item in enumerate(items):
        places.setdefault(identify(item), at)
    return places


def _interleaved(
    left: Sequence[tuple[Hashable, Any]],
    right: Sequence[tuple[Hashable, Any]],
    places: dict[Hashable, int],
) -> list[Any]:
    """Both lists as one; an item of the left goes first only where the server had it before."""
    result: list[Any] = []
    at = 0
    for key, item in right:
        here = places.get(key)
        while here is not None and at < len(left) and places.get(left[at][0], here) < here:
            result.append(left[at][1])
            at += 1
        result.append(item)
    result += (item for _, item in left[at:])
    return result
