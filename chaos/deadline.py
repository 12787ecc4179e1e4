"""A run that never takes longer than it may: it ends as a failure, and says what was under way."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

TIDY_S = 15.0
"""How long a run that ran out of time may take to end its processes; then it just ends."""


class OutOfTime(BaseException):
    """The run takes too long.

    No `Exception`: what expects failures of a network or of a process must not take it for one.
    """


@contextmanager
def within(
    seconds: float,
    under_way: Callable[[], str],
    *,
    tidy_s: float = TIDY_S,
    give_up: Callable[[], None] = lambda: os._exit(1),
) -> Iterator[None]:
    """Let the block take so long and no longer; in the main thread only.

    The alarm interrupts whatever is waited for. Should even the clean-up hang then, the process
    ends at the second one, with the stacks of all threads.

    Args:
        seconds: How long.
        under_way: What is being done, in words.
        tidy_s: How long the clean-up may take after that.
        give_up: Ends the process when that is over, too.

    Raises:
        OutOfTime: It took longer.
    """
    rung = []

    def ring(_number: int, _frame: FrameType | None) -> None:
        rung.append(True)
        if len(rung) == 1:
            raise OutOfTime(f"not done after {seconds:g} s; under way: {under_way()}")
        faulthandler.dump_traceback(file=sys.__stderr__ or 2)
        give_up()

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, tidy_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
