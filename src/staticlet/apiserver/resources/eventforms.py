"""Events in their two forms: core/v1, in which they are kept, and events.k8s.io/v1. Pure."""

from __future__ import annotations

from staticlet.apiserver.resources import times
from staticlet.apiserver.resources.kind import Object

GROUP = "events.k8s.io"
_NAMES = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedSource": "source",
}
"""Fields of the newer form, and what they are called in the older."""

_BACK = {old: new for new, old in _NAMES.items()}
_WRITTEN = {
    "eventTime": None,
    "firstTimestamp": None,
    "lastTimestamp": None,
    "reportingComponent": "",
    "reportingInstance": "",
}
_LEFT_OUT_WHEN_EMPTY = ("reportingController", "reportingInstance", "note", "deprecatedCount")


def settle(obj: Object) -> None:
    """Write out what core/v1 always has, and times as the API writes them."""
    for name, value in _WRITTEN.items():
        obj.setdefault(name, value)
    for name in ("source", "involvedObject"):
        if obj.get(name) is None:
            obj[name] = {}
    for name in ("type", "reason", "message", "action", "count"):
        if name in obj and not obj[name]:
            del obj[name]
    times.settle(obj, ("eventTime",), micro=True)
    times.settle(obj, ("firstTimestamp", "lastTimestamp"))
    if obj.get("series"):
        times.settle(obj["series"], ("lastObservedTime",), micro=True)


def to_stored(obj: Object) -> None:
    """From events.k8s.io/v1 to core/v1, in place."""
    _rename(obj, _NAMES)
    obj["apiVersion"] = "v1"


def from_stored(obj: Object) -> None:
    """From core/v1 to events.k8s.io/v1, in place."""
    _rename(obj, _BACK)
    obj["apiVersion"] = f"{GROUP}/v1"
    for name in _LEFT_OUT_WHEN_EMPTY:
        if name in obj and not obj[name]:
            del obj[name]


def _rename(obj: Object, names: dict[str, str]) -> None:
    entries = [(names.get(name, name), value) for name, value in obj.items()]
    obj.clear()
    obj.update(entries)
