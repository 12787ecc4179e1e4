"""The decisions about a pod as a story: when, what was decided, and because of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from staticlet.kube import rfc3339, table

COLUMNS = ("TIME", "AGE", "DECISION", "BECAUSE")


def render(
    decisions: Sequence[Mapping[str, Any]], now: datetime, *, zone: tzinfo | None = None
) -> str:
    """The table of decisions, the newest last."""
    return table.render(COLUMNS, [_cells(one, now, zone) for one in decisions])


def _cells(one: Mapping[str, Any], now: datetime, zone: tzinfo | None) -> tuple[str, ...]:
    at = rfc3339.moment(one["time"])
    age = table.human_duration(now - at)
    if one["count"] > 1:
        last = table.human_duration(now - rfc3339.moment(one["lastTime"]))
        age = f"{last} (x{one['count']} over {age})"
    why = " ".join(one["why"].split("\n"))
    if one.get("until"):
        why += f", until {_clock(rfc3339.moment(one['until']), zone)}"
    return _clock(at, zone), age, one["what"], why


def _clock(time: datetime, zone: tzinfo | None) -> str:
    return f"{time.astimezone(zone):%H:%M:%S}"
