"""Tasks that live as long as the program: what happens when one of them fails.

An essential task's failure ends the program: it just runs in a TaskGroup. A restarting task is
begun anew after a pause, with its failure logged: one bad pod must not take the others down. This
is the one place where any exception is caught.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 5.0, 15.0, 60.0)


async def restarting(
    name: str,
    work: Callable[[], Awaitable[None]],
    *,
    pauses_s: tuple[float, ...] = PAUSES_S,
) -> None:
    """Run work until it returns; when it raises, log that and begin anew after a pause.

    Args:
        name: What the log calls it.
        work: Makes the awaitable to run; called once a try.
        pauses_s: Seconds before the second, third, … try; the last one repeats.
    """
    tries = 0
    while True:
        try:
            await work()
        except Exception:
            pause = pauses_s[min(tries, len(pauses_s) - 1)]
            tries += 1
            log.exception("%s failed unexpectedly; trying again in %g s", name, pause)
            await asyncio.sleep(pause)
        else:
            return
