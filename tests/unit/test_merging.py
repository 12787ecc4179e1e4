"""When what is wanted is acted on: not before the runtime was seen, and then at every news."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from staticlet.aio import clock
from staticlet.app import merging
from staticlet.config.settings import Settings
from staticlet.pods import tools, wanted
from staticlet.testing import until, wantedpods

pytestmark = pytest.mark.looptime


class Pool:
    """Pods that run with these UIDs, once the runtime is seen."""

    def __init__(self, **running):
        self.seen = asyncio.Event()
        self.running = {wanted.PodKey("default", name): uid for name, uid in running.items()}
        self.wishes = []

    async def first_look(self):
        await self.seen.wait()

    def running_uids(self):
        return self.running

    def wish(self, merged):
        self.wishes.append(merged)


def snapshot(*pods):
    """What an API server wants."""
    manifests = tuple(
        wanted.Manifest(
            origin=f"api/{each.key}", state=wanted.ManifestState.ACCEPTED, pods=(each,)
        )
        for each in pods
    )
    return wanted.Snapshot(source=wanted.API, ready=True, manifests=manifests)


@pytest.fixture
def made():
    settings = Settings(node_name="n1", static_pod_path=None)
    time = clock.SystemClock()
    return merging.Merging(settings, time, outside=(wanted.API,), recorder=tools.Unheard())


@contextlib.asynccontextmanager
async def running(made, pool):
    """Merge while the context is open; yields the pods that are told to be wanted no longer."""
    gone = []
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made.run(pool, changed=gone.append), name="merging")
        yield gone
        task.cancel()


async def test_nothing_is_acted_on_before_the_runtime_was_seen(made):
    pool, pod = Pool(), wantedpods.wanted()
    async with running(made, pool):
        made.bring(snapshot(pod))
        await until.soon(lambda: made.wanted.pods, "it is merged")
        assert not pool.wishes
        assert not made.works.is_set()
        pool.seen.set()
        await until.soon(lambda: pool.wishes, "it is acted on")
        assert made.works.is_set()
    assert [*pool.wishes[-1].pods] == [pod.key]


async def test_a_pod_that_is_wanted_no_longer_is_told(made):
    pool, pod = Pool(), wantedpods.wanted()
    pool.seen.set()
    async with running(made, pool) as gone:
        made.bring(snapshot(pod))
        await until.soon(lambda: made.wanted.pods, "it is wanted")
        made.bring(snapshot())
        await until.soon(lambda: gone, "it is told")
    assert gone == [pod.key]
    assert not pool.wishes[-1].pods


async def test_what_a_source_brings_again_is_no_news(made):
    pool = Pool()
    pool.seen.set()
    async with running(made, pool):
        made.bring(snapshot(wantedpods.wanted()))
        await until.soon(lambda: made.wanted.pods, "it is wanted")
        before = len(pool.wishes)
        made.bring(snapshot(wantedpods.wanted()))
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(pool.wishes) == before


async def test_all_sources_are_known_from_the_start_and_none_is_ready(made):
    assert made.wanted.sources == {wanted.API}
    assert made.wanted.ready == frozenset()
