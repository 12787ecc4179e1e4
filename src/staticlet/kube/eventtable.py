"""Events as rows, in the columns of `kubectl get events`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from staticlet.kube import rfc3339, table
from staticlet.kube.describe import pod

COLUMNS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")
WIDE_COLUMNS = (
    *COLUMNS[:-1],
    "SUBOBJECT",
    "SOURCE",
    "MESSAGE",
    "FIRST SEEN",
    "COUNT",
    "NAME",
)


def render(
    events: Sequence[Mapping[str, Any]], now: datetime, *, wide: bool, with_namespace: bool
) -> str:
    """The table of events."""
    first = ("NAMESPACE",) if with_namespace else ()
    headings = (*first, *(WIDE_COLUMNS if wide else COLUMNS))
    cells = [
        (*((_namespace(one),) if with_namespace else ()), *_cells(one, now, wide=wide))
        for one in events
    ]
    return table.render(headings, cells)


def _namespace(event: Mapping[str, Any]) -> str:
    return str(event["metadata"]["namespace"])


def _cells(event: Mapping[str, Any], now: datetime, *, wide: bool) -> tuple[str, ...]:
    about = event["involvedObject"]
    message = " ".join(event["message"].split("\n")).strip()
    basic = (
        pod.age(event, now),
        event["type"],
        event["reason"],
        f"{about['kind'].lower()}/{about['name']}",
    )
    if not wide:
        return (*basic, message)
    source = event["source"]
    since = table.human_duration(now - rfc3339.moment(event["firstTimestamp"]))
    return (
        *basic,
        about.get("fieldPath", ""),
        f"{source['component']}, {source['host']}",
        message,
        since,
        str(event["count"]),
        event["metadata"]["name"],
    )
