"""What every runtime behind the port does: the same cases for the fake and for a real containerd.

The cases follow what CRI validation suites ask of sandboxes, containers and images.
"""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from staticlet.aio import clock
from staticlet.runtime import port
from staticlet.runtime.cri import channel, images, runtime
from staticlet.testing import builders, fake_runtime
from staticlet.wire import crilog

if TYPE_CHECKING:
    from staticlet.testing import containerd as containerd_of_ours

EXITED = port.ContainerState.EXITED
RUNNING = port.ContainerState.RUNNING
CREATED = port.ContainerState.CREATED


@dataclass
class World:
    """A runtime, its images, and short ways to say what the cases say often."""

    runtime: port.Runtime
    images: port.Images
    logs: pathlib.Path
    sandboxes: list[str] = field(default_factory=list)

    async def sandbox(
        self, name: str = "web", *, attempt: int = 0
    ) -> tuple[str, port.SandboxConfig]:
        config = builders.sandbox_config(name, attempt=attempt, log_directory=str(self.logs))
        sandbox_id = await self.runtime.run_sandbox(config)
        self.sandboxes.append(sandbox_id)
        return sandbox_id, config

    async def created(
        self, command: tuple[str, ...] = builders.FOREVER, *, attempt: int = 0
    ) -> str:
        sandbox_id, config = await self.sandbox()
        container = builders.container_of(config, command=command, attempt=attempt)
        return await self.runtime.create_container(sandbox_id, container, config)

    async def running(self, command: tuple[str, ...] = builders.FOREVER) -> str:
        container_id = await self.created(command)
        await self.runtime.start_container(container_id)
        return container_id

    async def reach(self, container_id: str, state: port.ContainerState) -> port.ContainerStatus:
        async with asyncio.timeout(10):
            while True:
                status = await self.runtime.container_status(container_id, verbose=True)
                if status.state is state:
                    return status
                await asyncio.sleep(0.01)


@pytest.fixture(
    params=["fake", "fake with events", pytest.param("containerd", marks=pytest.mark.containerd)]
)
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """The endpoint of the real runtime, or the kind of fake."""
    if request.param.startswith("fake"):
        yield request.param
    else:
        real: containerd_of_ours.Containerd = request.getfixturevalue("containerd")
        yield real.endpoint


@pytest.fixture
async def world(endpoint: str, tmp_path: pathlib.Path) -> AsyncIterator[World]:
    """A runtime that holds nothing of the cases before."""
    if endpoint.startswith("fake"):
        fake = fake_runtime.FakeRuntime(clock.SystemClock(), write_logs=True)
        fake.has_events = endpoint == "fake with events"
        yield World(fake, fake.images, tmp_path)
        return
    async with channel.Connection(endpoint) as connection:
        real = World(runtime.CriRuntime(connection), images.CriImages(connection), tmp_path)
        yield real
        for sandbox_id in real.sandboxes:
            await real.runtime.remove_sandbox(sandbox_id)


# The runtime itself


async def test_a_runtime_says_who_it_is_and_that_it_is_ready(world: World) -> None:
    version = await world.runtime.version()
    assert version.api_version == "v1"
    assert version.name
    assert version.version
    ready = {each.type: each.status for each in await world.runtime.conditions()}
    assert ready["RuntimeReady"] is True
    assert "NetworkReady" in ready
    assert await world.runtime.cgroup_driver() in (None, "systemd", "cgroupfs")


# Sandboxes


async def test_a_sandbox_that_runs_is_ready_and_as_it_was_asked_for(world: World) -> None:
    sandbox_id, config = await world.sandbox()
    status = await world.runtime.sandbox_status(sandbox_id, verbose=True)
    assert status.sandbox.id == sandbox_id
    assert status.sandbox.ready is True
    assert (status.sandbox.name, status.sandbox.namespace) == (config.name, config.namespace)
    assert (status.sandbox.uid, status.sandbox.attempt) == (config.uid, 0)
    assert status.sandbox.labels == config.labels
    assert status.sandbox.created_at_ns > 1_700_000_000_000_000_000
    assert status.network is port.NamespaceMode.NODE
    assert status.ips == ()
    assert status.pid is not None


async def test_only_a_verbose_status_tells_the_pid(world: World) -> None:
    sandbox_id, _ = await world.sandbox()
    assert (await world.runtime.sandbox_status(sandbox_id)).pid is None


async def test_a_sandbox_with_the_name_and_attempt_of_another_is_refused(world: World) -> None:
    sandbox_id, config = await world.sandbox()
    with pytest.raises(port.RuntimeFault, match=f"reserved for .*{sandbox_id}"):
        await world.runtime.run_sandbox(config)
    await world.sandbox(attempt=1)


async def test_an_unknown_runtime_handler_is_refused_by_name(world: World) -> None:
    config = builders.sandbox_config("handled")
    with pytest.raises(port.RuntimeFault, match="no-such-handler"):
        await world.runtime.run_sandbox(config, handler="no-such-handler")
    assert await world.runtime.list_sandboxes(config.labels) == ()


async def test_sandboxes_are_listed_by_label_and_attempt(world: World) -> None:
    first, config = await world.sandbox("one")
    second, _ = await world.sandbox("one", attempt=1)
    other, _ = await world.sandbox("two")
    listed = await world.runtime.list_sandboxes({"io.kubernetes.pod.name": "one"})
    assert {each.id: each.attempt for each in listed} == {first: 0, second: 1}
    assert all(each.labels == config.labels and each.ready for each in listed)
    everything = {each.id for each in await world.runtime.list_sandboxes({})}
    assert everything == {first, second, other}
    assert await world.runtime.list_sandboxes({"io.kubernetes.pod.name": "three"}) == ()
    two_labels = {"io.kubernetes.pod.name": "one", "io.kubernetes.pod.namespace": "other"}
    assert await world.runtime.list_sandboxes(two_labels) == ()


async def test_a_stopped_sandbox_is_not_ready_and_stays_listed(world: World) -> None:
    sandbox_id, config = await world.sandbox()
    await world.runtime.stop_sandbox(sandbox_id)
    status = await world.runtime.sandbox_status(sandbox_id, verbose=True)
    assert status.sandbox.ready is False
    assert status.pid is None
    (listed,) = await world.runtime.list_sandboxes(config.labels)
    assert listed.ready is False


async def test_stopping_a_sandbox_kills_what_runs_in_it(world: World) -> None:
    container_id = await world.running(builders.STUBBORN)
    await world.runtime.stop_sandbox(world.sandboxes[0])
    status = await world.runtime.container_status(container_id)
    assert (status.state, status.exit_code) == (EXITED, 137)


async def test_nothing_is_created_in_a_stopped_sandbox(world: World) -> None:
    sandbox_id, config = await world.sandbox()
    await world.runtime.stop_sandbox(sandbox_id)
    with pytest.raises(port.RuntimeFault):
        await world.runtime.create_container(sandbox_id, builders.container_of(config), config)


async def test_removing_a_sandbox_takes_its_containers_even_running_ones(world: World) -> None:
    container_id = await world.running()
    await world.runtime.remove_sandbox(world.sandboxes[0])
    assert await world.runtime.list_sandboxes({}) == ()
    assert await world.runtime.list_containers({}) == ()
    with pytest.raises(port.NotFound):
        await world.runtime.container_status(container_id)


async def test_a_removed_sandbox_gives_its_name_and_attempt_back(world: World) -> None:
    sandbox_id, _ = await world.sandbox()
    await world.runtime.remove_sandbox(sandbox_id)
    again, _ = await world.sandbox()
    assert again != sandbox_id


async def test_stopping_and_removing_a_sandbox_twice_is_no_error(world: World) -> None:
    sandbox_id, _ = await world.sandbox()
    await world.runtime.stop_sandbox(sandbox_id)
    await world.runtime.stop_sandbox(sandbox_id)
    await world.runtime.remove_sandbox(sandbox_id)
    await world.runtime.remove_sandbox(sandbox_id)
    await world.runtime.stop_sandbox(sandbox_id)


# Containers


async def test_a_created_container_has_not_started(world: World) -> None:
    container_id = await world.created()
    status = await world.runtime.container_status(container_id, verbose=True)
    assert (status.id, status.name, status.attempt) == (container_id, "main", 0)
    assert status.state is CREATED
    assert status.created_at_ns > 1_700_000_000_000_000_000
    assert (status.started_at_ns, status.finished_at_ns, status.exit_code) == (0, 0, 0)
    assert status.image in (builders.BUSYBOX, "localhost/busybox:1")  # any name of the image
    assert status.image_ref
    assert status.pid is None
    assert status.labels["io.kubernetes.container.name"] == "main"


async def test_a_started_container_runs_with_a_pid_and_a_start_time(world: World) -> None:
    container_id = await world.running()
    status = await world.runtime.container_status(container_id, verbose=True)
    assert status.state is RUNNING
    assert status.started_at_ns >= status.created_at_ns
    assert status.finished_at_ns == 0
    assert status.pid is not None
    assert (await world.runtime.container_status(container_id)).pid is None


async def test_starting_a_container_twice_is_refused(world: World) -> None:
    container_id = await world.running()
    with pytest.raises(port.RuntimeFault, match="CONTAINER_RUNNING"):
        await world.runtime.start_container(container_id)


async def test_a_container_that_ended_cannot_be_started_again(world: World) -> None:
    container_id = await world.running(builders.SUCCEEDS)
    await world.reach(container_id, EXITED)
    with pytest.raises(port.RuntimeFault, match="CONTAINER_EXITED"):
        await world.runtime.start_container(container_id)


async def test_a_container_with_the_name_and_attempt_of_another_is_refused(world: World) -> None:
    container_id = await world.created()
    config = builders.sandbox_config(log_directory=str(world.logs))
    sandbox_id = world.sandboxes[0]
    with pytest.raises(port.RuntimeFault, match=f"reserved for .*{container_id}"):
        await world.runtime.create_container(sandbox_id, builders.container_of(config), config)
    second = builders.container_of(config, attempt=1)
    await world.runtime.create_container(sandbox_id, second, config)


async def test_a_container_of_an_absent_image_is_not_found(world: World) -> None:
    sandbox_id, config = await world.sandbox()
    container = builders.container_of(config, image="localhost/absent:1")
    with pytest.raises(port.NotFound, match="localhost/absent:1"):
        await world.runtime.create_container(sandbox_id, container, config)


async def test_an_end_by_itself_is_seen_with_its_code_and_times(world: World) -> None:
    container_id = await world.running(builders.FAILS)
    status = await world.reach(container_id, EXITED)
    assert (status.exit_code, status.reason) == (3, "Error")
    assert status.created_at_ns <= status.started_at_ns <= status.finished_at_ns
    assert status.pid is None


async def test_an_end_with_zero_is_completed(world: World) -> None:
    container_id = await world.running(builders.SUCCEEDS)
    status = await world.reach(container_id, EXITED)
    assert (status.exit_code, status.reason) == (0, "Completed")


async def test_a_command_that_does_not_exist_fails_to_start_with_128(world: World) -> None:
    container_id = await world.created(builders.ABSENT)
    with pytest.raises(port.RuntimeFault, match="/no/such/program"):
        await world.runtime.start_container(container_id)
    status = await world.runtime.container_status(container_id)
    assert (status.state, status.exit_code) == (EXITED, 128)
    assert status.reason == "StartError"
    assert "/no/such/program" in status.message
    assert status.started_at_ns == 0
    assert status.finished_at_ns > 0


async def test_stopping_ends_a_container_that_obeys_with_its_own_code(world: World) -> None:
    container_id = await world.running()
    async with asyncio.timeout(5):
        await world.runtime.stop_container(container_id, grace_s=30)
    status = await world.runtime.container_status(container_id)
    # The shell may get TERM before its trap is set: it then dies of the signal, also 143.
    assert (status.state, status.exit_code) == (EXITED, 143)


async def test_stopping_kills_after_the_grace(world: World) -> None:
    container_id = await world.running(builders.STUBBORN)
    await asyncio.sleep(0.3)  # the shell sets its trap
    began = asyncio.get_running_loop().time()
    await world.runtime.stop_container(container_id, grace_s=1)
    took = asyncio.get_running_loop().time() - began
    status = await world.runtime.container_status(container_id)
    assert (status.state, status.exit_code) == (EXITED, 137)
    assert 0.9 < took < 5


async def test_stopping_without_grace_kills_at_once(world: World) -> None:
    container_id = await world.running()
    await world.runtime.stop_container(container_id, grace_s=0)
    status = await world.runtime.container_status(container_id)
    assert (status.state, status.exit_code) == (EXITED, 137)


async def test_stopping_what_does_not_run_is_no_error(world: World) -> None:
    container_id = await world.created()
    await world.runtime.stop_container(container_id, grace_s=1)
    assert (await world.runtime.container_status(container_id)).state is CREATED
    await world.runtime.start_container(container_id)
    await world.runtime.stop_container(container_id, grace_s=0)
    await world.runtime.stop_container(container_id, grace_s=0)


async def test_stopping_that_is_given_up_leaves_the_container_be(world: World) -> None:
    container_id = await world.running(builders.STUBBORN)
    await asyncio.sleep(0.3)  # the shell sets its trap
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await world.runtime.stop_container(container_id, grace_s=1)
    await asyncio.sleep(1.2)
    assert (await world.runtime.container_status(container_id)).state is RUNNING


async def test_removing_kills_a_running_container(world: World) -> None:
    container_id = await world.running(builders.STUBBORN)
    await world.runtime.remove_container(container_id)
    assert await world.runtime.list_containers({}) == ()
    await world.runtime.remove_container(container_id)
    await world.runtime.stop_container(container_id, grace_s=1)


async def test_containers_are_listed_by_label_with_their_state_and_sandbox(world: World) -> None:
    sandbox_id, config = await world.sandbox()
    ids = {}
    for name in ("one", "two"):
        container = builders.container_of(config, name)
        ids[name] = await world.runtime.create_container(sandbox_id, container, config)
    await world.runtime.start_container(ids["two"])
    listed = await world.runtime.list_containers({"io.kubernetes.pod.name": "web"})
    assert {each.id: each.state for each in listed} == {ids["one"]: CREATED, ids["two"]: RUNNING}
    (one,) = await world.runtime.list_containers({"io.kubernetes.container.name": "one"})
    assert (one.name, one.sandbox_id, one.attempt) == ("one", sandbox_id, 0)
    assert one.image == builders.BUSYBOX
    assert one.created_at_ns > 0
    assert one.labels["io.kubernetes.container.name"] == "one"


async def test_the_output_is_in_the_log_file_in_cri_format(world: World) -> None:
    container_id = await world.running(builders.FAILS)
    status = await world.reach(container_id, EXITED)
    path = world.logs / "main" / "0.log"
    assert status.log_path == str(path)
    entries = [crilog.parse(line) for line in path.read_bytes().splitlines()]
    assert [(e.stream, e.partial, e.text) for e in entries] == [
        ("stdout", False, b"hello"),
        ("stderr", False, b"oops"),
    ]
    assert all(abs(e.at_ns - status.finished_at_ns) < 60_000_000_000 for e in entries)


async def test_only_a_running_container_reopens_its_log(world: World) -> None:
    container_id = await world.running()
    await world.runtime.reopen_log(container_id)
    await world.runtime.stop_container(container_id, grace_s=0)
    with pytest.raises(port.RuntimeFault, match="not running"):
        await world.runtime.reopen_log(container_id)


async def test_unknown_ids_are_not_found(world: World) -> None:
    unknown = "f" * 64
    with pytest.raises(port.NotFound):
        await world.runtime.sandbox_status(unknown)
    with pytest.raises(port.NotFound):
        await world.runtime.container_status(unknown)
    with pytest.raises(port.NotFound):
        await world.runtime.start_container(unknown)
    with pytest.raises(port.NotFound):
        await world.runtime.reopen_log(unknown)
    config = builders.sandbox_config()
    with pytest.raises(port.NotFound):
        await world.runtime.create_container(unknown, builders.container_of(config), config)


async def test_ending_what_is_unknown_is_no_error(world: World) -> None:
    unknown = "f" * 64
    await world.runtime.stop_sandbox(unknown)
    await world.runtime.remove_sandbox(unknown)
    await world.runtime.stop_container(unknown, grace_s=1)
    await world.runtime.remove_container(unknown)


async def test_events_tell_that_a_container_ended_or_are_not_supported(world: World) -> None:
    async def ends() -> set[str]:
        ended = set()
        async with contextlib.aclosing(world.runtime.events()) as events:
            async for event in events:
                if event.type is port.EventType.STOPPED:
                    ended.add(event.container_id)
                    break
        return ended

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        follower = group.create_task(unless_unsupported(ends()), name="follow events")
        await asyncio.sleep(0.05)
        container_id = await world.running(builders.SUCCEEDS)
    assert follower.result() in (None, {container_id})


async def unless_unsupported(following: Awaitable[set[str]]) -> set[str] | None:
    """What was seen; None where the runtime has no events."""
    try:
        return await following
    except port.Unsupported:
        return None


# Images


async def test_an_image_is_found_by_name_and_by_id(world: World) -> None:
    image = await world.images.image_status(builders.BUSYBOX)
    assert image is not None
    assert builders.BUSYBOX in image.tags
    assert image.size_bytes > 0
    assert (image.uid, image.username) == (None, "")
    assert await world.images.image_status(image.id) == image
    assert image in await world.images.list_images()


async def test_an_image_that_is_absent_is_none(world: World) -> None:
    assert await world.images.image_status("localhost/absent:1") is None


async def test_a_pull_that_fails_names_the_image(world: World) -> None:
    with pytest.raises(port.RuntimeFault, match="localhost/absent:1"):
        await world.images.pull("localhost/absent:1")
