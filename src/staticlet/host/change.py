"""What may happen to a directory, as values."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What happened."""

    CREATED = enum.auto()
    """A name appeared; a file of that name may still be empty."""
    MODIFIED = enum.auto()
    """Written to, and not closed yet."""
    WRITTEN = enum.auto()
    """A writer closed it."""
    MOVED_IN = enum.auto()
    """Moved here from elsewhere, perhaps over another file."""
    MOVED_OUT = enum.auto()
    """Moved elsewhere."""
    RENAMED = enum.auto()
    """Moved within the directory, from `old` to `name`."""
    DELETED = enum.auto()
    """The name was unlinked."""
    ATTRIB = enum.auto()
    """Mode, owner, times or link count changed."""
    ELSEWHERE = enum.auto()
    """Something that a symlink in the directory leads through changed."""
    REPLACED = enum.auto()
    """The place itself appeared, went, or became another."""
    OVERFLOW = enum.auto()
    """The kernel dropped events: anything may have happened."""


@dataclass(frozen=True, slots=True)
class Change:
    """One event; `name` is an entry of the directory (or the single file), else empty."""

    kind: Kind
    name: str = ""
    old: str = ""
