"""One task a thing, which works until there is nothing to do: in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from staticlet.client import port
from staticlet.node import tending

pytestmark = pytest.mark.looptime

DOWN = port.Unreachable("nobody answers")


def refused(code: int = 403, retry_after_s: float | None = None) -> port.Refused:
    return port.Refused(code, "Reason", "no", retry_after_s=retry_after_s)


class Work:
    """Notes when it is called; each call takes `takes_s`, then does what the test says."""

    def __init__(self, *outcomes: Any, takes_s: float = 0.0) -> None:
        self.begun: list[tuple[str, float]] = []
        self.refused: list[str] = []
        self.outcomes = list(outcomes)
        self.takes_s = takes_s
        self.now = self.most = 0
        self.tending = tending.Tending[str](
            "thing",
            self,
            refused=lambda key, fault: self.refused.append(f"{key}: {fault}"),
            random=lambda: 1.0,
            pause=asyncio.sleep,
        )

    async def __call__(self, key: str) -> float | None:
        self.begun.append((key, round(asyncio.get_running_loop().time(), 3)))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.takes_s)
            outcome = self.outcomes.pop(0) if self.outcomes else None
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome
        finally:
            self.now -= 1

    @property
    def times(self) -> list[float]:
        return [at for _, at in self.begun]

    async def rest(self, do: Callable[[], None] | None = None) -> None:
        """Tend until all tasks have ended by themselves."""
        async with self.tending.begun():
            if do is not None:
                do()


async def test_a_thing_is_worked_on_once_and_its_task_ends():
    work = Work(takes_s=1)
    await work.rest(lambda: work.tending.look("a"))
    assert work.begun == [("a", 0)]
    assert asyncio.get_running_loop().time() == pytest.approx(1)


async def test_news_while_it_is_worked_on_have_it_looked_at_once_more():
    work = Work(takes_s=1)
    async with work.tending.begun():
        work.tending.look("a")
        await asyncio.sleep(0.5)
        work.tending.look("a")
        work.tending.look("a")
    assert work.times == [0, 1]


async def test_after_its_task_has_ended_news_begin_another():
    work = Work()
    async with work.tending.begun():
        work.tending.look("a")
        await asyncio.sleep(5)
        work.tending.look("a")
    assert work.times == [0, 5]


async def test_so_many_are_worked_on_at_once_and_no_more():
    work = Work(takes_s=1)
    await work.rest(lambda: [work.tending.look(f"{i}") for i in range(10)] and None)
    assert work.most == tending.AT_ONCE
    assert sorted(key for key, _ in work.begun) == sorted(f"{i}" for i in range(10))
    assert max(work.times) == 2


async def test_what_fails_is_tried_again_after_pauses_that_grow():
    work = Work(DOWN, DOWN, DOWN)
    await work.rest(lambda: work.tending.look("a"))
    assert work.times == [0, 0.5, 1.5, 3.5]
    assert work.refused == []


async def test_what_waits_for_its_next_try_keeps_nothing_else_waiting():
    work = Work(*[DOWN] * 4)

    def look() -> None:
        for name in "abcde":
            work.tending.look(name)

    await work.rest(look)
    assert work.begun[4] == ("e", 0)


async def test_news_do_not_shorten_the_pause_after_a_fault():
    work = Work(DOWN, DOWN)
    async with work.tending.begun():
        work.tending.look("a")
        await asyncio.sleep(0.1)
        work.tending.look("a")
    assert work.times == [0, 0.5, 1.5]


async def test_how_long_nobody_answered_counts_no_more_once_somebody_does():
    work = Work(*[DOWN] * 4, refused(), refused(), DOWN)
    await work.rest(lambda: work.tending.look("a"))
    assert work.times == [0, 0.5, 1.5, 3.5, 7.5, 8, 9, 9.5]


async def test_a_server_that_is_doubted_is_asked_again_soon_however_long_it_was_away():
    work = Work(*[DOWN] * 4, *[tending.Doubt("it may be gone")] * 5)
    await work.rest(lambda: work.tending.look("a"))
    assert work.times[5:] == [8, 9, 11, 14, 17]
    assert work.refused == []


async def test_news_end_a_doubt():
    work = Work(tending.Doubt("it may be gone"), tending.Doubt("it may be gone"))
    async with work.tending.begun():
        work.tending.look("a")
        await asyncio.sleep(0.1)
        work.tending.look("a")
    assert work.times == [0, 0.1, 1.1]


async def test_a_success_begins_the_pauses_anew():
    work = Work(DOWN, DOWN, 10.0, DOWN)
    await work.rest(lambda: work.tending.look("a"))
    assert work.times == [0, 0.5, 1.5, 11.5, 12]


async def test_each_refusal_is_told_and_a_server_that_asks_for_time_gets_it():
    work = Work(refused(429, 7))
    await work.rest(lambda: work.tending.look("a"))
    assert work.refused == ["a: no"]
    assert work.times == [0, 7.5]


async def test_what_is_missing_is_looked_for_every_five_seconds_at_the_latest():
    work = Work(*[refused(404) for _ in range(8)])
    await work.rest(lambda: work.tending.look("a"))
    assert work.times == [0, 0.5, 1.5, 3.5, 7.5, 12.5, 17.5, 22.5, 27.5]


async def test_work_that_names_a_time_is_done_again_then():
    work = Work(10.0)
    await work.rest(lambda: work.tending.look("a"))
    assert work.times == [0, 10]


async def test_work_that_names_a_time_is_done_sooner_when_there_are_news():
    work = Work(10.0, 6.0)
    async with work.tending.begun():
        work.tending.look("a")
        await asyncio.sleep(4)
        work.tending.look("a")
    assert work.times == [0, 4, 10]


async def test_a_time_that_is_as_good_as_now_is_waited_for_all_the_same():
    work = Work(1e-13, 1e-13, 0.0)
    await work.rest(lambda: work.tending.look("a"))
    assert work.times == [0, 0.01, 0.02, 0.03]


async def test_what_waits_for_its_time_keeps_nothing_else_waiting():
    work = Work(*[60.0] * 4)

    def look() -> None:
        for name in "abcde":
            work.tending.look(name)

    await work.rest(look)
    assert work.begun[4] == ("e", 0)


async def test_an_end_in_the_middle_leaves_nothing_behind_for_the_next_beginning():
    work = Work(takes_s=5)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1), work.tending.begun():
            work.tending.look("a")
            await asyncio.sleep(10)
    await work.rest(lambda: work.tending.look("a"))
    assert work.begun == [("a", 0), ("a", 1)]


async def test_a_task_that_never_took_a_step_is_no_task_after_the_end():
    work = Work()

    def look_and_fail() -> None:
        work.tending.look("a")
        raise RuntimeError("unforeseen")

    with pytest.raises(ExceptionGroup):
        await work.rest(look_and_fail)
    assert work.begun == []
    await work.rest(lambda: work.tending.look("a"))
    assert work.begun == [("a", 0)]


async def test_outside_its_time_nothing_is_begun():
    work = Work()
    work.tending.look("a")
    await asyncio.sleep(1)
    assert work.begun == []
