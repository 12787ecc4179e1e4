"""What happened here as Event objects of the API. Pure.

Follows the kubelet's recorder: the pod is named with its static UID, the node with its name for a
UID. Departure: what is wrong with a manifest that has no pod is an event on the Node.
"""

from __future__ import annotations

import hashlib
from typing import Any

from staticlet.kube import rfc3339
from staticlet.pods import events

Object = dict[str, Any]

NODE = "Node"
MANIFEST = "Manifest"
DEFAULT_NAMESPACE = "default"
LONGEST_NAME = 200
LONGEST_MESSAGE = 1024


def namespace_of(event: events.Event) -> str:
    """Where an event's object lives in the API."""
    if event.subject.kind in (NODE, MANIFEST):
        return DEFAULT_NAMESPACE
    return event.subject.namespace


def name_of(event: events.Event) -> str:
    """Its name: the same event that happens again, after a restart of the agent, is another."""
    subject = event.subject
    about = event.host if subject.kind in (NODE, MANIFEST) else subject.name
    content = "\0".join(
        (
            subject.uid,
            subject.name,
            subject.field_path,
            event.type,
            event.reason,
            event.message,
            event.first.isoformat(),
        )
    )
    return f"{about[:LONGEST_NAME]}.{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def made(event: events.Event) -> Object:
    """The Event to create."""
    namespace = namespace_of(event)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name_of(event), "namespace": namespace},
        "involvedObject": _about(event),
        "reason": event.reason,
        "message": _message(event),
        "source": {"component": events.COMPONENT, "host": event.host},
        "firstTimestamp": rfc3339.text(event.first),
        "lastTimestamp": rfc3339.text(event.last),
        "count": event.count,
        "type": event.type,
        "reportingComponent": events.COMPONENT,
        "reportingInstance": event.host,
    }


def counted(event: events.Event) -> Object:
    """The patch of an event that happened again."""
    return {"count": event.count, "lastTimestamp": rfc3339.text(event.last)}


def _about(event: events.Event) -> Object:
    subject = event.subject
    if subject.kind in (NODE, MANIFEST):
        return {"kind": NODE, "name": event.host, "uid": event.host, "apiVersion": "v1"}
    about = {
        "apiVersion": "v1",
        "kind": subject.kind,
        "namespace": subject.namespace,
        "name": subject.name,
        "uid": subject.uid,
    }
    return about | ({"fieldPath": subject.field_path} if subject.field_path else {})


def _message(event: events.Event) -> str:
    subject = event.subject
    text = event.message
    if subject.kind == MANIFEST and not text.startswith(subject.name):
        text = f"{subject.name}: {text}"
    return text if len(text) <= LONGEST_MESSAGE else f"{text[: LONGEST_MESSAGE - 1]}…"
