"""The log of calls on the runtime, each with how long it took: for those who ask for it (`-v 4`).

A logger of its own, so that it can be on while the rest of the package is quiet.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator

log = logging.getLogger(__name__)


@contextlib.contextmanager
def timed(call: str) -> Iterator[None]:
    """Log a call and how it went; costs nothing while nobody asks for it."""
    if not log.isEnabledFor(logging.DEBUG):
        yield
        return
    time = asyncio.get_running_loop().time
    began, outcome = time(), "cancelled"
    try:
        yield
        outcome = "ok"
    except Exception as fault:
        outcome = f"{type(fault).__name__}: {fault}"
        raise
    finally:
        ms = round((time() - began) * 1000, 1)
        log.debug("%s: %s after %.1f ms", call, outcome, ms, extra={"call": call, "ms": ms})
