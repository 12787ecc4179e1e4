"""`python -m bench.scale`: how the agent grows with its pods and manifests. Root only.

Some ten minutes, of which most is waiting: for the floor, and for what is watched at rest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict

from bench import agents, events, growth, litter, results
from staticlet.testing import containerd

SIZES = (0, 1, 30, 110, 250)
FEW = 1
START_TIMES_THE_FLOOR = 1.3
MB_A_POD = 0.3
CHANGE_TIMES_ONE = 1.25
START_TIMES_EMPTY = 1.5
IDLE_CPU_S_PER_MIN = 0.3


def main() -> int:
    """Measure and print; 1 when a target was missed, 2 when nothing could be measured."""
    given = _arguments().parse_args()
    load = os.getloadavg()[0]
    sizes = tuple(sorted({0, FEW, *given.pods})) if given.pods else SIZES
    order = growth.Order(sizes=sizes, manifests=given.manifests, tell=_tell)
    try:
        found = asyncio.run(growth.measure(order))
    except (agents.DidNotStart, events.Missed, containerd.NeedsRoot) as fault:
        print(f"cannot measure: {fault}", file=sys.stderr)
        return 2
    table = [*rows(found)]
    if given.json:
        print(json.dumps(asdict(found), indent=1))
    else:
        print(f"{os.cpu_count()} CPUs, load {load:.1f} before and {os.getloadavg()[0]:.1f} after:")
        print(results.table(table, [results.FLOOR, results.SUBJECT]))
    return int(any(row.met is False for row in table))


def rows(found: growth.Growth) -> Iterator[results.Row]:
    """The table, size by size, and the crowded directory at the end."""
    empty = next((size for size in found.sizes if not size.pods), None)
    few = next((size for size in found.sizes if size.pods == FEW), None)
    for size in found.sizes:
        yield from _of_size(size, empty, few)
    if found.crowd is not None:
        yield from _of_crowd(found.crowd)


def _of_size(
    size: growth.Size, empty: growth.Size | None, few: growth.Size | None
) -> Iterator[results.Row]:
    name = f"{size.pods} pods"
    if size.start is not None and size.pods > FEW:
        yield _pair(f"{name}: start all (s)", size.start, START_TIMES_THE_FLOOR)
        yield _ours(f"{name}: CPU for that (s)", size.start_cpu_s)
    yield _ours(f"{name}: idle CPU (s/min)", size.idle.cpu_s_per_min, IDLE_CPU_S_PER_MIN)
    yield _ours(f"{name}: RSS (MB)", size.idle.memory.rss_mb)
    yield _ours(f"{name}: PSS (MB)", size.idle.memory.pss_mb)
    if empty is not None and size.pods > FEW:
        grown = (size.idle.memory.pss_mb - empty.idle.memory.pss_mb) / size.pods
        yield _ours(f"{name}: PSS a pod (MB)", grown, MB_A_POD)
    if size.change is not None:
        yield _pair(f"{name}: change one (s)", size.change)
        if few is not None and few.change is not None and size.pods > FEW:
            among = (size.change.ours / few.change.ours) / (size.change.floor / few.change.floor)
            yield _ours(
                f"{name}: times a change of {FEW}, floor's taken out", among, CHANGE_TIMES_ONE
            )
    if size.adoption is not None and size.pods > FEW:
        yield _ours(f"{name}: agent restarted, all adopted (s)", size.adoption.seconds)
        yield _ours(f"{name}: CPU for that (s)", size.adoption.cpu_s)
        yield _ours(f"{name}: PSS after that (MB)", size.adoption.memory.pss_mb)
    if size.remove is not None and size.pods > FEW:
        yield _pair(f"{name}: remove all (s)", size.remove)
        yield _ours(f"{name}: CPU for that (s)", size.remove_cpu_s)


def _of_crowd(crowd: litter.Crowd) -> Iterator[results.Row]:
    name = f"{crowd.manifests} manifests"
    yield _ours(f"{name}: taken in, the good ones run (s)", crowd.taken_in_s)
    yield _ours(f"{name}: CPU for that (s)", crowd.taken_in_cpu_s)
    yield _ours("no manifests: start one pod (s)", crowd.start_empty_s)
    start = growth.Pair(floor=crowd.start_floor_s, ours=crowd.start_s)
    yield _pair(f"{name}: start one pod (s)", start, START_TIMES_EMPTY)
    yield _ours(f"{name}: CPU for one start and removal (s)", crowd.start_cpu_s)
    yield _ours("no manifests: `get manifests` (s)", crowd.ask_empty_s)
    yield _ours(f"{name}: `get manifests` (s)", crowd.ask_s)
    yield _ours(f"{name}: idle CPU (s/min)", crowd.idle.cpu_s_per_min, IDLE_CPU_S_PER_MIN)
    yield _ours(f"{name}: PSS (MB)", crowd.idle.memory.pss_mb)


def _pair(measure: str, pair: growth.Pair, limit: float | None = None) -> results.Row:
    ratio = pair.ours / pair.floor
    return results.Row(
        measure=measure,
        values={results.FLOOR: pair.floor, results.SUBJECT: pair.ours},
        ratio=ratio,
        target=f"<= {limit:g} x floor" if limit else "",
        met=ratio <= limit if limit else None,
    )


def _ours(measure: str, value: float, limit: float | None = None) -> results.Row:
    return results.Row(
        measure=measure,
        values={results.SUBJECT: value},
        target=f"<= {limit:g}" if limit else "",
        met=value <= limit if limit else None,
    )


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    add = parser.add_argument
    add("--pods", type=int, nargs="+", help="these numbers of pods only, besides 0 and 1")
    add("--manifests", type=int, default=2000, help="in the crowded directory (%(default)s)")
    add("--json", action="store_true", help="print everything as JSON")
    return parser


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
