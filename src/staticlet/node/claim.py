"""Whose a node's name is: two agents with one name must not undo each other's work. Pure.

The Lease of a node tells. Whoever renews it has the name; a newcomer writes nothing until it has
seen that nobody does, unless the Lease names the newcomer as the one that wrote it last. The
kubelet writes no such mark, so that after one a newcomer always looks first, for a few seconds.

Times of two machines are never compared but for one thing: a Lease that ran out long ago need not
be watched. What is watched is whether it changes.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from staticlet.kube import rfc3339

AGENT = "staticlet.dev/agent"
"""The annotation of a Lease that says which agent wrote it last."""

LOOKS_S = 15.0
"""How long a newcomer looks whether a Lease is renewed: one and a half times as renewing takes."""

STRIKES = 3
"""So many renewals by somebody who cannot be told from us are no coincidence."""

FORGIVEN_S = 300.0
"""After so long without another one, they are."""


class Verdict(enum.Enum):
    """What a look at a Lease says."""

    FREE = "free"
    """The name is nobody else's."""

    UNSURE = "unsure"
    """It may be somebody's: look again."""

    TAKEN = "taken"
    """Somebody else renews the Lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What was seen of a Lease that is not ours.

    Attributes:
        renewed: When it was renewed, in its own words.
        since_s: When that was first seen, by the clock that never jumps.
        moved: Whether it was renewed under our eyes.
    """

    renewed: str
    since_s: float
    moved: bool = False


def look(
    lease: Mapping[str, Any] | None,
    before: Watched | None,
    *,
    agent: str,
    now: datetime,
    now_s: float,
) -> tuple[Verdict, Watched | None]:
    """Judge a Lease, and what to remember for the next look.

    Args:
        lease: The Lease; None when there is none.
        before: What was seen at the last look; None at the first.
        agent: What marks a Lease as ours; empty when that mark is not to be believed.
        now: The date and time.
        now_s: The same by the clock that never jumps.
    """
    if lease is None or (agent and agent_of(lease) == agent):
        return Verdict.FREE, None
    renewed = renewed_at(lease)
    if before is None:
        if _ran_out(lease, now):
            return Verdict.FREE, None
        return Verdict.UNSURE, Watched(renewed=renewed, since_s=now_s)
    if renewed != before.renewed:
        return Verdict.TAKEN, Watched(renewed=renewed, since_s=now_s, moved=True)
    patience_s = duration_of(lease) if before.moved else min(LOOKS_S, duration_of(lease))
    if now_s - before.since_s >= patience_s:
        return Verdict.FREE, None
    return (Verdict.TAKEN if before.moved else Verdict.UNSURE), before


@dataclass(frozen=True, slots=True, kw_only=True)
class Strikes:
    """How often somebody renewed our Lease who cannot be told from us.

    Attributes:
        count: How often.
        at_s: When the last time was.
    """

    count: int = 0
    at_s: float = 0.0

    def more(self, now_s: float) -> Strikes:
        """Once more, now."""
        if now_s - self.at_s > FORGIVEN_S:
            return Strikes(count=1, at_s=now_s)
        return replace(self, count=self.count + 1, at_s=now_s)


def agent_of(lease: Mapping[str, Any]) -> str:
    """Which agent wrote a Lease last; empty where it does not say, as a kubelet's."""
    notes = lease["metadata"].get("annotations") or {}
    return str(notes.get(AGENT) or "")


def renewed_at(lease: Mapping[str, Any]) -> str:
    """When a Lease was renewed, in its own words; empty for never."""
    return str((lease.get("spec") or {}).get("renewTime") or "")


def next_renewal(lease: Mapping[str, Any] | None, now: datetime) -> datetime:
    """The time that a renewal is to tell: now, and in any case later than the last one.

    A node controller of Kubernetes believes no renewal whose time goes back: when the date is set
    back by an hour, a node would count as dead for that hour.

    Args:
        lease: The Lease as it is; None when there is none.
        now: The date and time.
    """
    try:
        last = rfc3339.moment(renewed_at(lease or {}))
        return max(now, last + timedelta(microseconds=1)) if last.tzinfo else now
    except (ValueError, OverflowError):
        return now  # there is no last one, or none that is a time


def duration_of(lease: Mapping[str, Any]) -> float:
    """For how long a Lease holds, in seconds."""
    seconds = (lease.get("spec") or {}).get("leaseDurationSeconds")
    return float(seconds) if isinstance(seconds, int) and seconds > 0 else 40.0


def _ran_out(lease: Mapping[str, Any], now: datetime) -> bool:
    try:
        renewed = rfc3339.moment(renewed_at(lease))
    except ValueError:
        return True
    if renewed.tzinfo is None:
        return True  # no server writes that
    return now - renewed > timedelta(seconds=duration_of(lease))
