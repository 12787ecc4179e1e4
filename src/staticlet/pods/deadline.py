"""How long a pod may be active: `spec.activeDeadlineSeconds`, as the kubelet has it. Pure.

It counts from the status's startTime, over restarts of containers, of the sandbox and of the
agent. A pod that has run to its end by itself is not touched. Departure: a date that is set while
the agent runs neither ends a pod nor lets it run on.
"""

from __future__ import annotations

from staticlet.pods import fields, wanted
from staticlet.pods import observed as obs

REASON = "DeadlineExceeded"
MESSAGE = "Pod was active on the node longer than the specified deadline"


def ends_at_ns(pod: wanted.WantedPod, past: obs.History) -> int | None:
    """When a pod's time is over; None for one that may run for ever, or has not begun."""
    seconds = fields.spec(pod.pod).activeDeadlineSeconds
    if seconds is None or not past.started_at_ns or past.uid != pod.uid:
        return None
    return past.started_at_ns + past.jumped_ns + seconds * obs.SECOND_NS


def is_over(pod: wanted.WantedPod, past: obs.History, now_ns: int) -> bool:
    """Whether a pod's time is over."""
    ends = ends_at_ns(pod, past)
    return ends is not None and ends <= now_ns
