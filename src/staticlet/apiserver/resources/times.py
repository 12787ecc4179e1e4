"""Times as the API writes them: to the second, or for a MicroTime to the microsecond."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from staticlet.apiserver.resources.kind import Object

_SECOND = "%Y-%m-%dT%H:%M:%SZ"
_MICROSECOND = "%Y-%m-%dT%H:%M:%S.%fZ"


def rfc3339(moment: datetime) -> str:
    """A time to the second, in UTC: `2026-01-31T12:00:00Z`."""
    return moment.astimezone(UTC).strftime(_SECOND)


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
            moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            continue  # reported by the check of the shape, or beyond what can be told
        obj[name] = moment.strftime(_MICROSECOND if micro else _SECOND)
