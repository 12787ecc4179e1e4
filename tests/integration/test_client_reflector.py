"""The reflector against the embedded API server, which comes and goes behind a proxy."""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from staticlet.aio import clock as clocks
from staticlet.client import connection, listing, port, reflector
from staticlet.host import certs
from staticlet.testing import apiloop, apiserver, badproxy, kubeconfigs

MAPS = "/api/v1/namespaces/default/configmaps"
DEADLINE_S = 20.0


async def until(look: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(DEADLINE_S):
        while not look():  # noqa: ASYNC110  what is looked at has no event
            await asyncio.sleep(0.01)


def names(followed: reflector.Reflector) -> set[str]:
    return {name for _, name in followed.objects}


@asynccontextmanager
async def running(followed: reflector.Reflector) -> AsyncIterator[reflector.Reflector]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(followed.run(), name="reflector")
        try:
            yield followed
        finally:
            task.cancel()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[apiloop.Client]:
    async with apiloop.serving(tmp_path) as client:
        yield client


@pytest.fixture
async def proxy(server: apiloop.Client) -> AsyncIterator[badproxy.BadProxy]:
    url = urllib.parse.urlsplit(server.url)
    async with badproxy.before(str(url.hostname), int(url.port or 0)) as made:
        yield made


@pytest.fixture
async def followed(proxy: badproxy.BadProxy, tmp_path: Path) -> AsyncIterator[reflector.Reflector]:
    cluster = {"certificate-authority": str(certs.Places(tmp_path / "api").ca)}
    user = {"token": apiserver.TOKENS["admin"]}
    path = kubeconfigs.write(tmp_path, proxy.url, cluster=cluster, user=user)
    clock = clocks.SystemClock()
    async with aclosing(connection.Connection(path, clock=clock)) as api:
        yield reflector.Reflector(
            api,
            MAPS,
            query={"labelSelector": "!root"},
            clock=clock,
            random=lambda: 0.3,
            pause=api.pause,
        )


async def make(server: apiloop.Client, name: str, **labels: str) -> None:
    answer = await server.ask("POST", MAPS, {"metadata": {"name": name, "labels": labels}})
    assert answer.code == 201


async def drop(server: apiloop.Client, name: str) -> None:
    assert (await server.ask("DELETE", f"{MAPS}/{name}")).code == 200


async def test_what_there_is_and_what_comes_is_known(
    server: apiloop.Client, followed: reflector.Reflector
) -> None:
    await make(server, "a")
    async with running(followed):
        await followed.synced_once.wait()
        assert names(followed) == {"a"}
        with followed.changes.subscribed() as news:
            await make(server, "b")
            assert await news.next() == (("default", "b"),)
            await drop(server, "a")
            assert await news.next() == (("default", "a"),)
        assert names(followed) == {"b"}
        b = followed.objects[("default", "b")]
        assert (b["apiVersion"], b["kind"]) == ("v1", "ConfigMap")
        assert "managedFields" not in b["metadata"]


async def test_what_no_longer_fits_the_selector_is_gone(
    server: apiloop.Client, followed: reflector.Reflector
) -> None:
    await make(server, "a")
    async with running(followed):
        await followed.synced_once.wait()
        patch = {"metadata": {"labels": {"root": "yes"}}}
        media = {"Content-Type": "application/merge-patch+json"}
        await server.ask("PATCH", f"{MAPS}/a", patch, headers=media)
        await until(lambda: names(followed) == set())


async def test_what_happened_while_the_server_was_away_is_told_when_it_returns(
    server: apiloop.Client, proxy: badproxy.BadProxy, followed: reflector.Reflector
) -> None:
    await make(server, "stays")
    await make(server, "goes")
    async with running(followed):
        await followed.synced_once.wait()
        await proxy.refuse()
        await until(lambda: not followed.synced)
        assert names(followed) == {"stays", "goes"}
        await drop(server, "goes")
        await make(server, "comes")
        with followed.changes.subscribed() as news:
            await proxy.listen()
            await until(lambda: followed.synced)
            assert set(await news.next()) == {("default", "goes"), ("default", "comes")}
        assert names(followed) == {"stays", "comes"}


async def test_a_cut_stream_is_resumed_without_listing_anew(
    server: apiloop.Client, proxy: badproxy.BadProxy, followed: reflector.Reflector
) -> None:
    lists: list[str] = []
    ask = followed._api.ask

    async def counted(method: str, path: str, *rest: object, **given: object) -> object:
        lists.append(path)
        return await ask(method, path, *rest, **given)  # type: ignore[arg-type]

    followed._api.ask = counted  # type: ignore[method-assign, assignment]
    async with running(followed):
        await followed.synced_once.wait()
        for number in range(3):
            await make(server, f"a{number}")
            await until(lambda: names(followed) >= {f"a{number}"})  # noqa: B023  awaited here
            proxy.cut()
        await make(server, "last")
        await until(lambda: "last" in names(followed))
    assert len(lists) == 1


async def test_a_server_that_swallows_everything_is_followed_again_when_it_is_back(
    server: apiloop.Client, proxy: badproxy.BadProxy, followed: reflector.Reflector
) -> None:
    followed._silence_s = 0.3
    async with running(followed):
        await followed.synced_once.wait()
        proxy.swallow()
        await make(server, "a")
        await asyncio.sleep(0.5)
        assert names(followed) == set()
        proxy.cut()
        proxy.pass_on()
        await until(lambda: names(followed) == {"a"})


async def test_a_stream_that_stalls_is_begun_anew_after_its_silence(
    server: apiloop.Client, proxy: badproxy.BadProxy, followed: reflector.Reflector
) -> None:
    followed._silence_s = 0.5
    async with running(followed):
        await followed.synced_once.wait()
        await asyncio.sleep(0.1)  # the stream stands
        proxy.stall()
        await make(server, "a")
        await until(lambda: names(followed) == {"a"})


async def test_a_stream_that_stalls_is_begun_anew_when_it_does_not_bring_what_was_written(
    server: apiloop.Client,
    proxy: badproxy.BadProxy,
    followed: reflector.Reflector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflector, "ECHO_S", 0.3)
    async with running(followed):
        await followed.synced_once.wait()
        await asyncio.sleep(0.1)  # the stream stands
        proxy.stall()
        await make(server, "a")
        await asyncio.sleep(0.5)
        assert names(followed) == set()
        made = await server.ask("GET", f"{MAPS}/a")
        followed.expect(int(made.body["metadata"]["resourceVersion"]))
        await until(lambda: names(followed) == {"a"})


@pytest.mark.parametrize("stage", ["swallow", "stall"])
async def test_a_list_and_a_patch_that_stall_end_at_their_deadline(
    server: apiloop.Client, proxy: badproxy.BadProxy, followed: reflector.Reflector, stage: str
) -> None:
    await make(server, "a")
    await listing.whole(followed._api, MAPS)  # a connection stands
    getattr(proxy, stage)()
    began = asyncio.get_running_loop().time()
    with pytest.raises(port.Unreachable, match=r"no answer within 0\.4 s"):
        await listing.whole(followed._api, MAPS, deadline_s=0.4)
    if stage == "stall":
        await listing.whole(followed._api, MAPS)  # on a connection of its own
        proxy.stall()
    with pytest.raises(port.Unreachable, match=r"no answer within 0\.4 s"):
        await followed._api.ask("PATCH", f"{MAPS}/a", {}, media=port.MERGE_PATCH, deadline_s=0.4)
    assert asyncio.get_running_loop().time() - began < DEADLINE_S


async def test_an_hour_of_cuts_leaves_no_connection_behind(
    server: apiloop.Client, proxy: badproxy.BadProxy, followed: reflector.Reflector
) -> None:
    async with running(followed):
        await followed.synced_once.wait()
        for number in range(20):
            proxy.cut()
            await make(server, f"a{number}")
        await until(lambda: len(followed.objects) == 20)
        assert proxy.open <= 3
