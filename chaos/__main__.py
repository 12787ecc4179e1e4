"""`python -m chaos`: rough times for an agent, about three minutes of them. Root only."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from chaos import deeds, run
from staticlet.testing import containerd
from staticlet.testing.until import NeverCame


def main() -> int:
    """Run, and print the seed before and, should it fail, after: 0, or 1 when it is wrong."""
    given = _arguments().parse_args()
    seed = deeds.seed_of(dict(os.environ)) if given.seed is None else given.seed
    said: list[str] = []
    begun = time.monotonic()

    def tell(line: str) -> None:
        print(line, flush=True)

    def tell_deed(line: str) -> None:
        said.append(f"{time.monotonic() - begun:7.2f} {line}")
        if given.verbose:
            tell(said[-1])

    tell(f"seed {seed}: CHAOS_SEED={seed} make chaos does the same again")
    order = run.Order(seed=seed, rough_s=given.seconds, tell=tell, tell_deed=tell_deed)
    try:
        run.run(order)
    except (run.Wrong, NeverCame, subprocess.SubprocessError) as fault:
        tell("\n".join(("--- the last deeds:", *said[-60:])))
        tell(f"--- wrong:\n{fault}")
        tell(f"FAILED with seed {seed} after {len(said)} deeds: CHAOS_SEED={seed} make chaos")
        return 1
    except containerd.NeedsRoot as fault:
        print(f"cannot run: {fault}", file=sys.stderr)
        return 2
    tell(f"ok: {len(said)} deeds, seed {seed}")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, help="repeat the deeds of this seed; else $CHAOS_SEED, else a new one")
    add(
        "--seconds",
        type=float,
        default=105.0,
        help="begin no more rough times after so long (%(default)s); then all comes to rest",
    )
    add("-v", "--verbose", action="store_true", help="print every deed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
