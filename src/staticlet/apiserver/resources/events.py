"""Events, of the core group and of events.k8s.io: one store, in the form of the core group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staticlet.apiserver.resources import (
    basic,
    columns,
    eventforms,
    kind,
    objectmeta,
    traits,
)
from staticlet.kube import apitypes, core, names
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import errors, peek

_LONGEST = {"reportingInstance": 128, "action": 128, "reason": 128, "message": 1024}
_FIXED = (
    "involvedObject",
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "type",
    "eventTime",
    "action",
    "related",
    "reportingComponent",
    "reportingInstance",
)
_UNSET: Mapping[str, Any] = {
    "firstTimestamp": None,
    "lastTimestamp": None,
    "count": None,
    "source": {},
}


class Events(basic.Basic):
    """The rules of events in core/v1, which are few (`legacyValidateEvent`)."""

    creates_on_update = True

    def default(self, obj: kind.Object) -> None:
        """Write out what an event always has."""
        eventforms.settle(obj)

    def rules(self, obj: kind.Object) -> errors.Errors:
        """An event is where its object is; one of the newer kind says who tells what."""
        newer = bool(obj.get("eventTime"))
        involved = peek.text(peek.child(obj, "involvedObject"), "namespace")
        own = peek.text(obj["metadata"], "namespace")
        of_cluster = ("default", "kube-system") if newer else ("", "default")
        agree = newer or involved == own if involved else own in of_cluster
        if not agree:
            at = ("involvedObject", "namespace")
            yield errors.invalid(at, involved, "does not match event.namespace")
        if newer:
            yield from _told(obj)


def _told(obj: kind.Object) -> errors.Errors:
    controller = peek.text(obj, "reportingComponent")
    if not controller:
        yield errors.required(("reportingController",))
    at = ("reportingController",)
    yield from errors.each(at, controller, names.qualified_name(controller))
    for field, longest in _LONGEST.items():
        text = peek.text(obj, field)
        if not text and field != "message":
            yield errors.required((field,))
        if names.byte_length(text) > longest:
            yield errors.invalid((field,), "", f"can have at most {longest} characters")


class NewEvents(Events):
    """The rules of events that are written in events.k8s.io/v1, in which little may change."""

    def check_create(self, obj: kind.Object) -> Sequence[FieldError]:
        """It has a time and a type, and none of the fields of old."""
        return [*super().check_create(obj), *_strict(obj)]

    def changes(self, new: kind.Object, old: kind.Object) -> errors.Errors:
        """Only its series goes on."""
        if new.get("series") != old.get("series"):
            yield from _series(new)
        for field in _FIXED:
            if not objectmeta.same(new.get(field), old.get(field)):
                shown = "reportingController" if field == "reportingComponent" else field
                yield errors.invalid((shown,), new.get(field), objectmeta.IMMUTABLE)


def _strict(obj: kind.Object) -> errors.Errors:
    yield from _series(obj)
    if not obj.get("eventTime"):
        yield errors.required(("eventTime",))
    if (told := peek.text(obj, "type")) not in ("Normal", "Warning"):
        yield errors.invalid(("type",), "", f"has invalid value: {told}")
    for field, unset in _UNSET.items():
        if not objectmeta.same(obj.get(field), unset):
            yield errors.invalid((field,), "", "needs to be unset")


def _series(obj: kind.Object) -> errors.Errors:
    if not peek.has(obj, "series"):
        return
    series = peek.child(obj, "series")
    if (peek.number(series, "count") or 0) < 2:
        yield errors.invalid(("series.count",), "", "should be at least 2")
    if not series.get("lastObservedTime"):
        yield errors.required(("series.lastObservedTime",))


_HASH = traits.version_hash("", "v1", "Event")
_FIELDS = {
    "involvedObject.apiVersion": traits.at("involvedObject", "apiVersion"),
    "involvedObject.fieldPath": traits.at("involvedObject", "fieldPath"),
    "involvedObject.kind": traits.at("involvedObject", "kind"),
    "involvedObject.name": traits.at("involvedObject", "name"),
    "involvedObject.namespace": traits.at("involvedObject", "namespace"),
    "involvedObject.resourceVersion": traits.at("involvedObject", "resourceVersion"),
    "involvedObject.uid": traits.at("involvedObject", "uid"),
    "reason": traits.at("reason"),
    "reportingComponent": traits.at("reportingComponent"),
    "source": traits.at("source", "component"),
    "type": traits.at("type"),
}
_NEW_FIELDS = {
    **{name.replace("involvedObject", "regarding"): read for name, read in _FIELDS.items()},
    "reportingController": traits.at("reportingComponent"),
}
"""Read from the stored form, under the names of the newer."""

EVENTS = kind.Kind(
    plural="events",
    singular="event",
    kind="Event",
    short_names=("ev",),
    verbs=traits.ALL,
    struct=core.Event,
    strategy=Events(names.path_segment),
    columns=columns.EVENTS,
    fields=_FIELDS,
    hash=_HASH,
)

NEW_EVENTS = kind.Kind(
    group=eventforms.GROUP,
    plural="events",
    singular="event",
    kind="Event",
    short_names=("ev",),
    verbs=traits.ALL,
    struct=apitypes.Event,
    strategy=NewEvents(),
    columns=columns.EVENTS,
    stored_as="events",
    to_stored=eventforms.to_stored,
    from_stored=eventforms.from_stored,
    fields=_NEW_FIELDS,
    hash=_HASH,
)
