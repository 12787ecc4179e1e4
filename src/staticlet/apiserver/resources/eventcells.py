"""An event as cells: the row of `kubectl get events`, of either API group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from staticlet.apiserver.resources.kind import Object
from staticlet.kube import table


def cells(obj: Object, now: datetime) -> Sequence[Any]:
    """The cells of an event, those of `-o wide` included.

    Of a series its last observation and its count are told; of an event without the older
    timestamps, its `eventTime`.
    """
    series = obj.get("series") or {}
    first = _either(obj, "firstTimestamp") or obj.get("eventTime")
    last = series.get("lastObservedTime") or _either(obj, "lastTimestamp") or first
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    return (
        table.since(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        _target(about),
        about.get("fieldPath", ""),
        _source(obj),
        str(obj.get("message") or obj.get("note") or "").strip(),
        table.since(first, now),
        series.get("count") or _either(obj, "count") or 1,
        obj["metadata"].get("name", ""),
    )


def _either(obj: Object, name: str) -> Any:
    """A field by its name in the core group, else by that in `events.k8s.io`."""
    return obj.get(name) or obj.get(f"deprecated{name[0].upper()}{name[1:]}")


def _target(about: Object) -> str:
    kind, name = str(about.get("kind") or "").lower(), about.get("name")
    return f"{kind}/{name}" if name else kind


def _source(obj: Object) -> str:
    source = _either(obj, "source") or {}
    component, host = source.get("component"), source.get("host")
    if not component:
        component = obj.get("reportingComponent") or obj.get("reportingController") or ""
        host = obj.get("reportingInstance")
    return f"{component}, {host}" if host else component
