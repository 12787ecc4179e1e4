"""What an API server acknowledged, and what may be there after it was killed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Value: TypeAlias = str | None
"""What a key holds; None when there is no such object."""


@dataclass(slots=True)
class Ledger:
    """Keys that one writer alone writes.

    Attributes:
        acknowledged: What each key held by the last answer.
        unanswered: What a request that had no answer would have made of its key.
        revisions: Every revision that was answered.
    """

    acknowledged: dict[str, Value] = field(default_factory=dict)
    unanswered: dict[str, Value] = field(default_factory=dict)
    revisions: set[int] = field(default_factory=set)

    def asked(self, key: str, value: Value) -> None:
        """A write was sent."""
        self.unanswered[key] = value

    def answered(self, key: str, revision: int) -> None:
        """It was acknowledged."""
        self.acknowledged[key] = self.unanswered.pop(key)
        self.revisions.add(revision)

    def wrongs(self, found: Mapping[str, str]) -> Iterator[str]:
        """What should be otherwise, of what was found after a restart."""
        for key in self.acknowledged.keys() | self.unanswered.keys():
            allowed = [self.acknowledged.get(key)]
            if key in self.unanswered:
                allowed.append(self.unanswered[key])
            if found.get(key) not in allowed:
                yield f"{key} holds {found.get(key)!r} and should hold {allowed}"

    def settle(self, found: Mapping[str, str]) -> None:
        """From here on, what was found counts."""
        keys = self.acknowledged.keys() | self.unanswered.keys()
        self.acknowledged = {key: found.get(key) for key in keys}
        self.unanswered.clear()


@dataclass(slots=True)
class Follower:
    """What somebody holds who follows by watching alone, over restarts of the server.

    Attributes:
        revision: How far it has come.
        holds: What it takes to be there.
        seen: The revision of every event.
    """

    revision: int = 0
    holds: dict[str, str] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def take(self, kind: str, key: str, value: str, revision: int) -> None:
        """An event.

        Raises:
            OutOfOrder: It is no newer than the one before.
        """
        if revision <= self.revision:
            raise OutOfOrder(f"{kind} {key} at {revision} came after {self.revision}")
        self.revision = revision
        if kind == "BOOKMARK":
            return
        self.seen.add(revision)
        if kind == "DELETED":
            self.holds.pop(key, None)
        else:
            self.holds[key] = value

    def wrongs(self, found: Mapping[str, str], acknowledged: set[int]) -> Iterator[str]:
        """What it does not know, or knows wrongly, of what was found."""
        for key in self.holds.keys() | found.keys():
            if self.holds.get(key) != found.get(key):
                yield f"a follower has {self.holds.get(key)!r} of {key}, not {found.get(key)!r}"
        if missed := sorted(acknowledged - self.seen):
            yield f"a follower missed the revisions {missed[:10]}"


class OutOfOrder(AssertionError):
    """An event that is no newer than the one before it."""
