"""Pods that an API server has bound to this node, as a source like any other. Pure.

A pod of the API is served by the same workers as a static pod. Its UID is the API's, its content
what cannot change while it runs; one that is being deleted, or has ended, is not wanted any more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from staticlet.kube import core, rfc3339
from staticlet.pods import identity, wanted

Object = Mapping[str, Any]

API = "api"
"""The name of the source."""

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"

_MAY_CHANGE = ("tolerations", "activeDeadlineSeconds", "terminationGracePeriodSeconds")
_ENDED = ("Succeeded", "Failed")


def is_ours(obj: Object) -> bool:
    """Whether an object is a pod of the API, and no mirror of a static pod."""
    return MIRROR_ANNOTATION not in ((obj.get("metadata") or {}).get("annotations") or {})


def is_going(obj: Object) -> bool:
    """Whether somebody deletes it."""
    return bool((obj.get("metadata") or {}).get("deletionTimestamp"))


def has_ended(obj: Object) -> bool:
    """Whether it has run to its end, or was refused."""
    return (obj.get("status") or {}).get("phase") in _ENDED


def grace_s(obj: Object) -> int | None:
    """The grace with which it is being deleted; None when it is not."""
    seconds = (obj.get("metadata") or {}).get("deletionGracePeriodSeconds")
    return seconds if isinstance(seconds, int) else None


def uid_of(obj: Object) -> str:
    """The API's UID."""
    return str((obj.get("metadata") or {}).get("uid", ""))


def snapshot(
    objects: Iterable[Object],
    *,
    server: str,
    synced: bool,
    served: Collection[str],
    refused: Collection[str],
    known: Mapping[str, wanted.WantedPod],
    now: datetime,
) -> wanted.Snapshot:
    """What the API wants of this node.

    Args:
        objects: The pods that are bound to it.
        server: The API server's URL.
        synced: Whether they are all of them.
        served: The UIDs that were wanted before: one that has ended meanwhile is kept for its
            logs; one that had ended before it was seen here is never run again.
        refused: The UIDs that this node does not admit.
        known: The pods of the last snapshot by UID: what is equal stays the same value, and wakes
            nobody.
        now: The time.
    """
    pods = []
    for obj in objects:
        uid = uid_of(obj)
        over = is_going(obj) or uid in refused or (has_ended(obj) and uid not in served)
        if is_ours(obj) and not over:
            pod = _wanted(obj, uid, server, now)
            if pod is not None:
                before = known.get(uid)
                pods.append(before if before == pod else pod)
    manifest = wanted.Manifest(
        origin=server, state=wanted.ManifestState.ACCEPTED, pods=tuple(pods)
    )
    return wanted.Snapshot(source=API, ready=synced, manifests=(manifest,) if pods else ())


def _wanted(obj: Object, uid: str, server: str, now: datetime) -> wanted.WantedPod | None:
    """The pod to run; None where the server sends what is none."""
    try:
        pod = core.pod(obj)
        seen = rfc3339.moment(str((obj.get("metadata") or {}).get("creationTimestamp")))
    except (msgspec.ValidationError, ValueError):
        return None
    meta = pod.metadata
    if meta is None or not meta.name or not meta.namespace or pod.spec is None or not uid:
        return None
    notes = {**(meta.annotations or {}), identity.SOURCE_ANNOTATION: API}
    notes.setdefault(identity.SEEN_ANNOTATION, identity.timestamp(min(seen, now)))
    own = msgspec.structs.replace(meta, annotations=notes, resourceVersion=None, generation=None)
    return wanted.WantedPod(
        key=wanted.PodKey(meta.namespace, meta.name),
        uid=uid,
        revision=_revision(obj),
        pod=msgspec.structs.replace(pod, metadata=own, status=core.PodStatus(phase="Pending")),
        source=API,
        origin=server,
        seen=seen,
    )


def _revision(obj: Object) -> str:
    """A hash of what a running pod is made of; what may change without it does not count."""
    spec = {
        name: value for name, value in (obj.get("spec") or {}).items() if name not in _MAY_CHANGE
    }
    content = json.dumps(spec, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:32]
