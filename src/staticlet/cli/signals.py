"""What signals mean: TERM and INT end the agent, HUP has its configuration read anew.

Whatever hangs, a disk or a registry, ends with the process: all that must be kept is kept at every
moment, so that ending hard loses nothing. Pods go on either way. ABRT, which the watchdog of
systemd sends, shows where the program hangs.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import sys

log = logging.getLogger("staticlet")

PATIENCE_S = 0.8
"""How long an ending may take; with it the agent ends within a second."""


def handle(
    stop: asyncio.Event,
    hangup: asyncio.Event,
    *,
    outlook: str = "containers go on running",
    patience_s: float | None = PATIENCE_S,
) -> None:
    """Have signals set the events; a second signal to end, or patience at its end, is the end.

    Args:
        stop: Set by SIGTERM and SIGINT.
        hangup: Set by SIGHUP.
        outlook: What the log says of the pods.
        patience_s: How long an ending may take; None when it may take its time.
    """
    faulthandler.enable()
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        if stop.is_set():
            _leave(128 + number)
        log.info("%s: stopping; %s", number.name, outlook)
        stop.set()
        if patience_s is not None:
            loop.call_later(patience_s, _leave, 0)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    loop.add_signal_handler(signal.SIGHUP, hangup.set)


def _leave(status: int) -> None:
    """End the process at once, whatever its threads are at."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
