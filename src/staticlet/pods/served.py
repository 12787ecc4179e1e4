"""Which pod is served now, and what is remembered of it. Pure.

A changed pod is served once its new images are there; until then its predecessor runs on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from staticlet.pods import counting, ends, fields, wanted
from staticlet.pods import observed as obs
from staticlet.pods.images import view as image_view


def target(
    want: wanted.WantedPod | None,
    previous: wanted.WantedPod | None,
    seen: obs.Observed,
    images: Mapping[str, image_view.ImageView],
) -> wanted.WantedPod | None:
    """Which pod to serve now: the wanted one, or its predecessor until the new images are there.

    Args:
        want: What the manifest says now.
        previous: What was served so far.
        seen: What runs.
        images: Where the images of `want` stand.
    """
    if want is None or previous is None or same_content(want, previous):
        return want
    if want.incarnation != previous.incarnation:
        return want
    if not any(ends.serves(s, previous) and s.alive for s in seen.sandboxes):
        return want
    ready = all(image_ready(images, c.name) for c in fields.all_containers(want.pod))
    return want if ready else previous


def image_ready(images: Mapping[str, image_view.ImageView], name: str) -> bool:
    """Whether the image of a container is there for its next start."""
    view = images.get(name)
    return view is not None and view.state is image_view.State.PRESENT


def same_content(one: wanted.WantedPod, other: wanted.WantedPod) -> bool:
    """Whether two wanted pods are the same pod with the same content."""
    return one.uid == other.uid and one.revision == other.revision


def history(
    past: obs.History, pod: wanted.WantedPod, seen: obs.Observed, now_ns: int
) -> obs.History:
    """The history once a pod is to be served.

    A new UID starts with a clean slate; a new incarnation dooms every sandbox there is, and
    forgets back-off, since a deliberate stop is not a crash.
    """
    if past.uid != pod.uid:
        counts = counting.counts(seen, pod.uid)
        began = _began(pod, seen, now_ns)
        past = obs.History(uid=pod.uid, doomed=past.doomed, counts=counts, started_at_ns=began)
    if past.incarnation is None:
        return replace(past, incarnation=pod.incarnation)
    if past.incarnation != pod.incarnation:
        doomed = past.doomed | {s.id for s in seen.sandboxes}
        fresh = past.without_crashes()
        if past.ended is not None:  # its time begins anew with its new life
            fresh = replace(fresh.begun(now_ns), ended=None)
        return replace(fresh, incarnation=pod.incarnation, doomed=doomed)
    return past


def _began(pod: wanted.WantedPod, seen: obs.Observed, now_ns: int) -> int:
    """When a pod began, as far as the API or the runtime still knows."""
    told = pod.pod.status.startTime if pod.pod.status is not None else None
    times = [s.created_at_ns for s in seen.sandboxes if s.uid == pod.uid]
    if told is not None:
        times.append(int(told.timestamp()) * obs.SECOND_NS)
    return min([*times, now_ns])
