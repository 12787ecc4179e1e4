"""Sources that are sent elsewhere while they work."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from staticlet.aio import clock
from staticlet.app import sources
from staticlet.config.settings import Settings

MANIFEST = (
    "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n"
    "spec:\n  containers:\n  - {{name: c, image: busybox}}\n"
)


@contextlib.asynccontextmanager
async def following(settings):
    """Sources at work, and a way to wait for what they bring."""
    news = asyncio.Event()
    own = sources.Sources(settings, clock.SystemClock(), news=news.set)

    async def until_so(look):
        async with asyncio.timeout(10):
            while not look():
                await news.wait()
                news.clear()

    async def until(*names):
        await until_so(lambda: brought(own) == sorted(names))

    until.so = until_so

    async with asyncio.TaskGroup() as group:
        task = group.create_task(own.run())
        yield own, until
        task.cancel()


def brought(own):
    pods = (p for s in own.snapshots.values() for m in s.manifests for p in m.pods)
    return sorted(pod.key.name.removesuffix("-n1") for pod in pods)


@pytest.fixture
def settings(tmp_path):
    for name in ("old", "new", "empty"):
        (tmp_path / name).mkdir()
    for name in ("a", "b"):
        (tmp_path / "old" / f"{name}.yaml").write_text(MANIFEST.format(name=name))
    for name in ("b", "c"):
        (tmp_path / "new" / f"{name}.yaml").write_text(MANIFEST.format(name=name))
    return Settings(
        node_name="n1",
        root_dir=tmp_path / "root",
        static_pod_path=tmp_path / "old",
        http_check_frequency_s=0.05,
    )


async def test_another_directory_takes_the_place_of_the_first(settings, tmp_path):
    async with following(settings) as (own, until):
        await until("a", "b")
        own.use(replace(settings, static_pod_path=tmp_path / "new"))
        assert brought(own) == ["a", "b"]
        await until("b", "c")
        (tmp_path / "new/d.yaml").write_text(MANIFEST.format(name="d"))
        await until("b", "c", "d")


async def test_pods_of_a_directory_stay_while_the_url_that_follows_it_does_not_answer(settings):
    url = "http://127.0.0.1:1/none"
    async with following(settings) as (own, until):
        await until("a", "b")
        own.use(replace(settings, static_pod_path=None, static_pod_url=url))
        await until.so(lambda: own.snapshots["http"].findings)
        assert brought(own) == ["a", "b"]
        own.use(replace(settings, static_pod_path=None, static_pod_url=""))
        assert brought(own) == []


async def test_a_pod_put_back_before_the_change_is_not_put_back_by_it(settings, tmp_path):
    file = tmp_path / "old/b.yaml"
    async with following(settings) as (own, until):
        await until("a", "b")
        text = file.read_text()
        file.unlink()
        await until("a")
        file.write_text(text)
        await until("a", "b")
        before = incarnations(own)
        assert before["b"] == before["a"] + 1
        own.use(replace(settings, file_check_frequency_s=1.0))
        (tmp_path / "old/c.yaml").write_text(MANIFEST.format(name="c"))
        await until("a", "b", "c")
        assert {name: incarnations(own)[name] for name in ("a", "b")} == before


def incarnations(own):
    pods = (p for s in own.snapshots.values() for m in s.manifests for p in m.pods)
    return {pod.key.name.removesuffix("-n1"): pod.incarnation for pod in pods}


async def test_settings_that_concern_no_source_disturb_none(settings):
    async with following(settings) as (own, until):
        await until("a", "b")
        before = dict(own.snapshots)
        own.use(replace(settings, cluster_domain="other"))
        assert own.snapshots == before
        assert not own._settings.fresh
