"""Times that clients wrote, as the API writes them."""

from __future__ import annotations

from collections.abc import Iterable

from staticlet.apiserver.resources.kind import Object
from staticlet.kube import rfc3339


def settle(obj: Object, names: Iterable[str], *, micro: bool = False) -> None:
    """Write times as the API does: in UTC, and as exact as their type; what is no time stays.

    Args:
        obj: What has the times.
        names: The fields.
        micro: Whether they are MicroTimes.
    """
    for name in names:
        text = obj.get(name)
        if not isinstance(text, str):
            continue
        try:
            moment = rfc3339.moment(text)
            obj[name] = rfc3339.micro(moment) if micro else rfc3339.text(moment)
        except (ValueError, OverflowError):
            continue  # reported by the check of the shape, or beyond what can be told
