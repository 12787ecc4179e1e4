"""Rows of a description: indented lines of cells, and the words for what is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any, TypeAlias

from staticlet.kube import rfc3339, tabbed

NONE = "<none>"
LONGEST_ANNOTATION = 140

Object: TypeAlias = Mapping[str, Any]


class Rows:
    """Collects lines.

    Args:
        zone: The time zone of what is printed; None for this machine's.
    """

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._lines: list[Sequence[str]] = []

    def add(self, level: int, *cells: object) -> None:
        """Add a line, indented by two blanks a level."""
        first, *others = (str(cell) for cell in cells)
        self._lines.append(("  " * level + first, *others))

    def add_lines(self, title: str, lines: Sequence[str]) -> None:
        """Add lines under one title; `<none>` when there are none."""
        for number, line in enumerate(lines or [NONE]):
            self._lines.append((f"{title}:" if number == 0 else "", line))

    def add_words(self, level: int, title: str, words: Sequence[str]) -> None:
        """Add a command's words, a line each; nothing when there are none."""
        if words:
            self.add(level, f"{title}:")
        for word in words:
            for line in word.split("\n"):
                self.add(level + 1, line)

    def time(self, text: str | None) -> str:
        """A time of the API as kubectl writes it: `Mon, 02 Jan 2006 15:04:05 +0000`."""
        if not text:
            return "<unset>"
        moment = rfc3339.moment(text).astimezone(self._zone)
        return moment.strftime("%a, %d %b %Y %H:%M:%S %z")

    def text(self) -> str:
        """All lines, aligned."""
        return tabbed.align(self._lines)


def label_lines(given: Object | None) -> list[str]:
    """Labels, a line each, by name."""
    return [f"{key}={value}" for key, value in sorted((given or {}).items())]


def annotation_lines(given: Object | None) -> list[str]:
    """Annotations, by name; long ones below their name and cut."""
    return [
        line for key, value in sorted((given or {}).items()) for line in _annotation(key, value)
    ]


def _annotation(key: str, value: str) -> Iterator[str]:
    value = value.removesuffix("\n")
    if "\n" not in value and len(key) + len(value) + 2 <= LONGEST_ANNOTATION:
        yield f"{key}: {value}"
        return
    yield f"{key}:"
    most = LONGEST_ANNOTATION - 2
    for line in value.split("\n"):
        yield "  " + (line if len(line) <= most else line[:most] + "...")
