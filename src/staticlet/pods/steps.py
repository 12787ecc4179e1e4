"""What a plan is made of: the situation that it depends on, and the steps that it may name.

Every step carries why it is taken, in words for the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

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


def what(action: Action) -> str:
    """An action as a decision in words; empty for what is mere tidying."""
    match action:
        case Stop(grace_s=grace_s):
            return f"stopping it (grace {grace_s}s)"
        case RunSandbox(attempt=attempt):
            return "making its sandbox" + f" again ({attempt})" * bool(attempt)
        case Start(name=name, restart_count=count):
            return f"{'restarting' if count else 'starting'} container {name}"
        case RemoveSandbox():
            return "removing a dead sandbox"
        case RemoveContainer():
            return ""
        case CleanUp():
            return "clearing its directories"
        case End():
            return "done with it"
        case _:
            assert_never(action)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Something that is not done now.

    Attributes:
        what: The decision: "waiting to restart container main".
        why: What led to it; empty when it is not worth a word.
        until_ns: When it ends if nothing happens before; None: only by an event.
        crash: Whether it is a crash back-off.
    """

    what: str
    why: str
    until_ns: int | None = None
    crash: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.why}" if self.why else self.what


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
        origin: Where the manifest was, when nothing is wanted any more; empty if not known.
        source: What brought it then.
        graces: The grace with which a UID is deleted, in seconds, where that is not its own.
    """

    target: wanted.WantedPod | None
    seen: obs.Observed
    past: obs.History
    images: Mapping[str, image_view.ImageView] = field(default_factory=dict)
    now_ns: int
    uncleaned: frozenset[str] = frozenset()
    origin: str = ""
    source: str = ""
    graces: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The next steps.

    Attributes:
        actions: To be done now, in order; then the situation is looked at anew.
        needs: Containers whose images are wanted for their next start, with its restart count.
        wake_at_ns: When to plan again though nothing happens; None: only on an event.
        waits: What is not done now and why, by container name ("" for the pod).
    """

    actions: tuple[Action, ...] = ()
    needs: Mapping[str, int] = field(default_factory=dict)
    wake_at_ns: int | None = None
    waits: Mapping[str, Wait] = field(default_factory=dict)
