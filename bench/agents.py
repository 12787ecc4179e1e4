"""Starting what is measured: our agent, or a kubelet given by path, in a place of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import kubelets

START_S = 60.0
STOP_S = 20.0
PYTHON = sys.executable
POLL_S = 0.2


class DidNotStart(Exception):
    """An agent ended at once, or never became ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an agent works.

    Attributes:
        base: A directory of its own.
        endpoint: Its runtime.
        kubelet: The version of the kubelet that works there; None for an agent of ours.
    """

    base: Path
    endpoint: str
    kubelet: tuple[int, int] | None = None

    @property
    def manifests(self) -> Path:
        """The manifest directory."""
        return self.base / "manifests"

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.base / "log"

    @property
    def root(self) -> Path:
        """Its root directory."""
        return self.base / "root"


def ours(place: Place, *, starts: int | None = None) -> tuple[str, ...]:
    """The command line of our agent; `starts` is another bound of starts at once."""
    program = ("staticlet",) if starts is None else ("bench.bounded", str(starts))
    return (PYTHON, "-m", *program, "run", *_common(place))


def kubelet(place: Place, binary: Path) -> tuple[str, ...]:
    """The command line of a kubelet in standalone mode."""
    more = kubelets.flags(place.kubelet, place.endpoint) if place.kubelet else ()
    return (str(binary), *_common(place), *more)


def configuration(place: Place) -> dict[str, object]:
    """A KubeletConfiguration for a machine without an API server, for ours or a kubelet.

    Nothing is evicted or collected: a full disk is not what is measured. Every pod has cgroups
    only where the runtime makes them, since a container may have no right to make others.
    """
    common: dict[str, object] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "staticPodPath": str(place.manifests),
        "containerRuntimeEndpoint": place.endpoint,
        "podLogsDir": str(place.base / "logs"),
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "enableServer": False,
        "healthzPort": 0,
        "volumePluginDir": str(place.base / "plugins"),
        "registerNode": False,
        "maxPods": 1000,
        "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "1Mi"},
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
    }
    return kubelets.configuration(place.kubelet, common) if place.kubelet else common


@asynccontextmanager
async def running(place: Place, command: Sequence[str]) -> AsyncIterator[int]:
    """An agent's process, by its pid, from here to the end of the block.

    Raises:
        DidNotStart: It ended at once; the text has the end of its log.
    """
    async with spawned(place, command) as process:
        await _ready(place, process)
        yield process.pid


@asynccontextmanager
async def spawned(
    place: Place, command: Sequence[str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """An agent's process from its very start to the end of the block."""
    place.manifests.mkdir(parents=True, exist_ok=True)
    (place.base / "config.yaml").write_text(json.dumps(configuration(place)))
    with place.log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=output, stderr=asyncio.subprocess.STDOUT
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await _ended(process)


async def _ready(place: Place, process: asyncio.subprocess.Process) -> None:
    """Wait until it works in its root directory, and a moment more for its first look."""
    for _ in range(int(START_S / POLL_S)):
        await asyncio.sleep(POLL_S)
        if process.returncode is not None:
            end = place.log.read_text(errors="replace")[-2000:]
            raise DidNotStart(f"ended with {process.returncode}:\n{end}")
        if place.root.is_dir() and any(place.root.iterdir()):
            await asyncio.sleep(3.0)
            return
    raise DidNotStart(f"not at work after {START_S:g} s; see {place.log}")


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _common(place: Place) -> tuple[str, ...]:
    return (
        *("--config", str(place.base / "config.yaml")),
        *("--root-dir", str(place.root)),
        *("--hostname-override", "bench"),
    )
