"""One document of a manifest: plain data, and where each part of it stands in the text.

The decoders (`yamldoc`, `jsondoc`) build it; everything after them works on the plain data and
comes back here to ask where a field stands. Positions are kept beside the data as a tree of the
same shape, so that nothing is paid for paths that nobody asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from staticlet.kube.finding import Position

LIMIT_BYTES = 10 * 1024 * 1024
"""A manifest must be smaller than this, as with the kubelet."""

LIMIT_DEPTH = 100
"""The deepest nesting of maps and lists; a Pod needs about fifteen."""

LIMIT_VALUES = 200_000
"""How many keys and values one document may hold; a large Pod has a thousand."""

LIMIT_ALIASED = 100_000
"""How many values aliases may stand for in one document: against a "billion laughs"."""


class Spot:
    """Where a value begins, and its children's spots under the same keys or indexes.

    For a map entry the place is that of its key, for a list item that of the item. `text` is how
    a plain scalar that is no string was written: `n`, `0644`, `1.10`.
    """

    __slots__ = ("children", "column", "line", "text")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column
        self.children: dict[str, Spot] | list[Spot] | None = None
        self.text: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot be read, and where.

    Attributes:
        message: What it is and what to do.
        position: The place; None when the whole text is meant.
        path: The value that reads as None for it, where it is one value.
    """

    message: str
    position: Position | None = None
    path: tuple[str | int, ...] | None = None


class UnreadableError(Exception):
    """A text, or the rest of it, is not YAML or JSON."""

    def __init__(self, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(message, position)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key that stands in a map for the second time; the last one counts.

    Attributes:
        path: The key's path, from the document's root.
        position: Where the later one stands.
        first: Where the earlier one stands.
    """

    path: tuple[str | int, ...]
    position: Position
    first: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document, or a JSON text.

    Attributes:
        data: Plain data: dict with string keys, list, str, int, float, bool or None. Parts may be
            shared where the text uses aliases: never change them.
        spot: Where the root and all below it stand.
        duplicates: The keys given more than once, in order.
        problems: Values that cannot be represented (a foreign tag, an infinite number); they
            read as None.
    """

    data: Any
    spot: Spot
    duplicates: tuple[Duplicate, ...] = ()
    problems: tuple[Problem, ...] = ()

    def find(self, path: Sequence[str | int]) -> Spot | None:
        """The spot of exactly this path, or None when nothing stands there."""
        found, depth = self._reach(path)
        return found if depth == len(path) else None

    def position(self, path: Sequence[str | int] = ()) -> Position:
        """Where the longest known beginning of a path stands; the root's place at worst."""
        found, _ = self._reach(path)
        return Position(found.line, found.column)

    def text(self, path: Sequence[str | int]) -> str | None:
        """How a plain scalar that is no string was written, or None for anything else."""
        found = self.find(path)
        return found.text if found else None

    def _reach(self, path: Sequence[str | int]) -> tuple[Spot, int]:
        spot = self.spot
        for depth, step in enumerate(path):
            child = _child(spot.children, step)
            if child is None:
                return spot, depth
            spot = child
        return spot, len(path)


def _child(children: dict[str, Spot] | list[Spot] | None, step: str | int) -> Spot | None:
    match children, step:
        case dict(), str():
            return children.get(step)
        case list(), int() if 0 <= step < len(children):
            return children[step]
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What could be read of a text.

    Attributes:
        documents: Every document that is not empty, in order.
        problems: What broke off the reading of a document, or of all.
    """

    documents: tuple[Document, ...] = field(default=())
    problems: tuple[Problem, ...] = field(default=())
