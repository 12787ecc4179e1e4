"""What every store promises, whether it keeps anything or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.apiserver.store import following, history, live, opening
from staticlet.apiserver.store.port import (
    Action,
    Change,
    Decide,
    Future,
    Gone,
    Keep,
    Key,
    Overrun,
    Put,
    Record,
    Remove,
    Store,
    Subscription,
)

KEEPING = history.Keeping(revisions=20, few=20)
BUFFERING = following.Buffering(changes=5, size=5000)


@pytest.fixture(params=["memory", "disk"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    place = None if request.param == "memory" else tmp_path
    async with opening.opened(place, fields=fields, keeping=KEEPING, buffering=BUFFERING) as made:
        yield made


def fields(resource: str, value: dict[str, Any]) -> dict[str, str]:
    return {"resource": resource, "spec.node": value.get("spec", {}).get("node", "")}


def key(name: str, namespace: str = "default", resource: str = "pods") -> Key:
    return Key(resource, namespace, name)


def pod(name: str, **spec: object) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def put(name: str, **spec: object) -> Decide:
    return lambda before: Put(pod(name, **spec))


def remove(before: Record | None) -> Remove:
    assert before is not None
    return Remove(before.object())


async def written(store: Store, at: Key, decide: Decide) -> Record:
    record = await store.write(at, decide)
    assert record is not None
    return record


def names(records: Any) -> list[str]:
    return [f"{record.key.namespace}/{record.key.name}" for record in records]


async def test_a_write_is_there_with_its_revision_inside(store: Store) -> None:
    before = store.revision
    record = await written(store, key("a"), put("a", node="n1"))
    assert record.revision == before + 1 == store.revision
    assert record.object()["metadata"]["resourceVersion"] == str(record.revision)
    assert store.get(key("a")) == record
    assert record.labels == {"app": "a"}
    assert record.fields == {"resource": "pods", "spec.node": "n1"}


async def test_the_given_object_is_not_changed(store: Store) -> None:
    value = pod("a")
    await store.write(key("a"), lambda _: Put(value))
    assert value == pod("a")


async def test_the_object_of_a_record_is_the_callers(store: Store) -> None:
    record = await written(store, key("a"), put("a"))
    record.object()["metadata"]["name"] = "other"
    assert record.object()["metadata"]["name"] == "a"


async def test_nothing_is_written_by_keep_or_removing_nothing(store: Store) -> None:
    before = store.revision
    assert await store.write(key("a"), lambda _: Keep()) is None
    assert await store.write(key("a"), lambda _: Remove({})) is None
    assert store.revision == before


async def test_writing_the_same_again_makes_no_revision(store: Store) -> None:
    first = await written(store, key("a"), put("a", x=1, y=2))
    again = await written(store, key("a"), put("a", y=2, x=1))
    assert again is first
    assert store.revision == first.revision


async def test_another_resource_version_in_the_object_is_no_change(store: Store) -> None:
    first = await written(store, key("a"), put("a"))
    stale = {**pod("a"), "metadata": {**pod("a")["metadata"], "resourceVersion": "1"}}
    assert await written(store, key("a"), lambda _: Put(stale)) is first


async def test_a_number_that_becomes_another_kind_of_number_is_a_change(store: Store) -> None:
    first = await written(store, key("a"), put("a", x=1))
    again = await written(store, key("a"), put("a", x=True))
    assert again.revision == first.revision + 1


async def test_a_removal_has_a_revision_of_its_own(store: Store) -> None:
    first = await written(store, key("a"), put("a"))
    gone = await written(store, key("a"), remove)
    assert gone.revision == first.revision + 1
    assert gone.object()["metadata"]["resourceVersion"] == str(gone.revision)
    assert store.get(key("a")) is None
    assert store.list("pods").records == ()


async def test_what_decide_raises_comes_out_and_the_key_stays_usable(store: Store) -> None:
    def refuse(_: Record | None) -> Keep:
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        await store.write(key("a"), refuse)
    assert await written(store, key("a"), put("a"))


async def test_writes_of_one_key_see_each_other_in_the_order_of_their_beginning(
    store: Store,
) -> None:
    def one_more(before: Record | None) -> Put:
        count = 0 if before is None else before.object()["spec"]["n"]
        return Put(pod("a", n=count + 1))

    records = await asyncio.gather(*(store.write(key("a"), one_more) for _ in range(10)))
    assert [record.object()["spec"]["n"] for record in records if record] == list(range(1, 11))


async def test_a_write_that_nobody_waits_for_any_more_is_finished(store: Store) -> None:
    async def wait_for_nothing() -> None:
        await store.write(key("a"), put("a"))

    async with asyncio.TaskGroup() as group:
        one = group.create_task(wait_for_nothing())
        await asyncio.sleep(0)
        one.cancel()
    await written(store, key("a"), lambda before: Put(pod("a", seen=before is not None)))
    record = store.get(key("a"))
    assert record is not None
    assert record.object()["spec"]["seen"] is True


async def test_one_that_stops_waiting_for_its_turn_lets_the_next_have_it(store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(store.write(key("a"), put("a", n=n))) for n in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        tasks[2].cancel()
    record = store.get(key("a"))
    assert record is not None
    assert record.object()["spec"]["n"] == 3


async def test_concurrent_writes_have_revisions_without_holes(store: Store) -> None:
    before = store.revision
    records = await asyncio.gather(*(written(store, key(f"p{n}"), put("p")) for n in range(200)))
    assert sorted(record.revision for record in records) == list(range(before + 1, before + 201))


async def test_lists_are_in_the_order_of_keys_as_texts(store: Store) -> None:
    for namespace, name in [("b", "x"), ("a", "z"), ("b", "a"), ("a", "y"), ("a-b", "q")]:
        await store.write(key(name, namespace), put(name))
    await store.write(key("n1", "", "nodes"), put("n1"))
    assert names(store.list("pods").records) == ["a-b/q", "a/y", "a/z", "b/a", "b/x"]
    assert names(store.list("pods", "a").records) == ["a/y", "a/z"]
    assert names(store.list("pods", "a-b").records) == ["a-b/q"]
    assert names(store.list("pods", "c").records) == []
    assert names(store.list("nodes").records) == ["/n1"]
    assert store.list("nothing").records == ()
    assert store.list("nothing").revision == store.revision
    before = store.revision
    await store.write(key("z", "a"), remove)
    assert names(store.list("pods").records) == ["a-b/q", "a/y", "b/a", "b/x"]
    earlier = store.list("pods", revision=before).records
    assert names(earlier) == ["a-b/q", "a/y", "a/z", "b/a", "b/x"]


async def test_a_listing_stays_as_it_was(store: Store) -> None:
    await store.write(key("a"), put("a"))
    listing = store.list("pods")
    await store.write(key("b"), put("b"))
    await store.write(key("a"), remove)
    assert names(listing.records) == ["default/a"]


async def test_a_list_at_an_earlier_revision_shows_what_was(store: Store) -> None:
    a = await written(store, key("a"), put("a"))
    c = await written(store, key("c", "other"), put("c"))
    await store.write(key("a"), put("a", changed=True))
    await store.write(key("b"), put("b"))
    await store.write(key("c", "other"), remove)
    await store.write(key("c", "other"), put("c"))
    at = store.list("pods", revision=c.revision)
    assert at.revision == c.revision
    assert list(at.records) == [a, c]
    assert list(store.list("pods", "other", revision=c.revision).records) == [c]
    assert store.list("pods", "other", revision=a.revision).records == ()


async def test_lists_know_neither_the_forgotten_past_nor_the_future(store: Store) -> None:
    with pytest.raises(Gone) as gone:
        store.list("pods", revision=1)
    assert (gone.value.asked, gone.value.oldest) == (1, store.oldest)
    with pytest.raises(Future) as future:
        store.list("pods", revision=99)
    assert (future.value.asked, future.value.newest) == (99, store.revision)


async def test_what_happened_long_ago_is_forgotten(store: Store) -> None:
    first = await written(store, key("a"), put("a"))
    for n in range(30):
        await store.write(key("a"), put("a", n=n))
    assert store.oldest == store.revision - KEEPING.revisions
    with pytest.raises(Gone):
        store.list("pods", revision=first.revision)
    with pytest.raises(Gone), store.subscribe("pods", since=first.revision):
        pass
    assert store.list("pods", revision=store.oldest).records


async def test_reaching_a_revision_waits_for_it(store: Store) -> None:
    await store.reach(store.revision, within_s=0)
    wanted = store.revision + 2
    async with asyncio.TaskGroup() as group:
        group.create_task(store.reach(wanted, within_s=30))
        for name in ("a", "b"):
            await store.write(key(name), put(name))
    with pytest.raises(Future) as future:
        await store.reach(wanted + 1, within_s=0)
    assert (future.value.asked, future.value.newest) == (wanted + 1, wanted)


async def test_a_follower_gets_what_it_missed_and_then_what_comes(store: Store) -> None:
    since = store.revision
    await store.write(key("a"), put("a"))
    with store.subscribe("pods", since=since) as changes:
        await store.write(key("a"), put("a", n=1))
        await store.write(key("a"), remove)
        seen = [await anext(aiter(changes)) for _ in range(3)]
    assert [change.action for change in seen] == [
        Action.ADDED,
        Action.MODIFIED,
        Action.DELETED,
    ]
    assert [change.revision for change in seen] == [since + 1, since + 2, since + 3]
    assert seen[0].previous is None
    assert seen[1].previous is seen[0].record
    assert seen[2].previous is seen[1].record


async def test_followers_get_only_what_they_follow_and_share_it(store: Store) -> None:
    since = store.revision
    with (
        store.subscribe("pods", since=since) as everywhere,
        store.subscribe("pods", "a", since=since) as here,
        store.subscribe("nodes", since=since) as elsewhere,
    ):
        for place in (key("x", "b"), key("x", "a"), key("y", "a"), key("n", "", "nodes")):
            await store.write(place, put(place.name))
        all_pods = await everywhere.batch()
        assert names(change.record for change in all_pods) == ["b/x", "a/x", "a/y"]
        assert list(await here.batch()) == list(all_pods)[1:]
        assert (await here_is(elsewhere)).record.key == key("n", "", "nodes")
    with store.subscribe("pods", "a", since=since) as late:
        assert list(await late.batch()) == list(all_pods)[1:]


async def here_is(changes: Any) -> Change:
    change: Change = await anext(aiter(changes))
    return change


async def test_a_follower_knows_how_far_it_has_come(store: Store) -> None:
    since = store.revision
    with store.subscribe("pods", since=since) as changes:
        await store.write(key("n", "", "nodes"), put("n"))
        assert changes.revision == store.revision == since + 1
        await store.write(key("a"), put("a"))
        await store.write(key("n", "", "nodes"), put("n", x=1))
        assert changes.revision == since + 1
        await here_is(changes)
        assert changes.revision == since + 3


async def test_a_follower_that_stops_waiting_misses_nothing(store: Store) -> None:
    with store.subscribe("pods", since=store.revision) as changes:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await here_is(changes)
        record = await written(store, key("a"), put("a"))
        assert (await here_is(changes)).record is record


async def test_a_follower_waits_no_longer_than_it_says(store: Store) -> None:
    loop = asyncio.get_running_loop()
    with store.subscribe("pods", since=store.revision) as changes:
        for _ in range(2):
            until = loop.time() + 0.01
            assert await changes.batch(until=until) == []
            assert loop.time() >= until
        assert not changes.ended
        record = await written(store, key("a"), put("a"))
        (change,) = await changes.batch(until=loop.time() + 60)
        assert change.record is record


async def test_who_writes_goes_on_before_those_who_follow(store: Store) -> None:
    order = []

    async def follow(changes: Subscription) -> None:
        await changes.batch()
        order.append("follower")

    async def write() -> None:
        await store.write(key("a"), put("a"))
        order.append("writer")

    with store.subscribe("pods", since=store.revision) as changes:
        async with asyncio.TaskGroup() as group:
            group.create_task(follow(changes), name="follows")
            group.create_task(write(), name="writes")
    assert order == ["writer", "follower"]


async def test_a_follower_of_the_future_is_told(store: Store) -> None:
    with pytest.raises(Future), store.subscribe("pods", since=store.revision + 1):
        pass


async def test_a_slow_follower_is_ended_and_the_others_are_not(store: Store) -> None:
    since = store.revision
    with (
        store.subscribe("pods", since=since) as slow,
        store.subscribe("pods", since=since) as quick,
    ):
        for n in range(BUFFERING.changes + 1):
            await store.write(key("a"), put("a", n=n))
            await here_is(quick)
        with pytest.raises(Overrun):
            await here_is(slow)
        with pytest.raises(Overrun):
            await slow.batch()
        await store.write(key("b"), put("b"))
        assert (await here_is(quick)).record.key.name == "b"


async def test_a_follower_may_not_leave_too_many_bytes_unread(store: Store) -> None:
    with store.subscribe("pods", since=store.revision) as slow:
        await store.write(key("a"), put("a", text="x" * 3000))
        await store.write(key("b"), put("b", text="x" * 3000))
        with pytest.raises(Overrun):
            await here_is(slow)


async def test_a_past_longer_than_the_buffer_can_be_read(store: Store) -> None:
    since = store.revision
    for n in range(BUFFERING.changes * 2):
        await store.write(key("a"), put("a", n=n))
    with store.subscribe("pods", since=since) as changes:
        for n in range(BUFFERING.changes):
            await store.write(key("a"), put("a", m=n))
        assert len(await changes.batch()) == BUFFERING.changes * 3


async def test_followers_end_when_the_store_closes() -> None:
    async with opening.opened(None, fields=fields) as store:
        record = await written(store, key("a"), put("a"))
        with (
            store.subscribe("pods", since=record.revision - 1) as changes,
            store.subscribe("pods", since=record.revision) as idle,
        ):
            await store.close()
            assert [change.record async for change in changes] == [record]
            assert [change async for change in idle] == []
            assert await idle.batch() == []


async def test_followers_that_left_are_forgotten() -> None:
    async with opening.opened(None, fields=fields) as store:
        assert isinstance(store, live.LiveStore)
        with store.subscribe("pods", since=store.revision):
            pass
        assert not store._followers._of


async def test_everything_begun_lasts_when_the_store_closes(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group, opening.opened(tmp_path, fields=fields) as store:
        tasks = [group.create_task(store.write(key(f"p{n}"), put("p"))) for n in range(50)]
        await asyncio.sleep(0)
    assert all(task.result() for task in tasks)
    async with opening.opened(tmp_path, fields=fields) as store:
        assert len(store.list("pods").records) == 50


async def test_a_check_changes_nothing(store: Store) -> None:
    await store.write(key("a"), put("a"))
    revision = store.revision
    await store.check()
    assert store.revision == revision
    assert [record.key.name for record in store.list("pods").records] == ["a"]
