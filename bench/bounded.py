"""Our agent with another bound of starts at once: `python -m bench.bounded N run …`."""

from __future__ import annotations

import sys

from staticlet.app import agent
from staticlet.cli import main

if __name__ == "__main__":
    agent.STARTS_AT_ONCE = int(sys.argv.pop(1))
    main.main(prog_name="staticlet")
