"""What a pod worker asks of the image puller, and the answer it gets at once."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from staticlet.runtime import port


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One container's need of an image, for one start.

    Attributes:
        owner: The pod's UID.
        container: The container's name.
        image: The image as the manifest has it.
        policy: `Always`, `IfNotPresent` or `Never`.
        start: The number of the start (the restart count): an answer holds for this start only.
    """

    owner: str
    container: str
    image: str
    policy: str
    start: int = 0


class State(enum.Enum):
    """Where a request stands."""

    PRESENT = "present"
    """The image may be used for this start."""
    WAITING = "waiting"
    """The runtime is being asked, or the pull waits for its turn."""
    PULLING = "pulling"
    """The runtime pulls."""
    BACKOFF = "back-off"
    """A pull failed; the next one waits."""
    FAILED = "failed"
    """It cannot be had as things are: bad name, `Never` and absent, the runtime cannot look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageView:
    """The answer to a request, as a value.

    Attributes:
        state: Where the request stands.
        image: The image, when it is present.
        since: When the pull began, in monotonic seconds.
        until: When the puller looks into a failure again, in monotonic seconds; None when it is
            at it, or nothing can change by itself (a bad name).
        reason: The container's waiting reason, in the kubelet's words; empty while nothing has
            failed yet. A pull that is tried again keeps the reason and message of the last one.
        message: The waiting message.
    """

    state: State
    image: port.Image | None = None
    since: float | None = None
    until: float | None = None
    reason: str = ""
    message: str = ""
