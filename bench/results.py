"""Samples to medians, and medians to verdicts and a table."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bench import contest

SUBJECT = "staticlet"
FLOOR = "floor"
TIMES_THE_FLOOR = {"start": 1.25, "restart": 1.5, "change": 1.5, "burst": 1.25}
IDLE_CPU_S_PER_MIN = 0.3
RSS_MB = 65.0


@dataclass(slots=True, kw_only=True)
class Samples:
    """All that was measured of one contestant."""

    lives: list[contest.Life] = field(default_factory=list)
    bursts: list[contest.Burst] = field(default_factory=list)
    idle: contest.Idle | None = None

    def times(self) -> dict[str, list[float]]:
        """The samples of everything that takes a time, in seconds."""
        found = {
            one.name: [getattr(life, one.name) for life in self.lives]
            for one in fields(contest.Life)
        }
        found["burst"] = [burst.seconds for burst in self.bursts]
        return {name: samples for name, samples in found.items() if samples}

    def medians(self) -> dict[str, float]:
        """The median of each."""
        return {name: statistics.median(samples) for name, samples in self.times().items()}

    @property
    def burst_cpu_s(self) -> float | None:
        """The median of the CPU time that a burst took of the contestant."""
        used = [burst.cpu_s for burst in self.bursts if burst.cpu_s is not None]
        return statistics.median(used) if used else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Attributes:
        measure: What was measured, with its unit.
        values: What each contestant has, by name.
        ratio: Ours over the floor's.
        target: What is to be reached, in words.
        met: Whether it is; None where nothing is demanded.
    """

    measure: str
    values: dict[str, float]
    ratio: float | None = None
    target: str = ""
    met: bool | None = None


def rows(samples: dict[str, Samples]) -> list[Row]:
    """The table of all contestants."""
    return [*_times(samples), *_amounts(samples)]


def as_json(samples: dict[str, Samples]) -> dict[str, Any]:
    """Every sample and the table, for programs."""
    return {
        "samples": {name: asdict(one) for name, one in samples.items()},
        "table": [asdict(row) for row in rows(samples)],
    }


def table(found: Sequence[Row], names: Sequence[str]) -> str:
    """The rows as text with aligned columns."""
    head = ["measure", *names, "ratio", "target", "verdict"]
    lines = [head, *([*_cells(row, names)] for row in found)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in (0, len(head) - 2) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _times(samples: dict[str, Samples]) -> Iterator[Row]:
    medians = {name: one.medians() for name, one in samples.items()}
    for measure in [one.name for one in fields(contest.Life)] + ["burst"]:
        values = {name: one[measure] for name, one in medians.items() if measure in one}
        limit = TIMES_THE_FLOOR.get(measure)
        ratio = values[SUBJECT] / values[FLOOR] if {SUBJECT, FLOOR} <= values.keys() else None
        if values:
            yield Row(
                measure=f"{measure} (s)",
                values=values,
                ratio=ratio,
                target=f"<= {limit:g} x floor" if limit else "",
                met=ratio <= limit if limit and ratio is not None else None,
            )


def _amounts(samples: dict[str, Samples]) -> Iterator[Row]:
    used = {n: one.burst_cpu_s for n, one in samples.items() if one.burst_cpu_s is not None}
    if used:
        yield Row(measure="burst, its own CPU (s)", values=used)
    idle = {name: one.idle for name, one in samples.items() if one.idle is not None}
    if not idle:
        return
    yield _at_most(
        "idle CPU (s/min)", {n: one.cpu_s_per_min for n, one in idle.items()}, IDLE_CPU_S_PER_MIN
    )
    yield _at_most("idle RSS (MB)", {n: one.memory.rss_mb for n, one in idle.items()}, RSS_MB)
    yield Row(measure="idle PSS (MB)", values={n: one.memory.pss_mb for n, one in idle.items()})


def _at_most(measure: str, values: dict[str, float], limit: float) -> Row:
    own = values.get(SUBJECT)
    met = None if own is None else own <= limit
    return Row(measure=measure, values=values, target=f"<= {limit:g}", met=met)


def _cells(row: Row, names: Sequence[str]) -> Iterator[str]:
    yield row.measure
    for name in names:
        value = row.values.get(name)
        yield "-" if value is None else f"{value:.1f}" if value >= 20 else f"{value:.3f}"
    yield "-" if row.ratio is None else f"{row.ratio:.2f}"
    yield row.target
    yield "" if row.met is None else "met" if row.met else "MISSED"
