"""The plan's reasons in words, for the log and for `staticlet why`: pure, and nothing decided."""

from __future__ import annotations

from staticlet.kube import core
from staticlet.pods import observed as obs
from staticlet.pods import wanted
from staticlet.pods.images import view as image_view

_PLAIN = frozenset({"", "Error", "Completed"})
"""Reasons of an exit that say no more than its code."""


def ended(container: obs.ObservedContainer) -> str:
    """How a container ended: `exited 137 (OOMKilled)`."""
    reason = "" if container.reason in _PLAIN else f" ({container.reason})"
    return f"exited {container.exit_code}{reason}"


def ended_ago(container: obs.ObservedContainer, now_ns: int) -> str:
    """How and when a container ended: `exited 1, 3s ago`."""
    if not container.finished_at_ns:
        return ended(container)
    return f"{ended(container)}, {seconds(now_ns - container.finished_at_ns)} ago"


def seconds(span_ns: int) -> str:
    """A span as people say it: 3s, 1m20s, 5m."""
    minutes, rest = divmod(max(0, round(span_ns / obs.SECOND_NS)), 60)
    if not minutes:
        return f"{rest}s"
    return f"{minutes}m{rest}s" if rest else f"{minutes}m"


def image(view: image_view.ImageView | None) -> str:
    """Why an image is not there yet; empty while it is only being looked for."""
    if view is None:
        return ""
    if view.reason:
        return f"{view.reason}: {view.message}" if view.message else view.reason
    return "it is being pulled" if view.state is image_view.State.PULLING else ""


def waiting_for_image(spec: core.Container) -> str:
    """The decision to wait for a container's image."""
    return f"waiting for image {spec.image} of container {spec.name}"


def new(pod: wanted.WantedPod) -> str:
    """Where a pod came from: `its manifest is new here: /etc/…/web.yaml`."""
    said = _said(pod.source, "the API server bound it to this node", "its manifest is new here")
    return _with(said, pod.origin)


def changed(pod: wanted.WantedPod) -> str:
    """What is wanted has changed: `its manifest changed: /etc/…/web.yaml`."""
    said = _said(pod.source, "its spec was changed in the API server", "its manifest changed")
    return _with(said, pod.origin)


def removed(source: str, origin: str) -> str:
    """Nothing is wanted any more: `its manifest was removed: /etc/…/web.yaml`.

    Who wanted a pod that was found at a start is not known.
    """
    if not source and not origin:
        return "nothing wants it here any more"
    said = _said(source, "it was deleted in the API server", "its manifest was removed")
    return _with(said, origin)


def _said(source: str, of_api: str, of_manifest: str) -> str:
    return of_api if source == wanted.API else of_manifest


def _with(said: str, origin: str) -> str:
    return f"{said}: {origin}" if origin else said
