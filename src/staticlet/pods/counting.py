"""How often the containers of a pod were started, as far as anybody still knows. Pure."""

from __future__ import annotations

from staticlet.pods import observed as obs
from staticlet.pods import steps, wanted


def counts(seen: obs.Observed, uid: str) -> dict[str, int]:
    """The highest restart count of each container of a UID that the runtime still has."""
    counts: dict[str, int] = {}
    for sandbox in seen.sandboxes:
        for container in sandbox.containers if sandbox.uid == uid else ():
            highest = max(counts.get(container.name, -1), container.restart_count)
            counts[container.name] = highest
    return counts


def next_count(now: steps.Situation, pod: wanted.WantedPod, name: str) -> int:
    """The restart count of a container's next start: one more than the highest known."""
    known = counts(now.seen, pod.uid).get(name, -1)
    remembered = now.past.counts.get(name, -1) if now.past.uid == pod.uid else -1
    return max(known, remembered) + 1
