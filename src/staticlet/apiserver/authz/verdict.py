"""What authorization says of a request. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a request may be made.

    Attributes:
        allowed: Whether it may.
        reason: Why not, where there is more to say than that no rule allows it.
    """

    allowed: bool
    reason: str = ""


ALLOWED = Verdict(allowed=True)
DENIED = Verdict(allowed=False)


def denied(reason: str) -> Verdict:
    """It may not, for this reason."""
    return Verdict(allowed=False, reason=reason)
