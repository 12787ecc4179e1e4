"""Remove every trace of a test's containerd, also one that was killed together with its test."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from staticlet.host import mounts
from staticlet.runtime.managed import cni

LIBCNI_CACHE = Path("/var/lib/cni/results")
SETTLE_ROUNDS = 20


def the_dead(prefix: str) -> None:
    """Remove what runs that were killed have left in /tmp; their pid is in the name, in hex."""
    for base in Path("/tmp").glob(f"{prefix}*-*"):  # noqa: S108  only names of ours are touched
        owner = base.name.removeprefix(prefix).partition("-")[0]
        if _is_hex(owner) and base.is_dir() and not Path(f"/proc/{int(owner, 16)}").exists():
            everything_below(base)


def everything_below(base: Path) -> None:
    """End the processes that live below `base`; remove mounts, bridge, rules and files."""
    networks = {base.name: base.name[:15], **_networks(base)}
    _end_processes(base)
    still_mounted = mounts.unmount_below(base)
    for network, interface in networks.items():
        _run("ip", "link", "delete", interface)
        _remove_rules(network)
        _remove_cached_results(network)
    if not still_mounted:  # removing files must never reach into a mount
        shutil.rmtree(base, ignore_errors=True)


def _networks(base: Path) -> dict[str, str]:
    """The pod networks that were configured below `base`, each with its bridge."""
    found = {}
    for file in base.glob(f"*/cni/{cni.FILE_NAME}"):
        try:
            content = json.loads(file.read_text())
            found[str(content["name"])] = str(content["plugins"][0]["bridge"])
        except (OSError, ValueError, LookupError, TypeError):
            continue  # half a file, of a run that was killed while writing it
    return found


def _remove_cached_results(network: str) -> None:
    """The notes that libcni keeps on our pods; those on loopback go by the pod's id alone."""
    for cached in LIBCNI_CACHE.glob(f"{network}-*"):
        pod = cached.name.removeprefix(f"{network}-").rpartition("-")[0]
        (LIBCNI_CACHE / f"cni-loopback-{pod}-lo").unlink(missing_ok=True)
        cached.unlink(missing_ok=True)


def _is_hex(text: str) -> bool:
    return bool(text) and all(digit in "0123456789abcdef" for digit in text)


def _end_processes(base: Path) -> None:
    """Containerd, its shims and their containers; a few rounds, as parents make children."""
    for _ in range(SETTLE_ROUNDS):
        found = list(_processes(base))
        if not found:
            return
        for pid in found:
            _end(pid)


def _end(pid: int) -> None:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        pass
    finally:
        os.close(pidfd)


def _processes(base: Path) -> Iterator[int]:
    """Those started with a path below base, and those in a container whose layers are there."""
    mark = f"{base}/".encode()
    ours = Path("/proc/self/ns/mnt").readlink()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            started = (entry / "cmdline").read_bytes().split(b"\0")
            contained = (entry / "ns/mnt").readlink() != ours
            if _is_runtime(started, mark) or (
                contained and mark in (entry / "mountinfo").read_bytes()
            ):
                yield int(entry.name)
        except OSError:
            continue  # it ended meanwhile


def _is_runtime(started: list[bytes], mark: bytes) -> bool:
    program = started[0].rpartition(b"/")[2]
    return program.startswith(b"containerd") and any(mark in argument for argument in started)


def _remove_rules(network: str) -> None:
    """The bridge and portmap plugins' rules; both name the network in a comment."""
    listed = _run("iptables", "-w", "-t", "nat", "-S")
    rules = [
        shlex.split(line)
        for line in listed.splitlines()
        if f'"{network}\\"' in line or f'\\"{network}\\"' in line
    ]
    chains = {rule[-1] for rule in rules if rule[-1].startswith("CNI-")}
    for rule in rules:
        _run("iptables", "-w", "-t", "nat", "-D", *rule[1:])
    for action in ("-F", "-X"):
        for chain in sorted(chains):
            _run("iptables", "-w", "-t", "nat", action, chain)


def _run(*args: str) -> str:
    """What a command prints; failing is no matter, for what it removes may not be there."""
    try:
        done = subprocess.run(
            args, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
