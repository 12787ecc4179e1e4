"""How long requests are waited for while it is not known whether the server answers."""

from __future__ import annotations

import asyncio

import pytest

from staticlet.client import patience

pytestmark = pytest.mark.looptime


async def _hang(them: patience.Patience, seconds: float = 60.0) -> tuple[str, float]:
    """How a request ended whose answer begins after so long, and when."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(10), them.attempt("https://a"):
            await asyncio.sleep(seconds)
    except patience.SentTooEarly:
        end = "sent too early"
    except patience.GaveUp as fault:
        end = str(fault)
    except TimeoutError:
        end = "timed out"
    else:
        end = "answered"
    return end, round(loop.time(), 3)


async def test_of_requests_to_a_server_that_is_away_one_waits_and_the_others_try_again_soon():
    them = patience.Patience()
    ends = await asyncio.gather(*(_hang(them) for _ in range(3)))
    assert ends == [("timed out", 10), *[("https://a: no answer within 2 s", 2)] * 2]


async def test_a_slow_server_is_waited_for():
    assert await _hang(patience.Patience(), 9) == ("answered", 9)


async def test_after_the_one_that_waited_another_one_may():
    them = patience.Patience()
    assert await _hang(them) == ("timed out", 10)
    assert await _hang(them, 9) == ("answered", 19)


async def test_what_hangs_while_another_is_answered_is_sent_again_soon():
    them = patience.Patience()
    async with asyncio.TaskGroup() as group:
        patient = group.create_task(_hang(them), name="patient")
        await asyncio.sleep(4.5)
        short = group.create_task(_hang(them), name="short")
        await asyncio.sleep(0.5)
        them.answered()
    assert patient.result() == ("sent too early", 6)
    assert short.result() == ("sent too early", 6)


async def test_what_would_end_anyhow_is_not_prolonged_by_another_that_is_answered():
    them = patience.Patience()
    async with asyncio.TaskGroup() as group:
        group.create_task(_hang(them), name="patient")
        await asyncio.sleep(0)
        short = group.create_task(_hang(them), name="short")
        await asyncio.sleep(1.5)
        them.answered()
    assert short.result() == ("sent too early", 2)


async def test_a_server_that_answers_may_take_its_time_for_each():
    them = patience.Patience()
    them.answered()
    async with asyncio.TaskGroup() as group:
        slow = [group.create_task(_hang(them, 9), name="slow") for _ in range(3)]
        await asyncio.sleep(1)
        them.answered()
        await asyncio.sleep(1)
        them.lost()
        them.answered()
    assert [one.result() for one in slow] == [("answered", 9)] * 3


async def test_an_answer_that_has_begun_may_take_its_time():
    them = patience.Patience()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(_hang(them, 0.5), name="begins to be answered")
        await asyncio.sleep(0.1)
        async with them.attempt("https://a"):
            await asyncio.sleep(0.5)
        them.answered()
        await asyncio.sleep(5)


async def test_other_faults_are_left_as_they_are():
    them = patience.Patience()
    with pytest.raises(ConnectionRefusedError):
        async with them.attempt("https://a"):
            raise ConnectionRefusedError
    with pytest.raises(TimeoutError):
        async with them.attempt("https://a"):
            raise TimeoutError
