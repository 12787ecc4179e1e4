"""The plan's reasons in words, for the log and for `staticlet why`: pure, and nothing decided."""

from __future__ import annotations

from staticlet.kube import core
from staticlet.pods import observed as obs
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


def manifest(event: str, origin: str) -> str:
    """What happened to the manifest: `its manifest changed: /etc/…/web.yaml`."""
    return f"its manifest {event}: {origin}" if origin else f"its manifest {event}"
