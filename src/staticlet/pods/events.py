"""What happened to pods, as the kubelet's events: kept in memory, counted, and bounded.

Without an API server there is nobody to send events to, so the newest are kept here for
`staticlet get events` and `describe`. An event that equals an earlier one in object, type, reason
and message is counted there and not repeated. What is kept is bounded, for each object and for
all; the one that was seen longest ago is dropped first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from staticlet.kube import core
from staticlet.pods import fields, wanted

NORMAL = "Normal"
WARNING = "Warning"
COMPONENT = "staticlet"
KEEP = 1000
KEEP_EACH = 50

Object: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an event is about: a pod, one of its containers, or a manifest.

    Attributes:
        kind: `Pod`; `Manifest` for a file or URL that has no pod.
        namespace: The pod's namespace; `default` for a manifest.
        name: The pod's name; a manifest's path or URL.
        uid: The pod's UID.
        field_path: `spec.containers{name}` or `spec.initContainers{name}` for a container.
    """

    kind: str = "Pod"
    namespace: str
    name: str
    uid: str = ""
    field_path: str = ""

    @property
    def object(self) -> Object:
        """What bounds are counted by: the object without the part of it."""
        return self.kind, self.namespace, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, once or several times.

    Attributes:
        subject: What it is about.
        type: `Normal` or `Warning`.
        reason: One word, as the kubelet has it.
        message: The kubelet's words.
        count: How often it happened.
        first: When it happened first.
        last: When it happened last.
        host: The node.
    """

    subject: Subject
    type: str
    reason: str
    message: str
    count: int = 1
    first: datetime
    last: datetime
    host: str


_Key: TypeAlias = tuple[Subject, str, str, str]


class Recorder:
    """Keeps the newest events.

    Args:
        host: The node's name.
        now: Tells the time.
        keep: At most so many events.
        keep_each: At most so many of one object.
        heard: Called after each event.
    """

    def __init__(
        self,
        host: str,
        now: Callable[[], datetime],
        *,
        keep: int = KEEP,
        keep_each: int = KEEP_EACH,
        heard: Callable[[], None] | None = None,
    ) -> None:
        self._heard = heard
        self._host = host
        self._now = now
        self._keep = keep
        self._keep_each = keep_each
        self._kept: OrderedDict[_Key, Event] = OrderedDict()
        self._counts: dict[Object, int] = {}

    def record(self, subject: Subject, kind: str, reason: str, message: str) -> None:
        """Keep an event that happens now.

        Args:
            subject: What it is about.
            kind: `Normal` or `Warning`.
            reason: One word.
            message: What happened.
        """
        self._keep_one(subject, kind, reason, message)
        if self._heard is not None:
            self._heard()

    def _keep_one(self, subject: Subject, kind: str, reason: str, message: str) -> None:
        now = self._now()
        key = (subject, kind, reason, message)
        known = self._kept.pop(key, None)
        if known is not None:
            self._kept[key] = replace(known, count=known.count + 1, last=now)
            return
        self._kept[key] = Event(
            subject=subject,
            type=kind,
            reason=reason,
            message=message,
            first=now,
            last=now,
            host=self._host,
        )
        self._counts[subject.object] = self._counts.get(subject.object, 0) + 1
        self._drop(subject.object)

    def events(self) -> tuple[Event, ...]:
        """All that are kept; those that happened last come last."""
        return tuple(self._kept.values())

    def _drop(self, about: Object) -> None:
        if self._counts[about] > self._keep_each:
            self._forget(next(key for key in self._kept if key[0].object == about))
        if len(self._kept) > self._keep:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: _Key) -> None:
        del self._kept[key]
        about = key[0].object
        self._counts[about] -= 1
        if not self._counts[about]:
            del self._counts[about]


def of_pod(key: wanted.PodKey, uid: str) -> Subject:
    """A pod as what an event is about."""
    return Subject(namespace=key.namespace, name=key.name, uid=uid)


def of_container(
    key: wanted.PodKey, uid: str, name: str, *, pod: core.Pod | None = None
) -> Subject:
    """A container as what an event is about; `pod` tells whether it is an init container."""
    inits = {c.name for c in fields.init_containers(pod)} if pod is not None else set()
    field = "initContainers" if name in inits else "containers"
    return replace(of_pod(key, uid), field_path=f"spec.{field}{{{name}}}")


def of_manifest(origin: str) -> Subject:
    """A file or URL that has no pod as what an event is about."""
    return Subject(kind="Manifest", namespace="default", name=origin)
