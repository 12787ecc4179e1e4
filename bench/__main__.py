"""`python -m bench`: measure, with the floor beside each figure. Root only."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import agents, events, kubelets, results, run
from bench.api import __main__ as bench_api
from staticlet.testing import containerd


def main() -> int:
    """Measure and print; 1 when a target was missed, 2 when nothing could be measured."""
    given = _arguments().parse_args()
    order = run.Order(
        pods=given.pods,
        burst=given.burst,
        rounds=given.rounds,
        idle_s=given.idle,
        kubelet=given.kubelet,
        starts=given.starts,
        tell=_tell,
    )
    try:
        samples = asyncio.run(run.measure(order))
    except (agents.DidNotStart, events.Missed, kubelets.NoKubelet, containerd.NeedsRoot) as fault:
        print(f"cannot measure: {fault}", file=sys.stderr)
        return 2
    found = results.rows(samples)
    if given.json:
        print(json.dumps(results.as_json(samples), indent=1))
    else:
        print(_surroundings())
        print(results.table(found, [*samples]))
    missed = int(any(row.met is False for row in found))
    return missed if given.json or given.without_api else max(missed, _api())


def _api() -> int:
    """The API server, too; beside a kube-apiserver where there is one."""
    print("\nThe API server (`make bench-api` has more options):", flush=True)
    return bench_api.main([])


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--pods", type=int, default=12, help="pods that live one after the other (%(default)s)")
    add("--burst", type=int, default=30, help="pods that start at once (%(default)s)")
    add("--rounds", type=int, default=3, help="how many bursts (%(default)s)")
    add("--idle", type=float, default=30.0, help="seconds of rest to watch (%(default)s)")
    add("--kubelet", type=Path, metavar="PATH", help="measure this kubelet too")
    add(
        "--starts",
        type=_numbers,
        default=(),
        metavar="N,N,…",
        help="bursts alone, with these bounds of how many pods start at once",
    )
    add("--without-api", action="store_true", help="leave the API server out")
    add("--json", action="store_true", help="print every sample as JSON, of the agent alone")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _surroundings() -> str:
    """What the figures depend on besides the contestants."""
    loads: Sequence[float] = os.getloadavg()
    return f"{os.cpu_count()} CPUs, load {loads[0]:.1f} at the end; medians:"


if __name__ == "__main__":
    sys.exit(main())
