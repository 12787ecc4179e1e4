"""A real containerd for tests, the demo and measurements, with nothing shared.

It has a path, a bridge and an address range of its own, starts in half a second, holds
`localhost/pause:latest` and `localhost/busybox` (tagged `latest` and `1`), and takes everything
with it when it goes: tasks, mounts, bridge, files. No other containerd is touched. Root only.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import ipaddress
import os
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from staticlet.runtime import port
from staticlet.runtime.cri import channel, runtime
from staticlet.runtime.managed import archives, bringup, ociimage, supervise
from staticlet.runtime.managed.layout import Layout
from staticlet.testing import sweep

T = TypeVar("T")

PREFIX = "slt"
BUSYBOX = Path("/bin/busybox")
BUSYBOX_REF = "localhost/busybox:latest"
# Any other tag than latest is not pulled anew by default.
BUSYBOX_TAGGED = "localhost/busybox:1"


class NeedsRoot(RuntimeError):
    """Containers need root."""


class Containerd:
    """A running containerd of ours.

    The methods block, also inside a running event loop: use `asyncio.to_thread` there when
    something else must go on meanwhile.
    """

    namespace = archives.NAMESPACE

    def __init__(self, base: Path) -> None:
        self.base = base
        self.layout = Layout(data_dir=base / "d", run_dir=base / "r")
        self.network = network_below(base)
        self._ready: bringup.Ready | None = None

    @property
    def socket(self) -> Path:
        """Its gRPC socket."""
        return self.layout.socket

    @property
    def endpoint(self) -> str:
        """Its gRPC socket as a CRI endpoint."""
        return self.layout.endpoint

    @property
    def pid(self) -> int | None:
        """The pid of the process that runs now."""
        return self._containerd.pid

    @property
    def log(self) -> str:
        """All that it has printed."""
        return self.layout.log.read_text()

    def start(self) -> None:
        """Start it (again) with the same root and state; returns when it answers."""
        if self._ready is None:
            self._ready = _wait(bringup.bring_up(self.layout, network=self.network))
            self.import_image("busybox", busybox_image())
        else:
            _wait(self._containerd.start())

    def stop(self) -> None:
        """End it gently; its containers go on."""
        _wait(self._containerd.stop())

    def kill(self) -> None:
        """End it with SIGKILL; its containers go on."""
        _wait(self._containerd.kill())

    def restart(self) -> None:
        """Stop and start it; its containers go on."""
        self.stop()
        self.start()

    def import_image(self, name: str, archive: bytes) -> None:
        """Import an image archive; `name` is for the record only."""
        if self._ready is None:
            raise RuntimeError("containerd was not started")
        _wait(self._ready.importer.from_bytes(name, archive))

    def ctr(self, *args: str) -> str:
        """What `ctr` prints, in the CRI's namespace; a failure raises CalledProcessError."""
        return subprocess.run(
            ["ctr", "--address", str(self.socket), "--namespace", self.namespace, *args],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        ).stdout

    def destroy(self) -> None:
        """Remove its pods and end it."""
        if self._ready is not None:
            _wait(self._remove_sandboxes())
            _wait(self._containerd.stop(grace_s=5))

    async def _remove_sandboxes(self) -> None:
        """Remove all pods in the runtime's own way, which gives addresses and rules back."""
        try:
            async with channel.Connection(self.endpoint) as connection:
                cri = runtime.CriRuntime(connection)
                for sandbox in await cri.list_sandboxes({}):
                    await cri.remove_sandbox(sandbox.id)
        except port.RuntimeFault:
            pass  # killed by the test, or wedged: the sweep does it the hard way

    @property
    def _containerd(self) -> supervise.Containerd:
        if self._ready is None:
            raise RuntimeError("containerd was not started")
        return self._ready.containerd


@contextmanager
def running() -> Iterator[Containerd]:
    """A containerd with its images, from here to the end of the block.

    Raises:
        NeedsRoot: Without root.
        bringup.NotReady: When something is not installed.
    """
    with own_place() as base:
        containerd = Containerd(base)
        try:
            containerd.start()
            yield containerd
        finally:
            containerd.destroy()


@contextmanager
def own_place(prefix: str = PREFIX) -> Iterator[Path]:
    """A short temporary path; when the block ends, whatever runs or is mounted below it goes too.

    Args:
        prefix: How the path's name begins; places of that prefix whose owners died go first.

    Raises:
        NeedsRoot: Without root.
    """
    if os.geteuid() != 0:
        raise NeedsRoot("containers need root: run this as root")
    sweep.the_dead(prefix)
    base = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid():x}-", dir="/tmp"))
    try:
        yield base
    finally:
        sweep.everything_below(base)


def network_below(base: Path) -> bringup.Network:
    """A pod network that goes by the name of a place, so that sweeping the place finds it."""
    return bringup.Network(
        name=base.name,
        interface=base.name[:15],
        system_conf=None,
        candidates=_candidates(os.getpid()),
    )


def busybox_image(*refs: str, program: Path = BUSYBOX) -> bytes:
    """An image archive with Debian's static busybox and a link for each of its applets.

    Args:
        refs: The image's names; `localhost/busybox:latest` and `localhost/busybox:1` when none.
        program: The busybox.
    """
    listed = subprocess.run(
        [str(program), "--list-full"], check=True, capture_output=True, text=True, timeout=10
    ).stdout.split()
    files: Mapping[str, ociimage.Entry] = {
        **{applet: ociimage.Link(target="/bin/busybox") for applet in listed},
        "bin/busybox": ociimage.File(data=program.read_bytes()),
        "tmp": ociimage.Directory(mode=0o1777),
        "etc/passwd": _text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
        "etc/group": _text("root:x:0:\nnogroup:x:65534:\n"),
        "root": ociimage.Directory(mode=0o700),
    }
    arch = ociimage.architecture(os.uname().machine)
    names = refs or (BUSYBOX_REF, BUSYBOX_TAGGED)
    return ociimage.image_archive(names, files, run=ociimage.Run(cmd=("sh",)), arch=arch)


def _text(content: str) -> ociimage.File:
    return ociimage.File(data=content.encode(), mode=0o644)


def _candidates(pid: int) -> tuple[ipaddress.IPv4Network, ...]:
    """Address ranges in an order that two runs at once seldom share."""
    return tuple(
        ipaddress.IPv4Network(f"10.{240 + (pid + step) % 15}.{pid % 16 * 16}.0/20")
        for step in range(15)
    )


def _wait(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a loop of its own, wherever we are."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
