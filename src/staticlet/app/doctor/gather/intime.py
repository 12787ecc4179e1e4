"""Looking at something that may hang (a dead network disk, a silent socket), with a deadline.

The look goes on in a thread that nobody waits for, also not the end of the program.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def within(seconds: float, look: Callable[[], T]) -> T:
    """What `look` returns, from a thread of its own.

    Raises:
        TimeoutError: It took longer.
        OSError: As `look` raised it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(value: T) -> None:
        if not done.done():
            done.set_result(value)

    def refuse(fault: OSError) -> None:
        if not done.done():
            done.set_exception(fault)

    def work() -> None:
        try:
            value = look()
        except OSError as fault:
            _post(loop, functools.partial(refuse, fault))
        else:
            _post(loop, functools.partial(settle, value))

    threading.Thread(target=work, name="look", daemon=True).start()
    async with asyncio.timeout(seconds):
        return await done


def _post(loop: asyncio.AbstractEventLoop, word: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(word)
    except RuntimeError:
        pass  # the loop has ended: nobody waits for this any more
