"""What commands print, with times, ids and paths made the same everywhere: pure, text to text.

A transcript on one machine and moment equals that on another when nothing that matters differs.
Tables are laid out anew, since their columns are as wide as what was in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from staticlet.kube import tabbed, table

AGE = "5s"
CLOCK = "10:00:00"
DATE = "Thu, 01 Jan 2026 10:00:00 +0000"
SECONDS = "2026-01-01T10:00:00Z"
_DIGITS = "0123456789abcdef"
_SPAN = re.compile(r"\b(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?<=[smhd])\b")
_TIMES = (
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"), DATE),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"), SECONDS),
    (re.compile(r"\b\d\d:\d\d:\d\d\b(?! [+-]|Z|\.)"), CLOCK),
    (re.compile(r"\b[0-9a-f]{64}\b"), _DIGITS * 4),
    (re.compile(r"\b[0-9a-f]{32}\b"), _DIGITS * 2),
    (re.compile(r"\b\d+s ago\b"), "1s ago"),
)
_HEADINGS = re.compile(r"(?:NAMESPACE|NAME|LAST SEEN|MANIFEST|TIME) {3,}[A-Z]")
_AGES = frozenset({"AGE", "LAST SEEN", "RESTARTS"})
_WITHIN_A_TABLE = re.compile(r" {3,}")


def normalised(said: str, paths: Mapping[str, str]) -> str:
    """The text with fixed times, ages, ids and paths.

    Args:
        said: What a command printed.
        paths: What stands for which path; longer ones first.
    """
    for path, shown in paths.items():
        said = said.replace(path, shown)
    for pattern, fixed in _TIMES:
        said = pattern.sub(fixed, said)
    return "".join(f"{line}\n".lstrip("\r") for line in _laid_out(said.splitlines()))


def _laid_out(lines: list[str]) -> Iterator[str]:
    """The lines with every table laid out anew."""
    at = 0
    while at < len(lines):
        make: Callable[[list[str]], str] | None = None
        if _HEADINGS.match(lines[at]):
            make = _table
        elif re.match(r"  Type +Reason +Age", lines[at]):
            make = _events
        end = at + 1
        while make is not None and end < len(lines) and lines[end]:
            end += 1
        yield from make(lines[at:end]).splitlines() if make else lines[at:end]
        at = end


def _table(lines: list[str]) -> str:
    headings, *rows = [_WITHIN_A_TABLE.split(line) for line in lines]
    return table.render(headings, [_aged(headings, row) for row in rows])


def _aged(headings: list[str], row: list[str]) -> list[str]:
    cells = [
        _ages(cell) if name in _AGES else cell for name, cell in zip(headings, row, strict=False)
    ]
    return cells + [""] * (len(headings) - len(cells))


def _ages(cell: str) -> str:
    """A cell with an age; a number alone is none."""
    return _SPAN.sub(lambda found: AGE if found[0] else "", cell)


def _events(lines: list[str]) -> str:
    """The events of a description, whose columns are two blanks apart."""
    rows = [re.split(r" {2,}", line.strip(), maxsplit=4) for line in lines]
    aged = [[*row[:2], _ages(row[2]), *row[3:]] for row in rows]
    return tabbed.align([(f"  {first}", *others) for first, *others in aged])


def differences(there: str, here: str) -> Iterable[str]:
    """The lines in which two transcripts differ; in what order a block's lines stand is nothing.

    Events of one moment come in either order.
    """
    old, new = (_blocks(text) for text in (there, here))
    if len(old) != len(new):
        yield f"{len(old)} blocks there, {len(new)} here"
    for mine, other in zip(old, new, strict=False):
        yield from (f"- {line}" for line in _lacking(mine, other))
        yield from (f"+ {line}" for line in _lacking(other, mine))


def _blocks(text: str) -> list[list[str]]:
    return [block.splitlines() for block in text.split("```")]


def _lacking(lines: list[str], others: list[str]) -> Iterator[str]:
    """What stands in the first and not in the second, as often as it does."""
    left = list(others)
    for line in lines:
        if line in left:
            left.remove(line)
        else:
            yield line
