"""News for many: each subscriber at its own pace, nobody waited for."""

import asyncio

import pytest

from staticlet.aio import fanout


async def test_every_subscriber_gets_news_once_in_order():
    made = fanout.Fanout()
    with made.subscribed() as one, made.subscribed() as other:
        for news in ("a", "b", "a"):
            made.publish(news)
        assert await one.next() == ("a", "b")
        made.publish("a")
        assert await one.next() == ("a",)
        assert await other.next() == ("a", "b")


async def test_news_from_before_a_subscription_are_not_its():
    made = fanout.Fanout()
    made.publish("early")
    with made.subscribed() as one:
        made.publish("late")
        assert await one.next() == ("late",)


async def test_a_subscriber_waits_for_news():
    made = fanout.Fanout()
    with made.subscribed() as one:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(one.next(), name="waiting")
            await asyncio.sleep(0)
            assert not waiting.done()
            made.publish("a")
        assert waiting.result() == ("a",)


async def test_who_falls_too_far_behind_is_dropped_and_the_others_are_not():
    made = fanout.Fanout(limit=2)
    with made.subscribed() as slow, made.subscribed() as quick:
        made.publish("a")
        made.publish("b")
        assert await quick.next() == ("a", "b")
        made.publish("c")
        with pytest.raises(fanout.Dropped):
            await slow.next()
        assert await quick.next() == ("c",)


async def test_what_is_known_already_does_not_count_against_the_bound():
    made = fanout.Fanout(limit=1)
    with made.subscribed() as one:
        made.publish("a")
        made.publish("a")
        assert await one.next() == ("a",)


async def test_at_the_end_news_come_first_and_then_nothing_for_ever():
    made = fanout.Fanout()
    with made.subscribed() as one:
        made.publish("a")
        made.close()
        assert await one.next() == ("a",)
        assert await one.next() == ()
        assert await one.next() == ()
    with made.subscribed() as late:
        assert await late.next() == ()


async def test_nothing_is_kept_for_who_has_gone():
    made = fanout.Fanout()
    with made.subscribed():
        pass
    made.publish("a")
    assert not made._subscriptions
