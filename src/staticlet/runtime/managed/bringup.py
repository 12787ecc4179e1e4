"""From a bare machine to a containerd that can run pods without a pull.

Network configuration (only where the machine has none), configuration, start or adoption, the
pause image, and the archives that people put into the images directory.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from staticlet.runtime.managed import archives, cni, config, machine, ociimage, pause, supervise
from staticlet.runtime.managed.layout import Layout

LOG = logging.getLogger(__name__)

SYSTEM_CNI = Path("/etc/cni/net.d")
ROUTES = Path("/proc/net/route")


class NotReady(RuntimeError):
    """This machine lacks something; the text has a line for each, with the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How our own pod network is called, and where someone else's is looked for."""

    name: str = "staticlet"
    interface: str = "staticlet0"
    system_conf: Path | None = SYSTEM_CNI
    candidates: Sequence[ipaddress.IPv4Network] = cni.CANDIDATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A containerd that answers, and the way to bring images into it."""

    containerd: supervise.Containerd
    importer: archives.Importer
    facts: machine.Facts
    complaints: tuple[str, ...] = ()


def missing(
    *, uid: int, which: Callable[[str], Path | None], cni_bin: Path | None
) -> tuple[str, ...]:
    """What stands in the way of a containerd of ours, each with what to do."""
    lacking = []
    if uid != 0:
        lacking.append("only root can run containers: use sudo")
    for program, package in (
        ("containerd", "containerd"),
        ("ctr", "containerd"),
        ("runc", "runc"),
    ):
        if which(program) is None:
            lacking.append(f"{program} is not installed: apt-get install {package}")
    if cni_bin is None:
        dirs = ", ".join(map(str, cni.BIN_DIRS))
        lacking.append(
            f"none of {dirs} has the network plugins {', '.join(cni.PLUGINS)}: "
            "apt-get install containernetworking-plugins"
        )
    if which(pause.PROGRAM.name) is None:
        lacking.append(
            "catatonit, which the pause image is made of, is not installed: "
            "apt-get install catatonit"
        )
    return tuple(lacking)


async def bring_up(layout: Layout, *, network: Network | None = None) -> Ready:
    """Start or adopt a containerd and fill it.

    Raises:
        NotReady: When something is not installed, or we are not root.
        supervise.CannotStart: When containerd does not come up.
        archives.ImportFailed: When not even the pause image can be imported.
        cni.NoFreeSubnet: When there is no network configuration and no range for one.
    """
    for path in (layout.data_dir, layout.root, layout.images, layout.registries):
        path.mkdir(parents=True, exist_ok=True)
    facts = await asyncio.to_thread(machine.look, layout.data_dir)
    lacking = missing(uid=os.geteuid(), which=machine.which, cni_bin=facts.cni_bin)
    if lacking:
        raise NotReady("\n".join(lacking))
    spec = make_spec(layout, facts, cni_conf=provide_network(layout, facts, network or Network()))
    containerd = supervise.Containerd(layout, config.render(spec), iptables=facts.iptables)
    await containerd.start()
    importer = archives.Importer(layout, snapshotter=spec.snapshotter)
    await importer.from_bytes("pause", _pause_image())
    return Ready(
        containerd=containerd,
        importer=importer,
        facts=facts,
        complaints=await importer.from_directory(),
    )


def make_spec(layout: Layout, facts: machine.Facts, *, cni_conf: Path) -> config.Spec:
    """The configuration for this machine."""
    return config.Spec(
        root=layout.root,
        state=layout.state,
        socket=layout.socket,
        sandbox_image=pause.REF,
        cni_bin=facts.cni_bin or cni.BIN_DIRS[0],
        cni_conf=cni_conf,
        registries=(layout.registries, Path("/etc/containerd/certs.d")),
        snapshotter="overlayfs" if facts.overlay else "native",
        restrict_oom_score_adj=not facts.oom_adjustable,
        disable_apparmor=not facts.apparmor,
    )


def provide_network(layout: Layout, facts: machine.Facts, network: Network) -> Path:
    """The directory with the network configuration: the machine's, else ours, written here.

    A range once chosen is kept while nobody else routes it: running pods live in it.
    """
    if network.system_conf is not None and cni.configured(_names(network.system_conf)):
        return network.system_conf
    layout.cni_conf.mkdir(parents=True, exist_ok=True)
    file = layout.cni_conf / cni.FILE_NAME
    if facts.iptables is None:
        LOG.warning(
            "iptables does not work here: pods reach this machine and each other, but no other "
            "machine, and host ports are not forwarded (apt-get install iptables)"
        )
    bridge = cni.Bridge(
        name=network.name,
        interface=network.interface,
        subnet=_subnet(file, network),
        data_dir=layout.cni_state,
        masquerade=facts.iptables is not None,
        host_ports=facts.iptables is not None,
    )
    content = cni.conflist(bridge)
    if not file.exists() or file.read_text() != content:
        # containerd watches this directory: it must never see half a file.
        draft = file.with_suffix(".draft")
        draft.write_text(content)
        draft.replace(file)
    return layout.cni_conf


def _subnet(file: Path, network: Network) -> ipaddress.IPv4Network:
    routes = cni.parse_routes(ROUTES.read_text())
    foreign = [route for route, interface in routes.items() if interface != network.interface]
    kept = cni.subnet_of(file.read_text()) if file.exists() else None
    preferred = (kept,) if kept else ()
    return cni.free_subnet(foreign, (*preferred, *network.candidates))


def _pause_image() -> bytes:
    program = machine.which(pause.PROGRAM.name) or pause.PROGRAM
    arch = ociimage.architecture(os.uname().machine)
    return pause.archive(program.read_bytes(), arch=arch)


def _names(directory: Path) -> list[str]:
    try:
        return [entry.name for entry in directory.iterdir()]
    except OSError:
        return []
