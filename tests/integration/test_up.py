"""`staticlet up` holds a containerd for as long as it is wanted, and leaves the pods alone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from staticlet.app import agent as agents
from staticlet.app import rootdir, serve, up
from staticlet.config.settings import Settings
from staticlet.runtime import port
from staticlet.runtime.cri import channel, runtime
from staticlet.runtime.managed import pause, process
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing import ports


@pytest.fixture
def base() -> Iterator[Path]:
    with containerd_of_ours.own_place() as place:
        yield place


def options(base: Path, *, stop_pods: bool = False) -> up.Up:
    network = containerd_of_ours.network_below(base)
    return up.Up(data_dir=base / "d", run_dir=base / "r", stop_pods=stop_pods, network=network)


def settings(base: Path) -> Settings:
    return Settings(node_name="node", static_pod_path=base / "manifests")


class Agent:
    """Stands for the agent: makes one sandbox, once, and notes what it sees."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.ready: list[str] = []
        self.serving = asyncio.Event()

    async def serve(self, settings: Settings, stop: asyncio.Event) -> None:
        assert settings.static_pod_path is not None
        assert settings.static_pod_path.is_dir()
        async with channel.Connection(self.endpoint) as connection:
            cri = runtime.CriRuntime(connection)
            if not await cri.list_sandboxes({}):
                namespaces = port.Namespaces(network=port.NamespaceMode.NODE)
                config = port.SandboxConfig(
                    name="pod", namespace="tests", uid="1", attempt=0, namespaces=namespaces
                )
                await cri.run_sandbox(config)
            self.ready = [one.id for one in await cri.list_sandboxes({}) if one.ready]
        self.serving.set()
        await stop.wait()


async def run_once(wanted: up.Up, base: Path) -> tuple[str, ...]:
    """Up and down again; the sandboxes that were ready in between."""
    agent, stop = Agent(wanted.layout.endpoint), asyncio.Event()
    stop.set()
    await up.run(wanted, settings(base), serve=agent.serve, stop=stop)
    return tuple(agent.ready)


def containerd_pid(wanted: up.Up) -> int:
    identity = process.parse_identity(wanted.layout.pid_file.read_text())
    assert identity is not None
    return identity.pid


async def test_pods_and_their_containerd_outlive_up_and_are_adopted_by_the_next(
    base: Path,
) -> None:
    wanted = options(base)
    first = await run_once(wanted, base)
    pid = containerd_pid(wanted)
    assert process.identify(pid) is not None
    assert await run_once(wanted, base) == first
    assert containerd_pid(wanted) == pid


async def test_on_request_pods_and_containerd_end_with_up(base: Path) -> None:
    wanted = options(base, stop_pods=True)
    (sandbox,) = await run_once(wanted, base)
    assert not wanted.layout.pid_file.exists()
    assert await run_once(wanted, base) == ()  # it is still listed, but not ready any more
    assert sandbox


async def test_a_containerd_that_dies_is_started_again_and_its_pods_go_on(base: Path) -> None:
    wanted = options(base)
    agent, stop = Agent(wanted.layout.endpoint), asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(up.run(wanted, settings(base), serve=agent.serve, stop=stop), name="up")
        await agent.serving.wait()
        first = containerd_pid(wanted)
        os.kill(first, signal.SIGKILL)
        async with channel.Connection(wanted.layout.endpoint) as connection:
            cri = runtime.CriRuntime(connection)
            await answering(cri, wanted, other_than=first)
            ready = [one.id for one in await cri.list_sandboxes({}) if one.ready]
        assert ready == agent.ready
        stop.set()


async def test_an_api_server_runs_beside_the_agent_and_ends_with_up(base: Path) -> None:
    wanted = replace(options(base), api_port=ports.free())
    assert wanted.api is not None
    agent, stop = Agent(wanted.layout.endpoint), asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(up.run(wanted, settings(base), serve=agent.serve, stop=stop), name="up")
        await agent.serving.wait()
        assert not wanted.api.places.node_conf.exists()  # nobody waited for it
        while not wanted.api.places.node_conf.exists():  # noqa: ASYNC110  a file
            await asyncio.sleep(0.01)
        identity = process.parse_identity(wanted.api.pid_file.read_text())
        assert identity is not None
        stop.set()
    assert process.find(identity) is None
    assert process.identify(containerd_pid(wanted)) is not None


async def answering(cri: runtime.CriRuntime, wanted: up.Up, *, other_than: int) -> None:
    """Wait until another containerd than that with the pid answers."""
    while True:
        try:
            if containerd_pid(wanted) != other_than:
                await cri.version()
                return
        except port.RuntimeFault:
            pass  # it is only starting
        await asyncio.sleep(0.01)


async def test_a_second_up_on_the_same_directories_is_refused(base: Path) -> None:
    wanted = options(base)
    agent, stop = Agent(wanted.layout.endpoint), asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(up.run(wanted, settings(base), serve=agent.serve, stop=stop), name="up")
        await agent.serving.wait()
        with pytest.raises(up.CannotUp, match=rf"runs already with .* \(pid {os.getpid()}\)"):
            await run_once(wanted, base)
        stop.set()


async def test_an_agent_on_the_root_directory_of_up_is_refused(base: Path) -> None:
    wanted, stop = options(base, stop_pods=True), asyncio.Event()
    (root,) = up.flags(wanted, {})["root-dir"]
    own = replace(settings(base), root_dir=Path(root), runtime_endpoint=wanted.layout.endpoint)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(up.run(wanted, own, serve=serve.serve_agent, stop=stop), name="up")
        while not (own.root_dir / agents.SOCKET_NAME).exists():  # noqa: ASYNC110  a file
            await asyncio.sleep(0.01)
        with pytest.raises(rootdir.CannotStart, match=rf"another agent \(pid {os.getpid()}\)"):
            await serve.serve_agent(own, asyncio.Event())
        stop.set()


async def test_a_fault_of_the_agent_passes_as_it_is_and_leaves_the_pods(base: Path) -> None:
    wanted = options(base)

    async def fail(_: Settings, __: asyncio.Event) -> None:
        raise ValueError("the agent's own words")

    with pytest.raises(ValueError, match="own words"):
        await up.run(wanted, settings(base), serve=fail, stop=asyncio.Event())
    assert process.identify(containerd_pid(wanted)) is not None


async def test_what_keeps_containerd_from_starting_is_told_in_its_own_words(base: Path) -> None:
    wanted = options(base)
    wanted.layout.run_dir.mkdir()
    wanted.layout.socket.mkdir()  # where the socket should be
    with pytest.raises(up.CannotUp, match=r"containerd ended with status 1: .*is a directory"):
        await run_once(wanted, base)


async def test_a_pause_image_is_there_without_any_pull(base: Path) -> None:
    wanted = options(base, stop_pods=True)
    await run_once(wanted, base)
    record = wanted.layout.imported.read_text()
    assert pause.REF in record
