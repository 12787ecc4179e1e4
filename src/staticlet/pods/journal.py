"""What the agent decided and why, for each pod: the story that `staticlet why` tells.

A decision is an action or a wait of the plan, with the plan's own reason for it. Those of a pod
that is gone are kept for a while, since just then people ask. Everything is bounded.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from staticlet.pods import wanted

KEEP_EACH = 50
KEEP_GONE = 100
GONE_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision about a pod.

    Attributes:
        at: When it was made first.
        last: When it was made last, in a row of equal ones.
        count: How often in a row.
        what: What was decided: "restarting container main".
        why: The observation that led to it: "exited 137 (OOMKilled), 3s ago".
        until: For a wait, when it ends if nothing happens before.
    """

    at: datetime
    last: datetime
    count: int = 1
    what: str
    why: str
    until: datetime | None = None


class Journal:
    """Keeps the last decisions of each pod.

    Args:
        now: Tells the time.
        keep_each: At most so many decisions of one pod.
        keep_gone: At most so many pods that are gone.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        keep_each: int = KEEP_EACH,
        keep_gone: int = KEEP_GONE,
    ) -> None:
        self._now = now
        self._keep_each = keep_each
        self._keep_gone = keep_gone
        self._decisions: dict[wanted.PodKey, deque[Decision]] = {}
        self._gone: OrderedDict[wanted.PodKey, datetime] = OrderedDict()

    def decide(
        self, key: wanted.PodKey, what: str, why: str, *, until: datetime | None = None
    ) -> None:
        """Write down a decision; one that equals the last is counted there."""
        now = self._now()
        self._gone.pop(key, None)
        kept = self._decisions.setdefault(key, deque(maxlen=self._keep_each))
        last = kept[-1] if kept else None
        if last is not None and (last.what, last.why) == (what, why):
            kept[-1] = replace(last, last=now, count=last.count + 1, until=until)
        else:
            kept.append(Decision(at=now, last=now, what=what, why=why, until=until))

    def ended(self, key: wanted.PodKey) -> None:
        """Nothing is left of a pod: its decisions may be forgotten after a while."""
        if key in self._decisions:
            self._gone[key] = self._now()
            self._gone.move_to_end(key)
        self._forget()

    def pods(self) -> tuple[wanted.PodKey, ...]:
        """The pods of which something is known, by namespace and name."""
        self._forget()
        return tuple(sorted(self._decisions))

    def of(self, key: wanted.PodKey) -> tuple[Decision, ...]:
        """The decisions about a pod, the newest last; empty when nothing is known of it."""
        self._forget()
        return tuple(self._decisions.get(key, ()))

    def _forget(self) -> None:
        oldest = self._now() - GONE_FOR
        while self._gone:
            key, since = next(iter(self._gone.items()))
            if len(self._gone) <= self._keep_gone and since > oldest:
                return
            del self._gone[key]
            del self._decisions[key]
