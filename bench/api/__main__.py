"""`python -m bench.api`: the API server beside a kube-apiserver, as `make kube` builds it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from bench import results as tables
from bench.api import measure, results, servers


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 when a target was missed, 2 when nothing could be measured."""
    given = _arguments().parse_args(arguments)
    order = measure.Order(
        rounds=given.rounds, starts=given.starts, creates=given.creates, tell=_tell
    )
    with tempfile.TemporaryDirectory(prefix="staticlet-bench-api-") as base:
        try:
            samples = measure.measure(Path(base), order)
        except (servers.DidNotStart, measure.LoadFailed) as fault:
            print(f"cannot measure: {fault}", file=sys.stderr)
            return 2
    found = results.rows(samples)
    if given.json:
        print(json.dumps(results.as_json(samples), indent=1))
    else:
        load = os.getloadavg()[0]
        print(f"{os.cpu_count()} CPUs, load {load:.1f} at the end; medians:")
        print(tables.table(found, [*samples]))
    return int(any(row.met is False for row in found))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=3, help="rounds of every measure (%(default)s)")
    add("--starts", type=int, default=3, help="starts with everything stored (%(default)s)")
    add("--creates", type=int, default=300, help="pods a round with one client (%(default)s)")
    add("--json", action="store_true", help="print every sample as JSON")
    return parser


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
