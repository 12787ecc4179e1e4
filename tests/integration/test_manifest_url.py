"""The URL source against a real HTTP server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from staticlet.aio.clock import SystemClock
from staticlet.kube import read
from staticlet.pods.sources import url
from staticlet.pods.wanted import Snapshot
from staticlet.testing.directory import images, manifest

WEB = {"web-node1": ("nginx:1", 0)}


@dataclass
class Server:
    """Answers with `body` and `status`; keeps the requests' headers."""

    body: bytes = manifest()
    status: int = 200
    requests: list[web.Request] = field(default_factory=list)
    address: str = ""

    async def pods(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return web.Response(body=self.body, status=self.status)

    async def forward(self, request: web.Request) -> web.Response:
        left = int(request.match_info["left"])
        target = f"/forward/{left - 1}" if left > 1 else "/pods"
        raise web.HTTPFound(target)

    async def zipped(self, request: web.Request) -> web.Response:
        headers = {"Content-Encoding": "gzip"}
        return web.Response(body=gzip.compress(self.body), headers=headers)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    serving = Server()
    app = web.Application()
    app.router.add_get("/pods", serving.pods)
    app.router.add_get("/zipped", serving.zipped)
    app.router.add_get("/forward/{left}", serving.forward)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    serving.address = f"http://{host}:{port}"
    yield serving
    await runner.cleanup()


@dataclass
class Seen:
    snapshots: list[Snapshot] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)
        self.news.set()

    async def until(self, holds: Callable[[Snapshot], bool]) -> Snapshot:
        async with asyncio.timeout(5):
            while not (self.snapshots and holds(self.snapshots[-1])):
                self.news.clear()
                await self.news.wait()
        return self.snapshots[-1]


@contextlib.asynccontextmanager
async def following(
    address: str, root: Path, *, headers: dict[str, tuple[str, ...]] | None = None
) -> AsyncIterator[Seen]:
    seen = Seen()
    source = url.UrlSource(
        address,
        node_name="node1",
        read=read.read,
        publish=seen.publish,
        root_dir=root,
        times=SystemClock(),
        headers=headers,
        check_frequency_s=0.02,
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(source.run(), name="source")
        try:
            yield seen
        finally:
            running.cancel()


async def test_pods_are_fetched_and_followed(server: Server, tmp_path: Path) -> None:
    async with following(f"{server.address}/pods", tmp_path) as seen:
        await seen.until(lambda each: images(each) == WEB)
        server.body = manifest(image="nginx:2")
        await seen.until(lambda each: images(each) == {"web-node1": ("nginx:2", 0)})
        assert len(seen.snapshots) == 2


async def test_every_value_of_a_header_is_sent(server: Server, tmp_path: Path) -> None:
    headers = {"X-Token": ("one", "two"), "user-agent": ("mine",)}
    async with following(f"{server.address}/pods", tmp_path, headers=headers) as seen:
        await seen.until(lambda each: images(each) == WEB)
    sent = server.requests[0].headers
    assert sent.getall("X-Token") == ["one", "two"]
    assert sent.getall("User-Agent") == ["mine"]


async def test_a_failing_url_keeps_its_pods_over_a_restart_of_the_agent(
    server: Server, tmp_path: Path
) -> None:
    address = f"{server.address}/pods"
    async with following(address, tmp_path) as seen:
        await seen.until(lambda each: images(each) == WEB)
        server.status = 503
        failed = await seen.until(lambda each: bool(each.findings))
        assert "503" in str(failed.findings[0])
        assert images(failed) == WEB
    async with following(address, tmp_path) as seen:
        await seen.until(lambda each: bool(each.findings))
        assert [images(each) for each in seen.snapshots] == [WEB, WEB]
        assert all(each.ready for each in seen.snapshots)
    async with following(f"{address}?other", tmp_path) as seen:
        await seen.until(lambda each: bool(each.findings))
        assert [images(each) for each in seen.snapshots] == [{}]


async def test_redirects_are_followed_ten_times_and_no_more(
    server: Server, tmp_path: Path
) -> None:
    async with following(f"{server.address}/forward/10", tmp_path) as seen:
        await seen.until(lambda each: images(each) == WEB)
    async with following(f"{server.address}/forward/12", tmp_path) as seen:
        failed = await seen.until(lambda each: bool(each.findings))
        assert "redirects more than 10 times" in str(failed.findings[0])


async def test_a_body_over_ten_mebibytes_is_refused(server: Server, tmp_path: Path) -> None:
    server.body = manifest() + b"#" * (10 << 20)
    async with following(f"{server.address}/pods", tmp_path) as seen:
        failed = await seen.until(lambda each: bool(each.findings))
        assert "10 MiB" in str(failed.findings[0])


async def test_a_compressed_answer_is_not_unpacked(server: Server, tmp_path: Path) -> None:
    async with following(f"{server.address}/zipped", tmp_path) as seen:
        refused = await seen.until(lambda each: bool(each.manifests))
        assert images(refused) == {}


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://me:secret@127.0.0.1:1/pods", "refused"),
        ("ftp://127.0.0.1/pods", "http"),
        ("not a url", "http"),
        ("http://127.0.0.1:99999/", "http"),
    ],
)
async def test_a_url_that_cannot_be_asked_is_told_without_secrets(
    address: str, words: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {"Authorization": ("hidden",)} if "@" not in address else None
    async with following(address, tmp_path, headers=headers) as seen:
        failed = await seen.until(lambda each: bool(each.findings))
        assert words in str(failed.findings[0]).lower()
        assert not failed.ready
        assert "secret" not in str(failed)
        assert "hidden" not in str(failed)
        assert "secret" not in caplog.text
