"""Events, of the core group and of events.k8s.io: one store, in the form of the core group."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, kind, traits
from staticlet.kube import apitypes, core

_GROUP = "events.k8s.io"
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

EVENTS = kind.Kind(
    plural="events",
    singular="event",
    kind="Event",
    short_names=("ev",),
    verbs=traits.ALL,
    struct=core.Event,
    strategy=basic.Basic(),
    fields=_FIELDS,
    hash=_HASH,
)

NEW_EVENTS = kind.Kind(
    group=_GROUP,
    plural="events",
    singular="event",
    kind="Event",
    short_names=("ev",),
    verbs=traits.ALL,
    struct=apitypes.Event,
    strategy=basic.Basic(),
    stored_as="events",
    fields=_FIELDS,
    hash=_HASH,
)
