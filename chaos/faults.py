"""`python -m chaos.faults`: an API server and a network that fail in every way, beside an agent.

Three to four minutes, and never more than five. Root only.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable

import click

from chaos import apirun, deadline, deeds
from staticlet.testing import containerd

RESTARTS = 50
RESTARTS_S = 80.0
"""A machine on which they take longer has others to serve: then there are fewer."""

REST_EACH = 10
OUTAGE_S = 60.0
LIMIT_S = 280.0
"""With what ending all processes may take after it, and a little more: five minutes."""

_FAILURES = (
    AssertionError,
    OSError,
    click.ClickException,  # the agent does not answer
    subprocess.SubprocessError,
    deadline.OutOfTime,
)


def main() -> int:
    """Run, and print the seed before and, should it fail, after: 0, or 1 when it is wrong."""
    given = _arguments().parse_args()
    seed = deeds.seed_of(dict(os.environ)) if given.seed is None else given.seed
    begun = time.monotonic()
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(f"{time.monotonic() - begun:7.2f} {line}")
        if given.verbose or line.startswith(("rest", "the agent said")):
            print(said[-1], flush=True)

    print(f"seed {seed}: CHAOS_SEED={seed} make faults does the same again", flush=True)
    try:
        with deadline.within(given.limit, lambda: said[-1] if said else "the start"):
            _run(given, deeds.rng_of(seed), tell)
    except _FAILURES as fault:
        print("\n".join(("--- the last deeds:", *said[-60:])))
        print(f"--- wrong:\n{fault}")
        print(f"FAILED with seed {seed}: CHAOS_SEED={seed} make faults")
        return 1
    except containerd.NeedsRoot as fault:
        print(f"cannot run: {fault}", file=sys.stderr)
        return 2
    print(f"ok: {len(said)} deeds, seed {seed}, {time.monotonic() - begun:.0f} s")
    return 0


def _run(given: argparse.Namespace, rng: random.Random, tell: Callable[[str], None]) -> None:
    with (
        containerd.running() as runtime,
        apirun.world(runtime.base / "f", runtime, rng, tell) as world,
    ):
        everything(world, restarts=given.restarts, outage_s=given.outage)


def everything(world: apirun.World, *, restarts: int, outage_s: float) -> None:
    """All faults, one kind after the other, with a rest after each.

    Args:
        world: Where.
        restarts: How often the API server is killed and started.
        outage_s: How long it is dead, once.

    Raises:
        apirest.Wrong: After one of them it does not become right.
    """
    world.boot_without_api()
    world.restarts(restarts, rest_each=REST_EACH, most_s=RESTARTS_S)
    world.long_outage(outage_s)
    world.swallows()
    world.slow()
    world.stalls()
    world.lies()
    world.older_store()
    world.empty_store()
    world.end()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos.faults", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="repeat the deeds of this seed; else $CHAOS_SEED, else a new one")
    add("--restarts", type=int, default=RESTARTS, help="of the API server (%(default)s)")
    add(
        "--outage",
        type=float,
        default=OUTAGE_S,
        help="how many seconds it is dead, once (%(default)g)",
    )
    add(
        "--limit",
        type=float,
        default=LIMIT_S,
        help="a run that takes longer than so many seconds has failed (%(default)g)",
    )
    add("-v", "--verbose", action="store_true", help="print every deed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
