"""An agent of one pod behind a real unix socket, and the commands that people steer it with."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner

from staticlet.aio import fanout
from staticlet.cli import main
from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import events, journal, logs, wanted
from staticlet.server import local
from staticlet.testing.until import DEADLINE_S

KEY = wanted.PodKey("default", "web-node1")
NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)


def line(text: str, minute: int = 0) -> str:
    """A line as the runtime writes it, so many minutes after midnight."""
    return f"2026-01-01T00:{minute:02d}:00Z stdout F {text}\n"


def pod(
    *,
    restarts: int = 0,
    phase: str = "Running",
    name: str = KEY.name,
    labels: Mapping[str, str] | None = None,
    ended: bool = False,
) -> core.Pod:
    """A pod with the container `main` that has lived so many times before."""
    state = core.ContainerState(running=core.ContainerStateRunning())
    if ended:
        state = core.ContainerState(
            terminated=core.ContainerStateTerminated(exitCode=3, reason="Error")
        )
    status = core.ContainerStatus(
        name="main",
        image="i",
        imageID="",
        ready=True,
        restartCount=restarts,
        containerID=f"containerd://c{restarts}",
        state=state,
    )
    return core.Pod(
        apiVersion="v1",
        kind="Pod",
        metadata=core.ObjectMeta(
            name=name,
            namespace=KEY.namespace,
            labels=None if labels is None else {**labels},
            creationTimestamp=datetime(2020, 1, 1, tzinfo=UTC),
        ),
        spec=core.PodSpec(
            containers=[core.Container(name="main", image="i")],
            initContainers=[core.Container(name="setup", image="i")],
            nodeName="node1",
        ),
        status=core.PodStatus(phase=phase, containerStatuses=[status]),
    )


class Agent:
    """An agent with one pod, whose container has written `one`, `two` and `three`.

    Args:
        directory: Where the log files lie; it is made.

    Attributes:
        changes: Closed by the test, or in the end.
        settings: What holds.
        all: Its pods.
        directory: That directory.
        life: The how-manieth life of the container this is.
        restarted: The pods that were asked to begin anew.
    """

    def __init__(self, directory: Path) -> None:
        self.changes = fanout.Fanout[wanted.PodKey]()
        self.settings = Settings(node_name="node1")
        self.all = {KEY: pod()}
        self.directory = directory
        self.life = 0
        self.restarted: list[wanted.PodKey] = []
        self._running = self._again = True
        directory.mkdir()
        self.write("one", "two", "three")

    def put(self, shown: core.Pod | None, key: wanted.PodKey = KEY) -> None:
        """Let a pod be another; None for no pod."""
        if shown is None:
            del self.all[key]
        else:
            self.all[key] = shown
        self.changes.publish(key)

    def pods(self) -> list[core.Pod]:
        """All pods."""
        return [*self.all.values()]

    def pod(self, key: wanted.PodKey) -> core.Pod | None:
        """One pod."""
        return self.all.get(key)

    def time(self) -> datetime:
        """Now: one o'clock."""
        return NOW

    def restart(self, key: wanted.PodKey) -> str:
        """Restart a pod, or say why not."""
        self.restarted.append(key)
        return "" if key == KEY else "it is being stopped, its manifest is gone"

    @property
    def path(self) -> Path:
        """The log of the present life."""
        return self.directory / f"{self.life}.log"

    def log_of(self, key: wanted.PodKey, container: str, *, previous: bool) -> logs.LogFile:
        """The log of the present or the previous life; raises logs.NotAvailable."""
        if key not in self.all:
            raise logs.Unknown(f'pod "{key.name}" does not exist')
        if container == "setup":
            raise logs.NotAvailable(
                f'container "setup" in pod "{key.name}" is waiting to start: X'
            )
        return logs.LogFile(
            path=self.directory / "previous.log" if previous else self.path,
            uid="u1",
            container_id=f"c{self.life}",
            running=self._running,
            again=self._again,
        )

    def manifests(self) -> wanted.Wanted:
        """No manifests."""
        return wanted.Wanted()

    def node(self) -> str:
        """The node's name."""
        return self.settings.node_name

    def happened(self) -> tuple[events.Event, ...]:
        """Nothing happened."""
        return ()

    def remembered(self) -> tuple[wanted.PodKey, ...]:
        """Nothing was decided."""
        return ()

    def decisions(self, key: wanted.PodKey) -> tuple[journal.Decision, ...]:
        """Nothing was decided about a pod."""
        del key
        return ()

    def write(self, *texts: str) -> None:
        """Let the container write lines."""
        with self.path.open("a") as file:
            file.write("".join(line(text) for text in texts))

    def end(self, *, again: bool = True) -> None:
        """Let the container end; whether another life follows."""
        self._running, self._again = False, again
        self.changes.publish(KEY)

    def begin(self) -> None:
        """Let its next life begin."""
        self.life += 1
        self._running = True
        self.path.touch()
        self.changes.publish(KEY)


@contextlib.asynccontextmanager
async def served(agent: Agent, path: Path) -> AsyncIterator[Path]:
    """Serve an agent on a unix socket."""
    async with local.serving(agent, path):
        yield path
        agent.changes.close()


async def said(socket: Path, *args: str) -> tuple[int, str, str]:
    """What a command prints, and its exit status first."""

    def call() -> tuple[int, str, str]:
        result = CliRunner().invoke(main.main, [*args, "--socket", str(socket)])
        return result.exit_code, result.stdout, result.stderr

    return await asyncio.to_thread(call)


class Command:
    """A command that runs on, as a process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def _printed(self) -> asyncio.StreamReader:
        if self._process.stdout is None:
            raise AssertionError("what it prints is not read")
        return self._process.stdout

    async def line(self) -> str:
        """The next line that it prints."""
        async with asyncio.timeout(DEADLINE_S):
            return (await self._printed.readline()).decode()

    async def end(self) -> tuple[int, str]:
        """Its exit status, and what else it prints."""
        async with asyncio.timeout(DEADLINE_S):
            rest = await self._printed.read()
            return await self._process.wait(), rest.decode()

    def hang_up(self) -> None:
        """Kill it."""
        self._process.kill()


@contextlib.asynccontextmanager
async def running(socket: Path, *args: str) -> AsyncIterator[Command]:
    """Run a command while the context is open."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "staticlet",
        *args,
        f"--socket={socket}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Command(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
