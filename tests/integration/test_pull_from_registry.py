"""Pulls through a real containerd from a real registry on loopback."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from staticlet.config import settings
from staticlet.pods.images import credentials, puller
from staticlet.pods.images.view import ImageView, Request, State
from staticlet.runtime.cri import channel, images
from staticlet.runtime.managed import ociimage
from staticlet.testing import registry as real
from staticlet.testing.containerd import Containerd

_numbers = itertools.count()


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


class Counted(images.CriImages):
    """The real adapter, which counts its pulls."""

    pulls = 0

    async def pull(self, ref, *, auth=None, sandbox=None):
        self.pulls += 1
        return await super().pull(ref, auth=auth, sandbox=sandbox)


class Bench:
    """A puller on the real containerd."""

    def __init__(self, found: images.CriImages, docker: Path) -> None:
        self.images = found
        self.clock = HandClock()
        self.events: list[tuple[str, ...]] = []
        self.warnings: list[str] = []
        self.woken = asyncio.Event()
        self.puller = puller.Puller(
            found,
            settings.Settings(node_name="n"),
            time=self.clock,
            lookup=credentials.Files([docker], warn=self.warnings.append),
            record=lambda *event: self.events.append(event),
        )

    async def answer(self, ref: str, policy: str = "IfNotPresent", start: int = 0) -> ImageView:
        """Ask as a worker does, until there is an answer."""
        request = Request(owner="uid", container="c", image=ref, policy=policy, start=start)
        async with asyncio.timeout(20):
            while True:
                self.woken.clear()
                view = self.puller.need(request, self.woken.set)
                if view.state not in (State.WAITING, State.PULLING) and not self._due(view):
                    return view
                await self.woken.wait()

    def _due(self, view: ImageView) -> bool:
        return view.until is not None and view.until <= self.clock.seconds


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[real.Registry]:
    with real.running(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture(scope="module")
def secured_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[real.Registry]:
    with real.running(tmp_path_factory.mktemp("secured"), secured=True) as registry:
        yield registry


@pytest.fixture
async def bench(containerd: Containerd, tmp_path: Path) -> AsyncIterator[Bench]:
    async with channel.Connection(containerd.endpoint) as connection:
        bench = Bench(Counted(connection), tmp_path / "config.json")
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(bench.puller.run())
            yield bench
            task.cancel()


def image(content: str) -> bytes:
    """A small image with this content."""
    files: dict[str, ociimage.Entry] = {"hello": ociimage.File(data=content.encode())}
    arch = ociimage.architecture(os.uname().machine)
    run = ociimage.Run(cmd=("/hello",), user="1000")
    return ociimage.image_archive(("x:1",), files, run=run, arch=arch)


def fresh(registry: real.Registry, content: str = "hello") -> str:
    """A newly pushed image that containerd has never seen; its reference."""
    return registry.push(f"app{next(_numbers)}:1", image(content))


def docker_config(path: Path, **passwords: str) -> None:
    """Write credentials: password by registry or path."""
    entries = {key: {"username": real.USER, "password": word} for key, word in passwords.items()}
    (path / "config.json").write_text(json.dumps({"auths": entries}))


async def test_an_absent_image_is_pulled_and_its_user_is_known(open_registry, bench):
    ref = fresh(open_registry)
    view = await bench.answer(ref)
    assert view.state is State.PRESENT
    assert view.image.id.startswith("sha256:")
    assert view.image.uid == 1000
    assert [event[3] for event in bench.events] == ["Pulling", "Pulled"]
    assert f"Image size: {view.image.size_bytes} bytes." in bench.events[1][4]


async def test_a_present_image_needs_no_registry(open_registry, bench):
    ref = fresh(open_registry)
    await bench.answer(ref)
    open_registry.stop()
    try:
        again = await bench.answer(ref, start=1)
    finally:
        open_registry.start()
    assert again.state is State.PRESENT
    assert bench.images.pulls == 1


async def test_always_gets_what_the_tag_means_now(open_registry, bench):
    ref = fresh(open_registry, "old")
    first = await bench.answer(ref, "Always", start=0)
    open_registry.push(ref.partition("/")[2], image("new"))
    same = await bench.answer(ref, "Always", start=0)
    second = await bench.answer(ref, "Always", start=1)
    assert first.image.id == same.image.id != second.image.id


async def test_never_does_not_ask_the_registry(open_registry, bench):
    view = await bench.answer(fresh(open_registry), "Never")
    assert (view.state, view.reason) == (State.FAILED, "ErrImageNeverPull")
    assert bench.images.pulls == 0


async def test_a_digest_is_pulled_as_it_is(open_registry, bench):
    view = await bench.answer(fresh(open_registry, "only here"))
    (digest,) = view.image.digests
    assert (await bench.answer(digest, "Always")).image.id == view.image.id


async def test_a_missing_tag_is_told_with_the_registrys_words_and_tried_again(
    open_registry, bench
):
    ref = fresh(open_registry) + "-missing"
    view = await bench.answer(ref)
    why = f'failed to pull image "{ref}": registry {open_registry.host} said: not found'
    assert (view.state, view.reason) == (State.BACKOFF, "ImagePullBackOff")
    assert view.message == f'Back-off pulling image "{ref}": ErrImagePull: {why}'
    assert (await bench.answer(ref)).until == 1010
    assert bench.images.pulls == 1
    bench.clock.seconds = 1010
    assert (await bench.answer(ref)).state is State.BACKOFF
    assert bench.images.pulls == 2
    open_registry.push(ref.partition("/")[2], image("late"))
    bench.clock.seconds = 1029
    assert (await bench.answer(ref)).state is State.BACKOFF
    bench.clock.seconds = 1030
    assert (await bench.answer(ref)).state is State.PRESENT
    assert bench.images.pulls == 3


async def test_a_registry_that_is_down_is_named(open_registry, bench):
    ref = fresh(open_registry)
    open_registry.stop()
    try:
        view = await bench.answer(ref)
    finally:
        open_registry.start()
    assert f"cannot reach registry {open_registry.host}: dial tcp" in view.message
    assert view.message.endswith("connect: connection refused")


async def test_a_secured_registry_refuses_who_has_no_credentials(secured_registry, bench):
    view = await bench.answer(fresh(secured_registry))
    assert f"registry {secured_registry.host} said: " in view.message
    assert "401 Unauthorized" in view.message
    assert view.message.endswith("(without credentials)")


async def test_credentials_of_the_docker_config_file_open_a_secured_registry(
    secured_registry, bench, tmp_path
):
    docker_config(tmp_path, **{secured_registry.host: real.PASSWORD})
    view = await bench.answer(fresh(secured_registry))
    assert view.state is State.PRESENT
    assert not bench.warnings


async def test_a_wrong_password_is_told_with_its_file_and_without_itself(
    secured_registry, bench, tmp_path
):
    docker_config(tmp_path, **{secured_registry.host: "wrong-password"})
    view = await bench.answer(fresh(secured_registry))
    assert f"registry {secured_registry.host} said: " in view.message
    assert "401 Unauthorized" in view.message
    assert view.message.endswith(f"(with the credentials of {tmp_path / 'config.json'})")
    assert "wrong-password" not in view.message


async def test_the_next_credential_is_tried_when_one_is_refused(secured_registry, bench, tmp_path):
    ref = fresh(secured_registry)
    deep = ref.rpartition(":")[0]
    docker_config(tmp_path, **{deep: "wrong", secured_registry.host: real.PASSWORD})
    assert (await bench.answer(ref)).state is State.PRESENT
    assert bench.images.pulls == 2


async def test_a_mended_password_works_at_the_next_try(secured_registry, bench, tmp_path):
    ref = fresh(secured_registry)
    docker_config(tmp_path, **{secured_registry.host: "wrong"})
    assert (await bench.answer(ref)).state is State.BACKOFF
    docker_config(tmp_path, **{secured_registry.host: real.PASSWORD})
    bench.clock.seconds += 10
    assert (await bench.answer(ref)).state is State.PRESENT
