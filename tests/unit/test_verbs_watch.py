"""Watching: from which version on, what is told, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from staticlet.apiserver.store import history
from staticlet.apiserver.verbs import answers, watch
from staticlet.testing import verbcalls
from staticlet.testing.verbcalls import config_map

pytestmark = pytest.mark.looptime


async def stream(api: verbcalls.Api, **query: str) -> Any:
    answer = await api.ask("watch", "configmaps", **query)
    assert isinstance(answer, answers.Stream)
    return one_by_one(answer.batches)


async def one_by_one(batches: Any) -> AsyncIterator[answers.Event]:
    async with contextlib.aclosing(batches):
        async for events in batches:
            for event in events:
                yield event


async def told(events: Any, count: int) -> list[tuple[str, str]]:
    """The next events: type and name."""
    found = []
    for _ in range(count):
        event = await asyncio.wait_for(anext(events), 1.0)
        found.append((event.type, event.record.key.name if event.record else ""))
    return found


async def label(api: verbcalls.Api, name: str, value: str) -> None:
    body = {"metadata": {"labels": {"l": value}}}
    await api.ask("patch", "configmaps", name, body=body, media=verbcalls.MERGE)


async def create(api: verbcalls.Api, *names: str) -> None:
    for name in names:
        await api.ask("create", "configmaps", body=config_map(name, labels={"l": "a"}))


async def test_what_is_told_at_once_is_bounded_in_number_and_in_size() -> None:
    async with verbcalls.served() as api:
        for name in ("a", "b", "c"):
            large = {"k": "x" * (watch.TOGETHER_BYTES // 2)}
            await api.ask("create", "configmaps", body=config_map(name, data=large))
        await create(api, *(f"small{n:03}" for n in range(watch.TOGETHER)))
        answer = await api.ask("watch", "configmaps")
        assert isinstance(answer, answers.Stream)
        batches = answer.batches
        there = [
            [one.record.key.name for one in await anext(batches) if one.record] for _ in range(2)
        ]
        assert there[0] == ["a", "b"]
        assert there[1][0] == "c"
        assert len(there[1]) == watch.TOGETHER
        for name in ("a", "b", "c"):
            await label(api, name, "x")
        assert len(await anext(batches)) == 1  # the last small one
        assert len(await anext(batches)) == 2
        assert len(await anext(batches)) == 1


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}])
async def test_without_a_version_it_begins_with_what_there_is(query: dict[str, str]) -> None:
    async with verbcalls.served() as api:
        await create(api, "a", "b")
        events = await stream(api, **query)
        assert await told(events, 2) == [("ADDED", "a"), ("ADDED", "b")]
        await create(api, "c")
        await label(api, "a", "x")
        await api.ask("delete", "configmaps", "b")
        assert await told(events, 3) == [("ADDED", "c"), ("MODIFIED", "a"), ("DELETED", "b")]
        await events.aclose()


async def test_from_a_version_on_nothing_is_missed_and_nothing_told_twice() -> None:
    async with verbcalls.served() as api:
        await create(api, "a")
        then = str(api.backend.store.revision)
        await create(api, "b")
        events = await stream(api, resourceVersion=then)
        assert await told(events, 1) == [("ADDED", "b")]
        await create(api, "c")
        assert await told(events, 1) == [("ADDED", "c")]
        await events.aclose()


async def test_a_change_to_the_same_is_not_told() -> None:
    async with verbcalls.served() as api:
        await create(api, "a")
        events = await stream(api, resourceVersion=str(api.backend.store.revision))
        await label(api, "a", "a")
        await create(api, "b")
        assert await told(events, 1) == [("ADDED", "b")]
        await events.aclose()


async def test_objects_come_into_a_selection_and_leave_it() -> None:
    async with verbcalls.served() as api:
        await create(api, "a")
        events = await stream(api, labelSelector="l=a")
        assert await told(events, 1) == [("ADDED", "a")]
        await label(api, "a", "b")
        left = await anext(events)
        assert left.type == "DELETED"
        obj = left.record.object()
        assert obj["metadata"]["labels"] == {"l": "a"}
        assert obj["metadata"]["resourceVersion"] == str(api.backend.store.revision)
        await label(api, "a", "c")
        await label(api, "a", "a")
        await api.ask("delete", "configmaps", "a")
        await create(api, "b")
        assert await told(events, 3) == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "b")]
        await events.aclose()


async def test_what_was_never_selected_is_not_told_when_it_goes() -> None:
    async with verbcalls.served() as api:
        await create(api, "a", "b")
        events = await stream(
            api, fieldSelector="metadata.name=b", resourceVersion=str(api.backend.store.revision)
        )
        await api.ask("delete", "configmaps", "a")
        await label(api, "b", "x")
        assert await told(events, 1) == [("MODIFIED", "b")]
        await events.aclose()


async def test_a_version_whose_history_is_gone_is_told_as_an_error() -> None:
    async with verbcalls.served(keeping=history.Keeping(revisions=1, few=0)) as api:
        await create(api, "a", "b", "c")
        events = await stream(api, resourceVersion="3")
        found = await anext(events)
        assert found.type == "ERROR"
        assert (found.object["code"], found.object["reason"]) == (410, "Expired")
        assert found.object["message"].startswith("too old resource version: 3 (")
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_streamed_list_ends_with_a_bookmark() -> None:
    async with verbcalls.served() as api:
        await create(api, "a")
        events = await stream(
            api,
            sendInitialEvents="true",
            resourceVersionMatch="NotOlderThan",
            allowWatchBookmarks="true",
        )
        assert await told(events, 1) == [("ADDED", "a")]
        mark = await anext(events)
        assert (mark.type, mark.object) == (
            "BOOKMARK",
            {
                "kind": "ConfigMap",
                "apiVersion": "v1",
                "metadata": {
                    "resourceVersion": str(api.backend.store.revision),
                    "annotations": {"k8s.io/initial-events-end": "true"},
                },
            },
        )
        await create(api, "b")
        assert await told(events, 1) == [("ADDED", "b")]
        await events.aclose()


async def test_a_watch_that_wants_no_initial_events_gets_none() -> None:
    async with verbcalls.served() as api:
        await create(api, "a")
        events = await stream(api, sendInitialEvents="false", resourceVersionMatch="NotOlderThan")
        await create(api, "b")
        assert await told(events, 1) == [("ADDED", "b")]
        await events.aclose()


async def test_bookmarks_tell_how_far_the_server_has_come() -> None:
    async with verbcalls.served() as api:
        events = await stream(api, allowWatchBookmarks="true", timeoutSeconds="100")
        loop = asyncio.get_running_loop()
        began = loop.time()
        await api.ask("create", "namespaces", body={"metadata": {"name": "n"}})
        mark = await anext(events)
        assert mark.type == "BOOKMARK"
        assert mark.object["metadata"]["resourceVersion"] == str(api.backend.store.revision)
        assert loop.time() - began == pytest.approx(watch.BOOKMARK_S, abs=0.1)
        last = await anext(events)
        assert last.type == "BOOKMARK"
        assert loop.time() - began == pytest.approx(100, abs=0.1)
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_watch_ends_when_its_time_is_up() -> None:
    async with verbcalls.served() as api:
        events = await stream(api, timeoutSeconds="5")
        began = asyncio.get_running_loop().time()
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        assert asyncio.get_running_loop().time() - began == pytest.approx(5, abs=0.1)


async def test_a_watch_ends_when_its_time_is_up_though_there_is_always_something() -> None:
    async with verbcalls.served() as api:
        events = await stream(api, timeoutSeconds="5")
        seen = 0
        for number in range(100):
            await create(api, f"c{number}")
            await asyncio.sleep(1)
            if await anext(events, None) is None:
                break
            seen += 1
        assert 3 <= seen <= 6


async def test_closing_a_watch_ends_its_subscription() -> None:
    async with verbcalls.served() as api:
        await create(api, "a")
        events = await stream(api)
        await told(events, 1)
        await events.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(events)


async def test_a_watch_in_a_namespace_hears_of_no_other() -> None:
    async with verbcalls.served() as api:
        events = await stream(api, resourceVersion=str(api.backend.store.revision))
        await api.ask("create", "configmaps", body=config_map("x"), namespace="other")
        await create(api, "b")
        assert await told(events, 1) == [("ADDED", "b")]
        await events.aclose()
