"""Waiting in tests: for what shall come, with a deadline; on what shall last, for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_S = 20.0
POLL_S = 0.05
SOON_S = 0.01


class NeverCame(AssertionError):
    """What was waited for did not come in time."""


class DidNotLast(AssertionError):
    """What should have lasted changed."""


def until(
    look: Callable[[], T],
    what: str,
    *,
    deadline_s: float = DEADLINE_S,
    story: Callable[[], str] = lambda: "",
) -> T:
    """Look again and again; the first truthy result.

    Args:
        look: Returns something truthy once it is so.
        what: What is waited for, for the failure.
        deadline_s: How long it may take.
        story: What to tell when it never comes.

    Raises:
        NeverCame: The deadline passed.
    """
    ends = time.monotonic() + deadline_s
    while True:
        value = look()
        if value:
            return value
        if time.monotonic() > ends:
            raise NeverCame(f"never came in {deadline_s:g} s: {what} (last: {value!r}){story()}")
        pause(POLL_S)


async def soon(
    look: Callable[[], T | Awaitable[T]], what: str, *, deadline_s: float = DEADLINE_S
) -> T:
    """The same for what goes on in this very event loop.

    Args:
        look: Returns something truthy once it is so, or an awaitable of it.
        what: What is waited for, for the failure.
        deadline_s: How long it may take.

    Raises:
        NeverCame: The deadline passed.
    """
    ends = time.monotonic() + deadline_s
    while True:
        found = look()
        value: T = await found if isinstance(found, Awaitable) else found
        if value:
            return value
        if time.monotonic() > ends:
            raise NeverCame(f"never came in {deadline_s:g} s: {what} (last: {value!r})")
        await asyncio.sleep(SOON_S)


def lasts(
    look: Callable[[], bool],
    what: str,
    *,
    for_s: float,
    story: Callable[[], str] = lambda: "",
) -> None:
    """Look again and again for some time, in which it must be so whenever it is looked at.

    Raises:
        DidNotLast: It was not.
    """
    ends = time.monotonic() + for_s
    while time.monotonic() < ends:
        if not look():
            raise DidNotLast(f"did not last: {what}{story()}")
        pause(POLL_S)


def pause(seconds: float) -> None:
    """Between two looks at processes that tell us nothing."""
    time.sleep(seconds)  # noqa: TID251  other processes are looked at, not awaited
