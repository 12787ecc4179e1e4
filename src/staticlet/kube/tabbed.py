"""Cells to aligned text, as Go's `text/tabwriter` does it for `kubectl describe`.

A column is a run of lines that go on after a cell; its width is that of its widest cell and two
blanks. So one long name widens only the lines around it, and the last cell of a line widens none.
"""

from __future__ import annotations

from collections.abc import Sequence

PADDING = 2


def align(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells as text; no blanks at the ends of lines."""
    widths = [[len(cell) for cell in line] for line in lines]
    deepest = max((len(line) for line in lines), default=0)
    for column in range(deepest - 1):
        begin = 0
        while begin < len(lines):
            end = begin
            while end < len(lines) and len(lines[end]) > column + 1:
                end += 1
            widest = max((widths[row][column] for row in range(begin, end)), default=0)
            for row in range(begin, end):
                widths[row][column] = widest
            begin = max(end, begin + 1)
    return "".join(
        "".join(
            cell.ljust(width + PADDING) for cell, width in zip(line, sizes, strict=True)
        ).rstrip()
        + "\n"
        for line, sizes in zip(lines, widths, strict=True)
    )
