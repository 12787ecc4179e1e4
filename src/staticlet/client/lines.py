"""Chunks to lines, none longer than a bound."""

from __future__ import annotations

from collections.abc import Iterator


class TooLong(Exception):
    """A line exceeds the bound."""


class Lines:
    """Takes chunks, gives whole lines.

    Args:
        most_bytes: The longest line that is taken.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._begun: list[bytes] = []
        self._size = 0

    @property
    def begun(self) -> bool:
        """Whether there is a line that has not ended."""
        return self._size > 0

    def take(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that a chunk ends, without their ends; empty ones are left out.

        Raises:
            TooLong: A line exceeds the bound.
        """
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._add(part)
            line = self._begun[0] if len(self._begun) == 1 else b"".join(self._begun)
            self._begun, self._size = [], 0
            if line.strip():
                yield line
        self._add(rest)

    def _add(self, part: bytes) -> None:
        if part:
            self._size += len(part)
            if self._size > self._most_bytes:
                raise TooLong
            self._begun.append(part)
