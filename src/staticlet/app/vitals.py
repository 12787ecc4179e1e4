"""How the agent is, as values, and what is made of them for a service manager: pure functions."""

from __future__ import annotations

from dataclasses import dataclass

CALLS_OF_A_LISTING = 3
SPARE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How the agent is.

    Attributes:
        works: Whether the runtime was looked at and the manifests merged: pods are looked after.
        pods: The pods in one line.
        runtime: Name and version of the runtime; empty before it has ever answered.
        fault: Why the runtime does not answer; empty while it does.
        listing_since: When the list of all that runs was begun that is under way; None between
            two lists. Seconds of the monotonic clock.
        call_s: How long one call on the runtime may take.
    """

    works: bool
    pods: str
    runtime: str
    fault: str
    listing_since: float | None
    call_s: float


def status(now: Vitals) -> str:
    """The line for `systemctl status`."""
    if now.fault:
        about = f"waiting for a container runtime: {now.fault}"
    else:
        about = f"runtime {now.runtime}"
    if not now.works:
        return about if now.fault else f"{about}; looking at what runs"
    return f"{now.pods}; {about}"


def stuck(now: Vitals, *, absent_s: float, time_s: float) -> bool:
    """Whether a list of what runs takes longer than its calls on the runtime ever may.

    Args:
        now: How the agent is.
        absent_s: When the runtime was last seen not to answer; waiting for it is not being stuck.
        time_s: The time. Both in seconds of the monotonic clock.
    """
    if now.listing_since is None or now.fault:
        return False
    took_s = time_s - max(now.listing_since, absent_s)
    return took_s > CALLS_OF_A_LISTING * now.call_s + SPARE_S
