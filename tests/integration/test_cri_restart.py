"""A real containerd that is restarted under our feet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from staticlet.runtime import port
from staticlet.runtime.cri import channel, images, runtime
from staticlet.testing import builders
from staticlet.testing import containerd as containerd_of_ours


@pytest.fixture
def own() -> Iterator[containerd_of_ours.Containerd]:
    """A containerd that nobody else uses."""
    with containerd_of_ours.running() as running:
        yield running


@pytest.mark.containerd
@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_calls_fail_while_containerd_is_away_and_work_when_it_is_back(
    own: containerd_of_ours.Containerd, how: str
) -> None:
    async with channel.Connection(own.endpoint) as connection:
        cri = runtime.CriRuntime(connection)
        config = builders.sandbox_config()
        sandbox_id = await cri.run_sandbox(config)
        stubborn = builders.container_of(config, command=builders.STUBBORN)
        container_id = await cri.create_container(sandbox_id, stubborn, config)
        await cri.start_container(container_id)
        before = await cri.container_status(container_id, verbose=True)
        async with asyncio.TaskGroup() as group:
            under_way = group.create_task(outcome(cri, container_id), name="a long call")
            await asyncio.sleep(0.2)
            await asyncio.to_thread(getattr(own, how))
        assert isinstance(under_way.result(), port.Unavailable)
        for _ in range(3):
            with pytest.raises(port.Unavailable):
                await cri.version()
        with pytest.raises(port.Unavailable):
            await images.CriImages(connection).image_status(builders.BUSYBOX)
        await asyncio.to_thread(own.start)
        assert (await cri.version()).name == "containerd"
        after = await cri.container_status(container_id, verbose=True)
        assert (after.pid, after.state) == (before.pid, port.ContainerState.RUNNING)
        await cri.remove_sandbox(sandbox_id)


async def outcome(cri: runtime.CriRuntime, container_id: str) -> port.RuntimeFault | None:
    """What becomes of a stop with a long grace."""
    try:
        await cri.stop_container(container_id, grace_s=30)
    except port.RuntimeFault as fault:
        return fault
    return None
