"""The agent's log on stderr: one line a message, for people and for journald."""

from __future__ import annotations

import logging
import sys
import time


def set_up(*, verbosity: int) -> None:
    """Log to stderr; a verbosity of 2 or more shows the agent's every step, 6 its libraries'."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(message)s")
    formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
    formatter.datefmt = "%Y-%m-%dT%H:%M:%S"
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbosity >= 6 else logging.INFO)
    logging.getLogger("staticlet").setLevel(logging.DEBUG if verbosity >= 2 else logging.INFO)
