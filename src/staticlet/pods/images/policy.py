"""Whether a container may use an image now, must have it pulled, or must wait.

The rules are the kubelet's: `Always` pulls for each start, `IfNotPresent` when the image is
absent, `Never` refuses then. A failed pull is tried again after 10 s, doubling to 300 s, counted
by pod UID and image; an image that turns up by itself ends the waiting. Times are monotonic
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from staticlet.pods.images import words
from staticlet.runtime import port

ALWAYS = "Always"
IF_NOT_PRESENT = "IfNotPresent"
NEVER = "Never"

FIRST_BACK_OFF_S = 10.0
LONGEST_BACK_OFF_S = 300.0
LOOK_AGAIN_S = 20.0
"""How often an absent image is looked for while it may not be pulled: someone may import it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRecord:
    """The failures of one image for one pod.

    Attributes:
        failures: How many pulls failed in a row; at least 1.
        failed_at: When the last one did.
        reason: Its reason: `ErrImagePull`, `RegistryUnavailable`, `SignatureValidationFailed`.
        message: Its message.
    """

    failures: int
    failed_at: float
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The image may be used."""

    image: port.Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """The image must be pulled, now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """The image must be pulled, but not before `until`; ask again at `look_at`."""

    until: float
    look_at: float
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The image is absent and may not be pulled; ask again at `look_at`."""

    look_at: float
    reason: str
    message: str


Decision = Ready | Pull | BackOff | Refused


def decide(
    image: str, policy: str, present: port.Image | None, record: PullRecord | None, now: float
) -> Decision:
    """What is to be done for one container.

    Args:
        image: The image as the manifest has it, for messages.
        policy: The pull policy; anything but `Always` and `Never` counts as `IfNotPresent`.
        present: The image, when the runtime has it; never looked at for `Always`.
        record: The failures so far, if any.
        now: The time.
    """
    if policy != ALWAYS and present is not None:
        return Ready(image=present)
    if policy == NEVER:
        return Refused(
            look_at=now + LOOK_AGAIN_S,
            reason=words.ERR_IMAGE_NEVER_PULL,
            message=words.never_pull(image),
        )
    if record is None or now >= (until := record.failed_at + back_off_s(record.failures)):
        return Pull()
    return BackOff(
        until=until,
        look_at=until if policy == ALWAYS else min(until, now + LOOK_AGAIN_S),
        reason=words.IMAGE_PULL_BACK_OFF,
        message=f"{words.backing_off(image)}: {record.reason}: {record.message}",
    )


def back_off_s(failures: int) -> float:
    """How long to wait after so many failures in a row: 10, 20, 40, … 300 seconds."""
    doublings = min(max(failures, 1) - 1, 16)
    return min(FIRST_BACK_OFF_S * 2.0**doublings, LONGEST_BACK_OFF_S)


def failed(record: PullRecord | None, now: float, *, reason: str, message: str) -> PullRecord:
    """The record after one more failure; one that is older than ten minutes no longer counts."""
    stale = record is not None and now - record.failed_at > 2 * LONGEST_BACK_OFF_S
    before = 0 if record is None or stale else record.failures
    return PullRecord(failures=before + 1, failed_at=now, reason=reason, message=message)
