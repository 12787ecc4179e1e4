"""Samples to medians, and medians to verdicts."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from bench import results
from bench.api import measure, servers

OURS, THEIRS = servers.OURS, servers.THEIRS
PSS_MB = 90.0
START_S = 1.5


def rows(samples: Mapping[str, measure.Samples]) -> list[results.Row]:
    """The table."""
    return [*_rates(samples), *_times(samples), *_amounts(samples)]


def as_json(samples: Mapping[str, measure.Samples]) -> dict[str, Any]:
    """Every sample and the table, for programs."""
    return {
        "samples": {name: asdict(one) for name, one in samples.items()},
        "table": [asdict(row) for row in rows(samples)],
    }


def _rates(samples: Mapping[str, measure.Samples]) -> Iterator[results.Row]:
    one = _of(samples, lambda s: statistics.median(s.one))
    yield _row("creates a second, 1 client", one, at_least=1.0)
    eight = _of(samples, lambda s: statistics.median(s.eight))
    yield _row("creates a second, 8 clients", eight, at_least=0.7)


def _times(samples: Mapping[str, measure.Samples]) -> Iterator[results.Row]:
    yield _row("GET of a pod (ms)", _of(samples, lambda s: _median_ms(s.get_s)), at_most=0.5)
    listed = _of(samples, lambda s: _median_ms(s.list_s))
    yield _row(f"LIST of {measure.LISTED} pods (ms)", listed, at_most=0.5)
    for count, of in (
        ("1 watcher", lambda s: s.watch_1_s),
        ("100 watchers", lambda s: s.watch_100_s),
    ):
        median = _of(samples, lambda s, of=of: _median_ms(of(s)))
        yield _row(f"write to event, {count} (ms)", median, at_most=1.0)
        worst = _of(samples, lambda s, of=of: _p99_ms(of(s)))
        yield _row("the same, 99th of 100 (ms)", worst)


def _amounts(samples: Mapping[str, measure.Samples]) -> Iterator[results.Row]:
    pss = _of(samples, lambda s: s.pss_mb)
    yield _row(f"memory with {measure.PODS} pods, PSS (MB)", pss, at_most=0.25)
    yield _limit("the same", pss, PSS_MB)
    starts = _of(samples, lambda s: statistics.median(s.starts_s))
    yield _limit(f"start with {measure.PODS} pods (s)", starts, START_S)
    first = _of(samples, lambda s: statistics.median(s.first_starts_s))
    yield _limit("first start, on nothing (s)", first, START_S)


def _of(samples: Mapping[str, measure.Samples], value: Callable[..., float]) -> dict[str, float]:
    return {name: value(one) for name, one in samples.items()}


def _row(
    measured: str,
    values: dict[str, float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> results.Row:
    """A row that is held to what the kube-apiserver has."""
    limit = at_least if at_least is not None else at_most
    ratio = values[OURS] / values[THEIRS] if THEIRS in values else None
    met = None
    if ratio is not None and limit is not None:
        met = ratio >= limit if at_least is not None else ratio <= limit
    sign = ">=" if at_least is not None else "<="
    target = "" if limit is None else f"{sign} {limit:g} x theirs"
    return results.Row(measure=measured, values=values, ratio=ratio, target=target, met=met)


def _limit(measured: str, values: dict[str, float], limit: float) -> results.Row:
    """A row that is held to a figure."""
    return results.Row(
        measure=measured,
        values=values,
        target=f"<= {limit:g}",
        met=values[OURS] <= limit,
    )


def _median_ms(samples: list[float]) -> float:
    return statistics.median(samples) * 1000


def _p99_ms(samples: list[float]) -> float:
    return statistics.quantiles(samples, n=100)[98] * 1000
