"""Other agents on this machine, and what is below the root directory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from staticlet.app.doctor import facts
from staticlet.config import flagtable, load
from staticlet.config.settings import Settings
from staticlet.host import mounts, processes
from staticlet.pods import discard

LOCK_NAME = "staticlet.lock"
KUBELETS_ENDPOINT = "/run/containerd/containerd.sock"
_DATA_DIR = "/var/lib/staticlet"


def look(settings: Settings) -> facts.Leftovers:
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
    found = ((name, _option(words, f"--{name}")) for name in names if name in flagtable.FLAGS)
    return {name: (text,) for name, text in found if text}


def _option(words: Sequence[str], name: str) -> str:
    for index, word in enumerate(words):
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
        if word == name:
            return "".join(words[index + 1 : index + 2])
    return ""
