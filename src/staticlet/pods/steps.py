"""What a plan is made of: the situation that it depends on, and the steps that it may name.

Every step carries why it is taken, in words for the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from staticlet.pods import observed as obs
from staticlet.pods import wanted
from staticlet.pods.images import view as image_view


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Stop the containers of a sandbox with their grace, then the sandbox itself."""

    sandbox_id: str
    grace_s: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSandbox:
    """Make the pod's directories and volumes, then its sandbox."""

    attempt: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Create and start one container in the sandbox."""

    sandbox_id: str
    name: str
    restart_count: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveContainer:
    """Remove a dead container that nobody asks about any more."""

    container_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveSandbox:
    """Remove a dead sandbox with its containers."""

    sandbox_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanUp:
    """Unmount and remove the directories and logs of a UID of which nothing is left."""

    uid: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Nothing is wanted and nothing is left: the worker's work is over."""

    why: str


Action: TypeAlias = Stop | RunSandbox | Start | RemoveContainer | RemoveSandbox | CleanUp | End


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a plan depends on.

    Attributes:
        target: The pod that shall run now; None when nothing is wanted.
        seen: What the runtime has of it.
        past: What the agent remembers.
        images: For each container of the target, where its image for the next start stands.
        now_ns: The time, in nanoseconds since the epoch.
        uncleaned: UIDs whose sandboxes are gone and whose directories may be left.
    """

    target: wanted.WantedPod | None
    seen: obs.Observed
    past: obs.History
    images: Mapping[str, image_view.ImageView] = field(default_factory=dict)
    now_ns: int
    uncleaned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The next steps.

    Attributes:
        actions: To be done now, in order; then the situation is looked at anew.
        needs: Containers whose images are wanted for their next start, with its restart count.
        wake_at_ns: When to plan again though nothing happens; None: only on an event.
        waits: What is being waited for, in words, by container name ("" for the pod).
    """

    actions: tuple[Action, ...] = ()
    needs: Mapping[str, int] = field(default_factory=dict)
    wake_at_ns: int | None = None
    waits: Mapping[str, str] = field(default_factory=dict)
