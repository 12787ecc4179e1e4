"""Wiring of `staticlet up`: a containerd of our own, the agent on it, and an API server beside.

Leaving the pods running means leaving containerd running too: it reads what containers print, and
a container that prints more than a pipe holds would stand still without it. The next `up` adopts
both. Stopping the pods ends containerd as well. The API server ends with `up` either way.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import hashlib
import logging
import os
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from staticlet.aio import supervise as tasks_that_last
from staticlet.app import apichild
from staticlet.config.settings import Settings
from staticlet.pods import labels
from staticlet.runtime import port
from staticlet.runtime.cri import channel, runtime
from staticlet.runtime.managed import archives, bringup, cni, supervise
from staticlet.runtime.managed.layout import Layout, SocketPathTooLong

LOG = logging.getLogger(__name__)

Serve = Callable[[Settings, asyncio.Event], Awaitable[None]]
"""Runs the agent until the event is set."""

Work = Callable[[], Coroutine[None, None, None]]
"""Works until it is cancelled."""


class CannotUp(RuntimeError):
    """`up` cannot do its work here; the text says why and what to do, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """What `up` is told beside the agent's settings.

    Attributes:
        data_dir: Where everything that outlives a reboot is kept.
        run_dir: Where sockets and mounts are; gone after a reboot.
        stop_pods: Stop all pods, and containerd, when `up` is stopped.
        network: The pod network where the machine has none; None derives its name from the data
            directory, so that two installations do not share a bridge.
        api_port: The port of an API server of our own; None for none.
    """

    data_dir: Path = Path("/var/lib/staticlet")
    run_dir: Path = Path("/run/staticlet")
    stop_pods: bool = False
    network: bringup.Network | None = None
    api_port: int | None = None

    @property
    def api(self) -> apichild.Wanted | None:
        """The API server of our own; None for none."""
        if self.api_port is None:
            return None
        return apichild.Wanted(
            state_dir=self.data_dir / "api",
            pid_file=self.run_dir / "api.pid",
            port=self.api_port,
        )

    @property
    def layout(self) -> Layout:
        """Where containerd is.

        Raises:
            CannotUp: The run directory is too deep for a socket.
        """
        try:
            return Layout(data_dir=self.data_dir, run_dir=self.run_dir)
        except SocketPathTooLong as fault:
            raise CannotUp(str(fault)) from fault


def flags(up: Up, given: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """The agent's flags under `up`: its root below our data directory, runtime and API ours.

    Raises:
        CannotUp: When another runtime is asked for.
    """
    for name in ("container-runtime-endpoint", "image-service-endpoint"):
        if given.get(name):
            raise CannotUp(
                f"--{name} does not go with `up`, which runs a containerd of its own: "
                "use `staticlet run` on a runtime that is there already"
            )
    endpoint = [up.layout.endpoint]
    api = {} if up.api is None else {"kubeconfig": [str(up.api.places.node_conf)]}
    return {
        "root-dir": [str(up.data_dir / "kubelet")],
        **given,
        **api,
        "container-runtime-endpoint": endpoint,
        "image-service-endpoint": endpoint,
    }


def joined(up: Up, settings: Settings) -> Settings:
    """The settings with our API server believed by the agent's own, unless another one is."""
    if up.api is None or settings.client_ca_file is not None:
        return settings
    return replace(settings, client_ca_file=up.api.places.ca)


def network_of(data_dir: Path) -> bringup.Network:
    """The pod network of an installation: `staticlet0`, or a name of its own elsewhere."""
    if data_dir == Up().data_dir:
        return bringup.Network()
    name = "slt" + hashlib.sha256(str(data_dir).encode()).hexdigest()[:10]
    return bringup.Network(name=f"staticlet-{name}", interface=name)


async def run(up: Up, settings: Settings, *, serve: Serve, stop: asyncio.Event) -> None:
    """Bring containerd up, run the agent on it until `stop` is set, and end as `up` says.

    Raises:
        CannotUp: Something that is needed is missing, does not start, or `up` runs already.
    """
    with _alone(up):
        _make_manifest_directory(settings.static_pod_path)
        ready = await _bring_up(up)
        for complaint in ready.complaints:
            LOG.error("%s", complaint)
        try:
            works = {"containerd": ready.containerd.watch, **_api_works(up, settings, stop)}
            async with _beside(works):
                await serve(settings, stop)
                if up.stop_pods:
                    await stop_all_pods(up.layout.endpoint)
            if up.stop_pods:
                await ready.containerd.stop()
        finally:
            ready.containerd.release()


def _api_works(up: Up, settings: Settings, stop: asyncio.Event) -> dict[str, Work]:
    """Keeping the API server up, by its name; begun anew should that fail, and pods go on."""
    if up.api is None:
        return {}
    keep_up = functools.partial(apichild.ApiChild(up.api, settings).run, stop)
    return {"API server": functools.partial(tasks_that_last.restarting, "API server", keep_up)}


@asynccontextmanager
async def _beside(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Work while the block runs; the block's faults pass unwrapped."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work(), name=name) for name, work in works.items()]
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as faults:
        if len(faults.exceptions) == 1:
            raise faults.exceptions[0] from None
        raise


async def stop_all_pods(endpoint: str) -> None:
    """Stop every pod on a runtime that is all ours, all at once, each with its grace period."""
    async with channel.Connection(endpoint) as connection:
        cri = runtime.CriRuntime(connection)
        try:
            containers = await cri.list_containers({})
            sandboxes = await cri.list_sandboxes({})
        except port.RuntimeFault as fault:
            LOG.error("cannot list the pods to stop: %s", fault)  # noqa: TRY400  it says it all
            return
        LOG.info("stopping all pods, %d in number", sum(one.ready for one in sandboxes))
        async with asyncio.TaskGroup() as tasks:
            for one in sandboxes:
                own = [c for c in containers if c.sandbox_id == one.id]
                tasks.create_task(_stop_pod(cri, one, own), name=f"stop {one.name}")


async def _stop_pod(
    cri: port.Runtime, sandbox: port.Sandbox, containers: Sequence[port.Container]
) -> None:
    running = [one for one in containers if one.state is port.ContainerState.RUNNING]
    try:
        async with asyncio.TaskGroup() as tasks:
            for one in running:
                stopping = cri.stop_container(one.id, grace_s=labels.grace_period_of(one))
                tasks.create_task(stopping, name=f"stop {one.name}")
        if sandbox.ready:
            await cri.stop_sandbox(sandbox.id)
    except* port.RuntimeFault as faults:
        for fault in faults.exceptions:
            LOG.error("cannot stop %s/%s: %s", sandbox.namespace, sandbox.name, fault)  # noqa: TRY400


async def _bring_up(up: Up) -> bringup.Ready:
    try:
        return await bringup.bring_up(up.layout, network=up.network or network_of(up.data_dir))
    except (
        bringup.NotReady,
        supervise.CannotStart,
        archives.ImportFailed,
        cni.NoFreeSubnet,
        OSError,
    ) as fault:
        raise CannotUp(str(fault)) from fault


def _make_manifest_directory(path: Path | None) -> None:
    """A bare machine has no manifest directory yet; a path with a suffix is meant as a file."""
    if path is None or path.exists() or path.suffix:
        return
    try:
        path.mkdir(parents=True)
    except OSError as fault:
        raise CannotUp(f"cannot make the manifest directory {path}: {fault.strerror}") from fault


@contextmanager
def _alone(up: Up) -> Iterator[None]:
    """Hold the lock of the run directory: two supervisors of one containerd would fight."""
    try:
        up.run_dir.mkdir(parents=True, exist_ok=True)
        file = (up.run_dir / "up.lock").open("a+")
    except OSError as fault:
        raise CannotUp(f"cannot use {up.run_dir}: {fault.strerror}; run this as root") from fault
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            file.seek(0)
            pid = file.read(32).strip() or "unknown"
            raise CannotUp(
                f"`staticlet up` runs already with {up.run_dir} (pid {pid}): give another "
                "--run-dir and --data-dir for a second one"
            ) from fault
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
