"""The kernel, systemd, the clock, names and addresses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from staticlet.aio import clock as clocks
from staticlet.app.doctor import facts
from staticlet.app.doctor.gather import disk
from staticlet.config.settings import Settings
from staticlet.host import cgroup, kernel, machine, mounts
from staticlet.runtime.managed import machine as programs

UNITS = ("staticlet.service", "staticlet-up.service")
SYSTEMCTL_S = 1.5


def look() -> facts.Machine:
    """The kernel, and what this process may do with it."""
    trees = cgroup.present()
    systemd = kernel.runs_systemd()
    return facts.Machine(
        uid=os.geteuid(),
        release=kernel.release(),
        pidfd=kernel.has_pidfd(),
        overlay="overlay" in kernel.filesystems() or kernel.has_module("overlay"),
        namespaces=kernel.namespaces(),
        cgroup_version=trees.version if trees.trees else 0,
        cgroup_hybrid=trees.hybrid,
        controllers=frozenset(_controllers(trees)),
        cgroup_readonly=_readonly(trees),
        capabilities=machine.capabilities(),
        seccomp=kernel.seccomp(),
        apparmor=kernel.apparmor(),
        apparmor_parser=programs.which("apparmor_parser") is not None,
        swap_bytes=kernel.swap_bytes(),
        swap_controlled=machine.swap_controlled(trees),
        systemd=systemd,
        units=_units() if systemd else (),
    )


def _controllers(trees: cgroup.Hierarchies) -> Iterator[str]:
    if trees.version == 2 and trees.unified:
        yield from machine.text_of(trees.unified / "cgroup.controllers").split()
    yield from trees.controllers


def _readonly(trees: cgroup.Hierarchies) -> bool:
    flags = {entry.point: disk.flags_of(entry) for entry in mounts.current()}
    return any("ro" in flags.get(tree, ()) for tree in trees.trees)


def _units() -> tuple[facts.Unit, ...] | None:
    """What systemd knows of our units; None when it does not answer."""
    try:
        done = subprocess.run(
            ["systemctl", "show", "--no-pager", *UNITS],
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SYSTEMCTL_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(units(done.stdout))


def units(text: str) -> Iterator[facts.Unit]:
    """Read what `systemctl show` prints: a block a unit; those that are not there are left out."""
    for block in text.split("\n\n"):
        pairs = (line.partition("=") for line in block.splitlines())
        of = {name: value for name, _, value in pairs}
        if of.get("LoadState") == "loaded":
            yield facts.Unit(name=of.get("Id", ""), properties=of)


def node(settings: Settings, *, clock: clocks.Clock) -> facts.Node:
    """The machine as a node."""
    name = os.uname().nodename
    conf = settings.resolv_conf
    return facts.Node(
        host_name=name,
        resolves=name.lower() in _known_hosts(machine.hosts()),
        addresses=settings.node_ips or tuple(filter(None, (machine.address(),))),
        now=clock.now(),
        synchronised=kernel.synchronised(),
        resolv_conf=_text(conf) if conf else None,
        pod_resolv_conf=machine.resolv_conf(conf) if conf else "",
    )


def _known_hosts(text: str) -> frozenset[str]:
    lines = (line.partition("#")[0].split()[1:] for line in text.splitlines())
    return frozenset(name.lower() for names in lines for name in names)


def _text(file: Path) -> str | None:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return None
