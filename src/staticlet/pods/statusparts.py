"""What a pod's status is computed of, and what its parts have in common. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from staticlet.kube import core
from staticlet.pods import ends, wanted
from staticlet.pods import observed as obs
from staticlet.pods.images import view as image_view

TERMINAL = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that a status depends on.

    Attributes:
        pod: The pod whose status is asked for.
        seen: What the runtime has.
        past: What the agent remembers.
        images: Where the images of its containers stand.
        runtime_name: The scheme of container ids: `containerd`, `cri-o`.
        host_ips: The node's addresses.
        now_ns: The time, in nanoseconds since the epoch.
    """

    pod: wanted.WantedPod
    seen: obs.Observed
    past: obs.History
    images: Mapping[str, image_view.ImageView] = field(default_factory=dict)
    runtime_name: str = "containerd"
    host_ips: tuple[str, ...] = ()
    now_ns: int = 0


def own(known: Known) -> list[obs.ObservedSandbox]:
    """The pod's own sandboxes, newest first."""
    return [s for s in known.seen.sandboxes if ends.serves(s, known.pod)]


def state(one: core.ContainerStatus) -> core.ContainerState:
    """How a container is."""
    return one.state or core.ContainerState()


def ended(one: core.ContainerStatus) -> core.ContainerStateTerminated | None:
    """How a container ended; None where it has not."""
    return state(one).terminated


def last_ended(one: core.ContainerStatus) -> bool:
    """Whether a container ended before its present life."""
    return bool(one.lastState and one.lastState.terminated)


def time_of(ns: int) -> datetime | None:
    """Whole seconds in UTC, as the kubelet cuts times; None for never."""
    return datetime.fromtimestamp(ns // obs.SECOND_NS, UTC) if ns else None
