"""Ending together with the process that started this one, however that one ends.

A parent that is killed cannot tell its children. The kernel does, by a pidfd: nothing is polled,
and no signal is needed that a wrapper might lose.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from staticlet.host import proc


def follow(pid: int, ended: Callable[[], None]) -> proc.ExitWatch:
    """Call back once when the parent ends; at once when it has ended already.

    Args:
        pid: The parent's, as it told it: who has another parent by now was left behind.
        ended: Called in the running event loop.

    Returns:
        What watches; closing it ends that.
    """
    watch = proc.ExitWatch()
    watch.add(pid, ended)
    if os.getppid() != pid:  # looked at last: while it is our parent nobody else has that pid
        watch.close()
        ended()
    return watch
