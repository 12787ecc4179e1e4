"""What one worker knows: what is wanted of its pod, what it serves, sees and remembers.

It belongs to one worker and its parts, which run one at a time; everybody else reads reports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from staticlet.aio import clock as clocks
from staticlet.pods import observed as obs
from staticlet.pods import wanted
from staticlet.pods.images import view as image_view

_MICROSECOND = timedelta(microseconds=1)


class Mind:
    """The knowledge of one pod key.

    Args:
        key: The pod's name.
        clock: The time.
        wake: Has the worker plan again.
        want: What is wanted at first.
        past: What is remembered of an earlier life.
        look: Whether the runtime may have something of it already.

    Attributes:
        want: What is wanted; None for nothing any more.
        serving: The pod that is served: the wanted one or its predecessor.
        leaving: What is being stopped for good, and since when.
        seen: What the runtime has, as far as is known.
        past: What is remembered, with times by the date of the last look at the clock.
        uncleaned: The UIDs of which something may be left on the disk.
        images: Where the images of the served pod stand.
        trouble: A step that failed and is tried again.
        blind: A look at the runtime that failed.
        look: Whether the runtime must be looked at.
        renewal: Whether what the pod refers to in the API has changed.
        ended: Whether nothing is wanted and nothing is left.
    """

    def __init__(
        self,
        key: wanted.PodKey,
        clock: clocks.Clock,
        wake: Callable[[], None],
        *,
        want: wanted.WantedPod | None,
        past: obs.History,
        look: bool,
    ) -> None:
        self.key = key
        self.wake = wake
        self.want = want
        self.serving: wanted.WantedPod | None = None
        self.leaving: tuple[wanted.WantedPod, datetime] | None = None
        self.seen = obs.Observed()
        self.past = past
        self.uncleaned: set[str] = set()
        self.images: Mapping[str, image_view.ImageView] = {}
        self.trouble: obs.Fault | None = None
        self.blind: obs.Fault | None = None
        self.look = look
        self.renewal = False
        self.ended = False
        self._clock = clock
        self._jumps = clocks.Jumps(clock)

    def known_pod(self) -> wanted.WantedPod | None:
        """What is served, or what is leaving."""
        return self.serving or (self.leaving[0] if self.leaving else None)

    def now_ns(self) -> int:
        """The date; all times that are waited for are by it, and are taken after this."""
        self.keep_pace()
        return int(self._clock.now().timestamp() * obs.SECOND_NS)

    def keep_pace(self) -> None:
        """Wait as long as ever when the date has jumped: move the times that are waited for."""
        by_ns = self._jumps.since() // _MICROSECOND * 1000
        if by_ns:
            self.past = self.past.moved(by_ns)
            self.trouble = self.trouble and self.trouble.moved(by_ns)
            self.blind = self.blind and self.blind.moved(by_ns)
            self.wake()  # what was planned names times of before
