"""What is believed of a server's answers: an object must be one before it is looked into.

A server may lie, or be another program than we think. What cannot be an object of ours counts as
no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from staticlet.client import port

Object = dict[str, Any]

_MAPS: Mapping[str, tuple[str, ...]] = {
    "metadata": ("labels", "annotations"),
    "spec": (),
    "status": ("capacity", "allocatable", "nodeInfo"),
}


def is_object(thing: Any, name: str) -> bool:
    """Whether something can be a Node or a Lease of this name."""
    if not isinstance(thing, dict):
        return False
    for part, maps in _MAPS.items():
        inside = thing.get(part)
        if inside is None and part != "metadata":
            continue
        if not isinstance(inside, dict):
            return False
        if any(not isinstance(inside.get(each) or {}, dict) for each in maps):
            return False
    meta = thing["metadata"]
    return meta.get("name") == name and isinstance(meta.get("uid"), str) and bool(meta["uid"])


async def ask(
    api: port.Api,
    name: str,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    media: str = "application/json",
    holds: Callable[[Any, str], bool] = is_object,
) -> Object:
    """Make a request that is answered with an object of this name.

    Args:
        api: The API server.
        name: The object's name.
        method: As for `Api.ask`.
        path: As for `Api.ask`.
        body: As for `Api.ask`.
        media: As for `Api.ask`.
        holds: Whether an answer is one that may be used, by its name.

    Raises:
        Unreachable: As `Api.ask`; or the answer is no such object.
        Refused: As `Api.ask`.
    """
    answer = await api.ask(method, path, body, media=media)
    if not holds(answer, name):
        raise port.Unreachable(f"{api.server}: answers {method} {path} with something else")
    return answer
