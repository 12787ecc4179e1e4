"""One pod as its worker knows it: what status and command line are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from staticlet.pods import observed as obs
from staticlet.pods import obstacles, steps, wanted
from staticlet.pods.images import view as image_view


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One pod as it is now, for status and the command line.

    Attributes:
        key: Which pod.
        want: What its manifest says; None while it is being stopped for good.
        serving: What runs or is being made to run: the wanted pod or its predecessor.
        leaving: What is being stopped for good, since this time; None where it is not known.
        seen: What the runtime has.
        past: What the agent remembers.
        waits: What is not done now and why, by container name ("" for the pod).
        images: Where the images for the next start of each container stand.
        successor_images: The same for the wanted pod while its predecessor still runs.
        trouble: A stop or removal that failed and is tried again.
        obstacle: What keeps it, or its changed manifest, from being let in on this node.
    """

    key: wanted.PodKey
    want: wanted.WantedPod | None
    serving: wanted.WantedPod | None
    leaving: tuple[wanted.WantedPod, datetime] | None
    seen: obs.Observed
    past: obs.History
    waits: Mapping[str, steps.Wait] = field(default_factory=dict)
    images: Mapping[str, image_view.ImageView] = field(default_factory=dict)
    successor_images: Mapping[str, image_view.ImageView] = field(default_factory=dict)
    trouble: obs.Fault | None = None
    obstacle: obstacles.Obstacle | None = None
