"""Other agents, listeners, use of inotify, what is left below the root directory, our agent."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staticlet.app.doctor import facts
from staticlet.config import flags, load
from staticlet.config.settings import Settings
from staticlet.host import kernel, listeners, mounts, processes
from staticlet.pods import discard

LOCK_NAME = "staticlet.lock"
SOCKET_NAME = "staticlet.sock"
ANSWER_S = 1.0
KUBELETS_ENDPOINT = "/run/containerd/containerd.sock"
_INOTIFY = "anon_inode:inotify"
_DATA_DIR = "/var/lib/staticlet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What one look at every process's descriptors tells."""

    inotify: facts.Inotify
    listeners: tuple[facts.Holder, ...]


def descriptors() -> Open:
    """Who listens, and how many inotify instances root has."""
    waiting = listeners.listening()
    wanted = {f"socket:[{each.inode}]" for each in waiting}
    holders: dict[str, int] = {}
    used = 0
    for each in processes.descriptors():
        used += each.target == _INOTIFY and each.uid == 0
        if each.target in wanted:
            holders.setdefault(each.target, each.pid)
    limits = kernel.inotify()
    return Open(
        inotify=facts.Inotify(
            watches=limits.watches,
            instances=limits.instances,
            used=used if os.geteuid() == 0 else None,
        ),
        listeners=tuple(_holder(one, holders.get(f"socket:[{one.inode}]", 0)) for one in waiting),
    )


def _holder(listener: listeners.Listener, pid: int) -> facts.Holder:
    found = processes.one(pid) if pid else None
    return facts.Holder(
        listener=listener,
        pid=pid,
        program=found.program if found else "",
        of_pod=bool(pid) and "kubepods" in processes.cgroups(pid),
    )


def leftovers(settings: Settings) -> facts.Leftovers:
    """Other agents, and what is below the root directory."""
    holder = processes.lock_holder(settings.root_dir / LOCK_NAME)
    others = (
        other_agent(process, host_name=settings.node_name)
        for process in processes.everyone()
        if process.pid not in (holder, os.getpid())
    )
    pods = settings.root_dir / "pods"
    return facts.Leftovers(
        agents=tuple(other for other in others if other),
        directories=tuple(_directories(pods, settings)),
        mounts=tuple(map(str, mounts.below(pods))),
    )


def _directories(pods: Path, settings: Settings) -> Iterator[facts.PodDirectory]:
    ours = discard.left_behind(settings.root_dir)
    try:
        names = sorted(entry.name for entry in pods.iterdir() if entry.is_dir())
    except OSError:
        return
    for name in names:
        yield facts.PodDirectory(uid=name, key=ours.get(name))


def other_agent(process: processes.Process, *, host_name: str) -> facts.OtherAgent | None:
    """The kubelet or staticlet that a process is, by what it was called with."""
    kind, words = _agent_words(process)
    if not kind:
        return None
    given = _given(words)
    if kind == "staticlet up":
        data_dir = _option(words, "--data-dir") or _DATA_DIR
        given["root-dir"] = (f"{data_dir}/kubelet",)
    try:
        found = load.load(given, host_name=host_name, directory=Path("/"))
    except load.ConfigError:
        root = given.get("root-dir", ("/var/lib/kubelet",))[-1]
        return facts.OtherAgent(pid=process.pid, program=kind, root_dir=root)
    settings = found.settings
    path = settings.static_pod_path
    if kind == "kubelet" and found.origins["staticPodPath"] == "default":
        path = None  # a default of ours, which the kubelet does not have
    endpoint = settings.runtime_endpoint.removeprefix("unix://")
    return facts.OtherAgent(
        pid=process.pid,
        program=kind,
        root_dir=str(settings.root_dir),
        manifests=str(path) if path else None,
        endpoint=endpoint or (KUBELETS_ENDPOINT if kind == "kubelet" else None),
    )


def _agent_words(process: processes.Process) -> tuple[str, tuple[str, ...]]:
    """Which agent it is, empty for none, and the words after its command."""
    words = process.arguments
    if process.program == "kubelet":
        return "kubelet", words[1:]
    if not process.program.startswith(("python", "staticlet")):
        return "", ()
    for index, word in enumerate(words[:4]):
        after = words[index + 1 : index + 2]
        if word.rpartition("/")[2] == "staticlet" and after in (("run",), ("up",)):
            return f"staticlet {after[0]}", words[index + 2 :]
    return "", ()


def _given(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The flags that load needs to know where it works; `--name=value` or `--name value`."""
    names = ("root-dir", "pod-manifest-path", "container-runtime-endpoint", "config", "config-dir")
    found = ((name, _option(words, f"--{name}")) for name in names if name in flags.FLAGS)
    return {name: (text,) for name, text in found if text}


def _option(words: Sequence[str], name: str) -> str:
    for index, word in enumerate(words):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name:
            return "".join(words[index + 1 : index + 2])
    return ""


def agent(settings: Settings) -> facts.Agent:
    """The agent of this root directory, as far as it answers."""
    path = settings.socket or settings.root_dir / SOCKET_NAME
    known = facts.Agent(
        socket=str(path),
        socket_exists=path.is_socket(),
        holder=processes.lock_holder(settings.root_dir / LOCK_NAME),
    )
    try:
        version, pid, pods = _asked(path)
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as fault:
        words = fault.strerror if isinstance(fault, OSError) else ""
        return _silent(known, (words or str(fault) or "it hangs").lower())
    return facts.Agent(
        socket=known.socket,
        socket_exists=True,
        holder=known.holder or pid,
        answers=True,
        version=version,
        pods=pods,
    )


def _silent(known: facts.Agent, fault: str) -> facts.Agent:
    return facts.Agent(
        socket=known.socket,
        socket_exists=known.socket_exists,
        holder=known.holder,
        fault=fault,
    )


def _asked(path: Path) -> tuple[str, int, int]:
    """Its version, its pid as the kernel says, and how many pods it has."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as raw:
        raw.settimeout(ANSWER_S)
        raw.connect(os.fspath(path))
        pid, _, _ = struct.unpack("3i", raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        talk = http.client.HTTPConnection("localhost", timeout=ANSWER_S)
        talk.sock = raw
        version = _get(talk, "/version").get("version", "")
        pods = len(_get(talk, "/pods")["items"])
    return str(version), pid, pods


def _get(talk: http.client.HTTPConnection, what: str) -> Mapping[str, Any]:
    """One answer; empty for what this version of the agent does not know."""
    talk.request("GET", what)
    reply = talk.getresponse()
    body = reply.read()
    if reply.status != http.client.OK:
        return {}
    value: Mapping[str, Any] = json.loads(body)
    return value
