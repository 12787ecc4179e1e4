"""What tests can order from the fakes; how they behave as a runtime is in the contract suite."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from staticlet.runtime import port
from staticlet.testing import builders, fake_images, fake_runtime, fakes


async def running(fake: fake_runtime.FakeRuntime, name: str = "web") -> str:
    config = builders.sandbox_config(name)
    sandbox_id = await fake.run_sandbox(config)
    container_id = await fake.create_container(sandbox_id, builders.container_of(config), config)
    await fake.start_container(container_id)
    return container_id


@pytest.fixture
def clock() -> fakes.ManualClock:
    return fakes.ManualClock()


@pytest.fixture
def fake(clock: fakes.ManualClock) -> fake_runtime.FakeRuntime:
    return fake_runtime.FakeRuntime(clock)


async def test_a_container_ends_when_the_test_says_so(
    fake: fake_runtime.FakeRuntime, clock: fakes.ManualClock
) -> None:
    container_id = await running(fake)
    assert fake.running() == ["web/main"]
    clock.advance(60)
    fake.exit(container_id, code=137, reason="OOMKilled")
    status = await fake.container_status(container_id)
    assert (status.exit_code, status.reason) == (137, "OOMKilled")
    assert status.finished_at_ns == fakes.nanoseconds(clock.now())
    assert fake.running() == []


async def test_a_call_fails_as_often_as_ordered(fake: fake_runtime.FakeRuntime) -> None:
    fake.trouble.fail("run_sandbox", port.RuntimeFault("no space left"), times=2)
    for _ in range(2):
        with pytest.raises(port.RuntimeFault, match="no space left"):
            await running(fake)
    await running(fake)
    assert fake.trouble.about("run_sandbox") == ["web", "web", "web"]


async def test_nothing_answers_while_the_fake_is_down_but_containers_go_on(
    fake: fake_runtime.FakeRuntime,
) -> None:
    container_id = await running(fake)
    fake.trouble.go_down()
    with pytest.raises(port.Unavailable):
        await fake.list_containers({})
    with pytest.raises(port.Unavailable):
        await fake.images.list_images()
    fake.exit(container_id, code=3)
    fake.trouble.come_back()
    assert (await fake.container_status(container_id)).exit_code == 3


@pytest.mark.looptime
async def test_a_call_under_way_fails_when_the_fake_goes_down(
    fake: fake_runtime.FakeRuntime,
) -> None:
    fake.programs[builders.FOREVER] = fakes.Program(on_term=None)
    container_id = await running(fake)
    async with asyncio.TaskGroup() as group:
        stop = group.create_task(ending(fake, container_id), name="the stop")
        await asyncio.sleep(1)
        fake.trouble.go_down()
    assert isinstance(stop.result(), port.Unavailable)
    assert fake.running() == ["web/main"]


async def ending(fake: fake_runtime.FakeRuntime, container_id: str) -> Exception | None:
    try:
        await fake.stop_container(container_id, grace_s=30)
    except port.RuntimeFault as fault:
        return fault
    return None


@pytest.mark.looptime
async def test_calls_take_the_time_that_was_ordered(fake: fake_runtime.FakeRuntime) -> None:
    fake.trouble.delay("run_sandbox", 7)
    began = asyncio.get_running_loop().time()
    await running(fake)
    assert asyncio.get_running_loop().time() - began == pytest.approx(7, abs=0.01)


@pytest.mark.looptime
async def test_a_program_takes_its_time_to_obey_term() -> None:
    fake = fake_runtime.FakeRuntime(fakes.LoopClock())
    fake.programs[builders.FOREVER] = fakes.Program(on_term=0, term_s=4)
    container_id = await running(fake)
    await fake.stop_container(container_id, grace_s=30)
    status = await fake.container_status(container_id)
    assert (status.exit_code, status.reason) == (0, "Completed")
    took_ns = status.finished_at_ns - status.started_at_ns
    assert took_ns / 1e9 == pytest.approx(4, abs=0.01)


async def test_times_grow_even_when_the_clock_stands(fake: fake_runtime.FakeRuntime) -> None:
    for name in ("one", "two"):
        await running(fake, name)
    created = [each.created_at_ns for each in await fake.list_containers({})]
    assert len(set(created)) == 2


async def test_events_are_told_where_the_runtime_has_them(
    fake: fake_runtime.FakeRuntime,
) -> None:
    fake.has_events = True
    seen: list[port.RuntimeEvent] = []
    async with contextlib.aclosing(fake.events()) as events, asyncio.TaskGroup() as group:
        first = group.create_task(anext(events), name="the first event")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        container_id = await running(fake)
        fake.exit(container_id, code=0)
        await fake.remove_container(container_id)
        seen.append(await first)
        seen.extend([await anext(events) for _ in range(5)])
        fake.break_events()
        with pytest.raises(port.Unavailable):
            await anext(events)
    kinds = port.EventType
    assert [each.type for each in seen if each.container_id == container_id] == [
        kinds.CREATED,
        kinds.STARTED,
        kinds.STOPPED,
        kinds.DELETED,
    ]
    assert len({each.sandbox_id for each in seen}) == 1


async def test_a_broken_sandbox_is_not_ready_while_its_containers_go_on(
    fake: fake_runtime.FakeRuntime,
) -> None:
    await running(fake)
    (sandbox,) = await fake.list_sandboxes({})
    fake.break_sandbox(sandbox.id)
    assert (await fake.sandbox_status(sandbox.id)).sandbox.ready is False
    assert fake.running() == ["web/main"]


async def test_a_pull_brings_what_a_registry_offers() -> None:
    images = fake_images.FakeImages()
    with pytest.raises(port.NotFound, match=r"example\.com/app:1"):
        await images.pull("example.com/app:1")
    images.offer("example.com/app:1", uid=1000)
    auth = port.RegistryAuth(username="me")
    image_id = await images.pull("example.com/app:1", auth=auth)
    image = await images.image_status("example.com/app:1")
    assert image is not None
    assert (image.id, image.uid) == (image_id, 1000)
    assert images.pulls[-1] == ("example.com/app:1", auth)
    images.forget("example.com/app:1")
    assert await images.image_status("example.com/app:1") is None


async def test_a_pull_waits_until_it_is_released() -> None:
    images = fake_images.FakeImages()
    images.offer("example.com/app:1")
    images.hold("example.com/app:1")
    async with asyncio.TaskGroup() as group:
        pull = group.create_task(images.pull("example.com/app:1"), name="the pull")
        for _ in range(5):
            await asyncio.sleep(0)
        assert not pull.done()
        images.release("example.com/app:1")
    assert pull.result().startswith("sha256:")
