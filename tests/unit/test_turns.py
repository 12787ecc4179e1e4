"""So many at a time, and another number later."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from staticlet.aio import turns


@contextlib.asynccontextmanager
async def takers(own, number):
    """Tasks that take a turn each and keep it until they are told; the names of those in turn."""
    inside, leave = [], {n: asyncio.Event() for n in range(number)}

    async def take(n):
        async with own:
            inside.append(n)
            await leave[n].wait()
            inside.remove(n)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take(n)) for n in range(number)]
        await settle()
        yield inside, leave, tasks
        for each in leave.values():
            each.set()


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("most", "together"), [(1, 1), (2, 2), (0, 4), (9, 4)])
async def test_only_so_many_have_a_turn_at_once(most, together):
    async with takers(turns.Turns(most), 4) as (inside, _, _):
        assert inside == list(range(together))


async def test_who_came_first_goes_first():
    async with takers(turns.Turns(1), 3) as (inside, leave, _):
        leave[0].set()
        await settle()
        assert inside == [1]


async def test_more_turns_are_given_at_once_to_those_who_wait():
    own = turns.Turns(1)
    async with takers(own, 4) as (inside, _, _):
        own.resize(3)
        await settle()
        assert inside == [0, 1, 2]
        own.resize(0)
        await settle()
        assert inside == [0, 1, 2, 3]


async def test_fewer_turns_take_none_away_and_hold_from_then_on():
    own = turns.Turns(2)
    async with takers(own, 4) as (inside, leave, _):
        own.resize(1)
        leave[0].set()
        await settle()
        assert inside == [1]
        leave[1].set()
        await settle()
        assert inside == [2]


async def test_who_goes_away_while_waiting_costs_no_turn():
    async with takers(turns.Turns(1), 3) as (inside, leave, tasks):
        tasks[1].cancel()
        await settle()
        leave[0].set()
        await settle()
        assert inside == [2]


async def test_a_turn_given_to_one_who_goes_away_in_that_moment_goes_to_the_next():
    async with takers(turns.Turns(1), 3) as (inside, leave, tasks):
        leave[0].set()
        await asyncio.sleep(0)  # the first one leaves, the second one is given its turn
        tasks[1].cancel()
        await settle()
        assert inside == [2]
