"""All checks in their order, what they say together, and how that is printed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staticlet.app.doctor import verdict
from staticlet.app.doctor.checks import (
    leftovers,
    machine,
    manifests,
    network,
    node,
    places,
    runtime,
)
from staticlet.app.doctor.facts import Facts
from staticlet.app.doctor.verdict import Check, Level, Verdict

SECTIONS: Mapping[str, tuple[Check, ...]] = {
    "configuration": node.CONFIGURATION,
    "machine": machine.CHECKS,
    "node": node.CHECKS,
    "runtime": runtime.CHECKS,
    "network": network.CHECKS,
    "manifests": manifests.CHECKS,
    "disk": places.CHECKS,
    "leftovers": leftovers.CHECKS,
}
_MARKS = {Level.OK: "ok", Level.WARN: "WARN", Level.FAIL: "FAIL", Level.SKIPPED: "-"}
_WORDS = (
    (Level.FAIL, "wrong"),
    (Level.WARN, "odd"),
    (Level.OK, "good"),
    (Level.SKIPPED, "skipped"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One check's verdict in the report."""

    section: str
    name: str
    verdict: Verdict


def examine(facts: Facts) -> tuple[Line, ...]:
    """Let every check judge the facts; one whose facts are lacking says so."""
    return tuple(
        Line(section=section, name=check.name, verdict=_judged(check, facts))
        for section, checks in SECTIONS.items()
        for check in checks
    )


def _judged(check: Check, facts: Facts) -> Verdict:
    parts = {name: getattr(facts, name) for name in inspect.signature(check.judge).parameters}
    for name, part in parts.items():
        if part is None:
            return verdict.skipped(facts.gaps.get(name, f"nothing is known of the {name}"))
    return check.judge(**parts)


def exit_status(lines: Sequence[Line], *, strict: bool) -> int:
    """0 when nothing is wrong, else 1; with `strict` a warning counts too."""
    bad = {Level.FAIL, Level.WARN} if strict else {Level.FAIL}
    return int(any(line.verdict.level in bad for line in lines))


def tally(lines: Sequence[Line]) -> dict[str, int]:
    """How many verdicts there are of each level."""
    return {level.value: sum(line.verdict.level is level for line in lines) for level in Level}


def summary(lines: Sequence[Line]) -> str:
    """The tally in words."""
    counts = tally(lines)
    return ", ".join(f"{counts[level.value]} {word}" for level, word in _WORDS)


def text(lines: Sequence[Line]) -> str:
    """The report for people: a block a section, what to do below what was found."""
    return "".join(f"{_plain(row)}\n" for row in _rows(lines))


def _plain(row: str) -> str:
    """Names of files and processes are others' words: none of them may steer the terminal."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in row)


def _rows(lines: Sequence[Line]) -> Iterator[str]:
    width = max(len(line.name) for line in lines)
    indent = " " * (width + 9)
    section = ""
    for line in lines:
        if line.section != section:
            if section:
                yield ""
            section = line.section
            yield section
        said = line.verdict
        yield f"  {_MARKS[said.level]:<4} {line.name:<{width}}  {said.found}"
        yield from (f"{indent}  {detail}" for detail in said.details)
        if said.remedy:
            yield f"{indent}→ {said.remedy}"


def data(lines: Sequence[Line]) -> dict[str, Any]:
    """The report for programs."""
    return {
        "summary": tally(lines),
        "checks": [
            {
                "name": line.name,
                "section": line.section,
                "level": line.verdict.level.value,
                "found": line.verdict.found,
                "remedy": line.verdict.remedy,
                "details": list(line.verdict.details),
            }
            for line in lines
        ],
    }


def documented() -> str:
    """All checks as tables for the documents, one a section."""
    return "\n".join(_table(section, checks) for section, checks in SECTIONS.items())


def _table(section: str, checks: Sequence[Check]) -> str:
    rows = "".join(f"| `{check.name}` | {check.about} |\n" for check in checks)
    return f"### {section.capitalize()}\n\n| check | what it looks at |\n|---|---|\n{rows}"
