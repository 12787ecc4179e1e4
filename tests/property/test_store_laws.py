"""Laws of the store: any writes, any restarts, and it is what a simple model of it is."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from staticlet.apiserver.store import history, live, opening
from staticlet.apiserver.store.port import Gone, Keep, Key, Put, Record, Remove

KEPT = 8

keys = st.builds(
    Key,
    st.sampled_from(["pods", "leases.coordination.k8s.io"]),
    st.sampled_from(["", "a", "a-b", "b"]),
    st.sampled_from(["x", "y", "\u00e9"]),
)
writes = st.tuples(keys, st.one_of(st.integers(0, 3), st.just("remove"), st.just("keep")))
# Those of one step are begun together.
steps = st.lists(st.one_of(st.lists(writes, min_size=1, max_size=6), st.just("restart")))


@dataclass
class Model:
    """What a store is, kept in the plainest way: every state it ever had."""

    revision: int
    states: dict[int, dict[Key, tuple[int, Any]]] = field(default_factory=dict)
    changes: list[tuple[int, Key, str]] = field(default_factory=list)

    @property
    def now(self) -> dict[Key, tuple[int, Any]]:
        return self.states.get(self.revision, {})

    def write(self, key: Key, what: Any) -> None:
        now = dict(self.now)
        before = now.get(key)
        if what == "keep" or (what == "remove" and before is None):
            return
        if before is not None and before[1] == what:
            return
        self.revision += 1
        if what == "remove":
            del now[key]
            self.changes.append((self.revision, key, "DELETED"))
        else:
            now[key] = (self.revision, what)
            action = "ADDED" if before is None else "MODIFIED"
            self.changes.append((self.revision, key, action))
        self.states[self.revision] = now


def no_fields(resource: str, value: dict[str, Any]) -> dict[str, str]:
    return {"value": str(value["value"])}


async def write(store: live.LiveStore, key: Key, what: Any) -> None:
    def decide(before: Record | None) -> Put | Remove | Keep:
        if what == "keep":
            return Keep()
        if what == "remove":
            return Remove(before.object() if before is not None else {})
        return Put({"metadata": {"name": key.name}, "value": what})

    await store.write(key, decide)


def shown(records: Sequence[Record]) -> list[tuple[Key, int, Any]]:
    for record in records:
        assert record.object()["metadata"]["resourceVersion"] == str(record.revision)
        assert record.fields["value"] == str(record.object()["value"])
    return [(record.key, record.revision, record.object()["value"]) for record in records]


def wanted(state: dict[Key, tuple[int, Any]], resource: str, namespace: str) -> list[Any]:
    return [
        (key, *state[key])
        for key in sorted(state, key=lambda key: key.path)
        if key.resource == resource and namespace in ("", key.namespace)
    ]


async def compare(store: live.LiveStore, model: Model, first: int) -> None:
    assert store.revision == model.revision
    assert store.oldest == max(first, model.changes[-KEPT - 1][0] if model.changes[KEPT:] else 0)
    for resource in ("pods", "leases.coordination.k8s.io"):
        for namespace in ("", "a", "b"):
            for revision in range(store.oldest, store.revision + 1):
                listing = store.list(resource, namespace, revision=revision)
                state = model.states.get(revision, {})
                assert shown(listing.records) == wanted(state, resource, namespace)
                with store.subscribe(resource, namespace, since=revision) as changes:
                    expected = [
                        change
                        for change in model.changes
                        if change[0] > revision
                        and change[1].resource == resource
                        and namespace in ("", change[1].namespace)
                    ]
                    if expected:
                        assert [
                            (change.revision, change.record.key, change.action.value)
                            for change in await changes.batch()
                        ] == expected
    try:
        store.list("pods", revision=store.oldest - 1)
    except Gone:
        return
    raise AssertionError("the forgotten past was listed")


async def play(place: Path, story: list[Any]) -> None:
    keeping = history.Keeping(revisions=KEPT, few=KEPT)
    async with AsyncExitStack() as stack:

        async def started() -> live.LiveStore:
            return await stack.enter_async_context(
                opening.opened(place, fields=no_fields, keeping=keeping)
            )

        store = await started()
        first = store.revision
        model = Model(revision=first)
        for step in story:
            if step == "restart":
                await stack.aclose()
                store = await started()
            else:
                # Begun in this order, and so decided in it where they name the same key; of
                # different keys as well, as none has to wait for another.
                distinct = list(dict(step).items())
                for key, what in distinct:
                    model.write(key, what)
                await asyncio.gather(*(write(store, key, what) for key, what in distinct))
            await compare(store, model, first)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_any_story_is_told_as_the_model_tells_it(story: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as place, asyncio.Runner() as runner:
        runner.run(play(Path(place), story))
