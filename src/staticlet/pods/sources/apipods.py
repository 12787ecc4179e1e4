"""Pods that an API server has bound to this node, as a source like any other. Pure.

A pod of the API is served by the same workers as a static pod. Its UID is the API's, its revision
the images of its containers: whatever else may change in the API restarts nothing. One that is
being deleted is not wanted any more; one that has ended is, as over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from staticlet.kube import core, rfc3339
from staticlet.kube.plain import objects as plain_objects
from staticlet.pods import identity, wanted
from staticlet.pods.sources import podshape

Object = Mapping[str, Any]

API = wanted.API
"""The name of the source."""

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"

_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Made:
    """A pod and the object that it was made of."""

    of: Object
    pod: wanted.WantedPod


def is_ours(obj: Object) -> bool:
    """Whether an object is a pod of the API, and no mirror of a static pod.

    What has not even the shape of an object is none.
    """
    return podshape.is_pod(obj) and MIRROR_ANNOTATION not in (_meta(obj).get("annotations") or {})


def is_readable(obj: Object) -> bool:
    """Whether all of a pod is as we know pods: only such a one can be run."""
    try:
        core.pod(obj)
    except msgspec.ValidationError:
        return False
    return True


def is_going(obj: Object) -> bool:
    """Whether somebody deletes it."""
    return bool(_meta(obj).get("deletionTimestamp"))


def finalizers(obj: Object) -> list[str]:
    """Who has to agree before it goes."""
    found = _meta(obj).get("finalizers")
    return [str(one) for one in found] if isinstance(found, list) else []


def is_kept(obj: Object) -> bool:
    """Whether it was deleted for good, and nothing but finalizers keeps it."""
    forced = is_going(obj) and _meta(obj).get("deletionGracePeriodSeconds") == 0
    return forced and bool(finalizers(obj))


def has_ended(obj: Object) -> bool:
    """Whether it has run to its end, or was refused."""
    return (obj.get("status") or {}).get("phase") in _ENDED


def is_over(obj: Object) -> bool:
    """Whether it is not to run any more, nor to be admitted: it goes, or has ended."""
    return is_going(obj) or has_ended(obj)


def grace_s(obj: Object) -> int | None:
    """The grace with which it is being deleted; None when it is not."""
    seconds = _meta(obj).get("deletionGracePeriodSeconds")
    return seconds if isinstance(seconds, int) and is_going(obj) else None


def uid_of(obj: Object) -> str:
    """The API's UID."""
    return str(_meta(obj).get("uid") or "")


def key_of(obj: Object) -> wanted.PodKey:
    """Its namespace and name."""
    meta = _meta(obj)
    return wanted.PodKey(str(meta.get("namespace") or ""), str(meta.get("name") or ""))


def snapshot(
    objects: Iterable[Object],
    *,
    server: str,
    ready: bool,
    admitted: Collection[str],
    known: Mapping[str, Made],
    now: datetime,
) -> tuple[wanted.Snapshot, Mapping[str, Made]]:
    """What the API wants of this node.

    Wanted is what was admitted, until it is deleted. What has ended is wanted as over, admitted or
    not: it keeps its logs, also when it had ended before the agent began, and never runs again.

    Args:
        objects: The pods that are bound to it.
        server: The API server's URL.
        ready: Whether they are all of them, and were looked at for admission.
        admitted: The UIDs that this node has admitted.
        known: What was made last time, by UID: what is equal stays the same value, and wakes
            nobody.
        now: The time.

    Returns:
        The snapshot, and what was made for it.
    """
    made: dict[str, Made] = {}
    for obj in objects:
        uid = uid_of(obj)
        runs = uid in admitted or has_ended(obj)
        if is_ours(obj) and not is_going(obj) and runs:
            one = _made(obj, uid, server, known.get(uid), now)
            if one is not None:
                made[uid] = one
    pods = tuple(one.pod for one in made.values())
    manifest = wanted.Manifest(origin=server, state=wanted.ManifestState.ACCEPTED, pods=pods)
    manifests = (manifest,) if pods else ()
    return wanted.Snapshot(source=API, ready=ready, manifests=manifests), made


def _made(obj: Object, uid: str, server: str, before: Made | None, now: datetime) -> Made | None:
    if before is not None and before.of is obj:
        return before
    pod = _wanted(obj, uid, server, before.pod.seen if before else now)
    if pod is None:
        return None
    same = before is not None and before.pod == pod
    return Made(obj, before.pod if same and before else pod)


def _wanted(obj: Object, uid: str, server: str, latest: datetime) -> wanted.WantedPod | None:
    """The pod to run; None where the server sends what is none."""
    try:
        pod = core.pod(obj)
        seen = rfc3339.moment(str(_meta(obj).get("creationTimestamp")))
    except (msgspec.ValidationError, ValueError):
        return None
    seen = latest if seen.tzinfo is None else min(seen, latest)
    meta = pod.metadata
    if meta is None or not meta.name or not meta.namespace or pod.spec is None or not uid:
        return None
    over = has_ended(obj)
    notes = {**(meta.annotations or {}), identity.SOURCE_ANNOTATION: API}
    notes.setdefault(identity.SEEN_ANNOTATION, identity.timestamp(seen))
    own = msgspec.structs.replace(meta, annotations=notes, resourceVersion=None, generation=None)
    told = pod.status or core.PodStatus()
    status = told if over else core.PodStatus(phase="Pending", startTime=told.startTime)
    return wanted.WantedPod(
        key=key_of(obj),
        uid=uid,
        revision=_revision(obj),
        pod=msgspec.structs.replace(pod, metadata=own, status=status),
        source=API,
        origin=server,
        seen=seen,
        over=over,
    )


def _revision(obj: Object) -> str:
    """A hash of the images: a server that comes to fill in more fields restarts nothing."""
    spec = obj.get("spec") or {}
    images = [
        (one.get("name"), one.get("image"))
        for kind in ("initContainers", "containers")
        for one in plain_objects(spec, kind)
    ]
    content = json.dumps(images, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _meta(obj: Object) -> Object:
    return obj.get("metadata") or {}
