"""What a check says: how bad it is, what was found, and what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

SHOWN_DETAILS = 20


class Level(enum.Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """Pods run, but something will surprise or is lacking."""
    FAIL = "fail"
    """Pods do not run, or not all of them, or not safely."""
    SKIPPED = "skipped"
    """It could not be looked at, or does not concern this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check says.

    Attributes:
        level: How bad it is.
        found: What was found, in a sentence.
        remedy: What to do; empty when there is nothing to do.
        details: One line for each thing that the sentence sums up.
    """

    level: Level
    found: str
    remedy: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A check and how it is called.

    Attributes:
        name: Stable, for scripts.
        about: What it looks at, for the documents.
        judge: The rule. Its parameters are named for the parts of the facts that it needs.
    """

    name: str
    about: str
    judge: Callable[..., Verdict]


def good(found: str, *details: str) -> Verdict:
    """All is as it should be."""
    return Verdict(level=Level.OK, found=found, details=shown(details))


def warn(found: str, remedy: str, *details: str) -> Verdict:
    """Something is odd or lacking."""
    return Verdict(level=Level.WARN, found=found, remedy=remedy, details=shown(details))


def fail(found: str, remedy: str, *details: str) -> Verdict:
    """Something is wrong."""
    return Verdict(level=Level.FAIL, found=found, remedy=remedy, details=shown(details))


def skipped(why: str) -> Verdict:
    """It was not looked at."""
    return Verdict(level=Level.SKIPPED, found=why)


def shown(details: tuple[str, ...]) -> tuple[str, ...]:
    """The first details, and how many there are more."""
    if len(details) <= SHOWN_DETAILS:
        return details
    return (*details[:SHOWN_DETAILS], f"… and {len(details) - SHOWN_DETAILS} more")


def count(number: int, word: str) -> str:
    """`1 pod`, `2 pods`."""
    return f"{number} {word}{'' if number == 1 else 's'}"
