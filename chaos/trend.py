"""Whether what was sampled over some time stays flat; pure.

The last third is held to the first, median to median, with a margin: single samples jump about.
The beginning is left out: everything is met for the first time, and what is kept of the past fills
up to its bounds (a thousand events, fifty decisions a pod).
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WARM_UP_SAMPLES = 60
WARM_UP_SHARE = 0.5
"""So many samples are left out, of a short run half."""
LEAST_SAMPLES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """How much more the last third may have.

    Attributes:
        unit: What is counted.
        share: The part of the first third's median.
        more: And so many on top.
    """

    unit: str
    share: float
    more: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that was sampled."""

    name: str
    unit: str
    first: float
    last: float
    most: float
    allowed: float

    @property
    def flat(self) -> bool:
        """Whether it has not grown."""
        return self.last <= self.allowed


class TooFew(Exception):
    """There are too few samples to say anything."""


def rows(samples: Mapping[str, Sequence[float]], margins: Mapping[str, Margin]) -> list[Row]:
    """Judge each series.

    Raises:
        TooFew: A series is too short.
    """
    return [_row(name, samples[name], margin) for name, margin in margins.items()]


def _row(name: str, series: Sequence[float], margin: Margin) -> Row:
    warm = series[min(WARM_UP_SAMPLES, int(len(series) * WARM_UP_SHARE)) :]
    if len(warm) < LEAST_SAMPLES:
        raise TooFew(f"{len(series)} samples of {name} are too few: let it run longer")
    third = len(warm) // 3
    first = statistics.median(warm[:third])
    return Row(
        name=name,
        unit=margin.unit,
        first=first,
        last=statistics.median(warm[-third:]),
        most=max(series),
        allowed=first * (1 + margin.share) + margin.more,
    )


def table(found: Sequence[Row]) -> str:
    """The rows for people."""
    lines = [f"{'':14}{'first third':>12}{'last third':>12}{'allowed':>10}{'most':>10}"]
    for row in found:
        name = f"{row.name} ({row.unit})" if row.unit else row.name
        figures = f"{row.first:12.1f}{row.last:12.1f}{row.allowed:10.1f}{row.most:10.1f}"
        lines.append(f"{name:14}{figures}  {'flat' if row.flat else 'GROWS'}")
    return "\n".join(lines)
