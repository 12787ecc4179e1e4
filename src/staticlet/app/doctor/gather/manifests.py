"""The manifest path, read by the code that the agent reads it with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from staticlet.app.doctor import facts, placefacts
from staticlet.app.doctor.gather import disk
from staticlet.config.settings import Settings
from staticlet.kube import manifest, read
from staticlet.kube.document import LIMIT_BYTES
from staticlet.kube.finding import Finding, Severity
from staticlet.pods import identity
from staticlet.pods.wanted import PodKey

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def look(
    path: Path, settings: Settings, *, elapsed_s: Callable[[], float], budget_s: float
) -> facts.Manifests:
    """Look at the path and what is in it.

    Args:
        path: The manifest directory or file.
        settings: The node's name, and which names and fields count.
        elapsed_s: Seconds since the look began.
        budget_s: After how many of them files are only counted.
    """
    place = disk.place(path)
    gathered = _Gathered(settings)
    names: list[str] = []
    ignored: tuple[str, ...] = ()
    try:
        names, ignored = _names(path, place, all_names=settings.all_file_names)
    except OSError as fault:
        words = (fault.strerror or str(fault)).lower()
        place = replace(place, fault=f"cannot be listed: {words}")
    unread = 0
    for name in names:
        if elapsed_s() > budget_s:
            unread += 1
        else:
            gathered.take(name)
    return facts.Manifests(
        place=place,
        parents=tuple(dict.fromkeys((*disk.parents(path), *gathered.parents))),
        files=tuple(gathered.files),
        ignored=ignored,
        pods=frozenset(gathered.holders),
        doubtful=gathered.doubtful,
        findings=tuple(gathered.findings),
        ports=tuple(gathered.ports),
        unread=unread,
    )


def _names(
    path: Path, place: placefacts.Place, *, all_names: bool
) -> tuple[list[str], tuple[str, ...]]:
    """The files to read, and the names of what is ignored."""
    if place.kind is placefacts.Kind.FILE:
        return [str(path)], ()
    if place.kind is not placefacts.Kind.DIRECTORY:
        return [], ()
    chosen, ignored = [], []
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        counts = manifest.is_manifest(entry.name, all_names=all_names)
        if counts and (entry.is_file() or not entry.exists()):
            chosen.append(str(entry))
        else:
            ignored.append(entry.name)
    return chosen, tuple(ignored)


@dataclass(slots=True)
class _Gathered:
    """What the files came to so far."""

    settings: Settings
    files: list[placefacts.Access] = field(default_factory=list)
    parents: list[placefacts.Access] = field(default_factory=list)
    holders: dict[PodKey, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    ports: list[facts.HostPort] = field(default_factory=list)
    doubtful: bool = False

    def take(self, path: str) -> None:
        """Read one file."""
        try:
            if os.path.islink(path):  # noqa: PTH114  strings throughout
                self.parents += disk.parents(Path(path))
            fd = os.open(path, _OPEN)
            try:
                self.files.append(disk.access(path, os.fstat(fd)))
                data = os.read(fd, LIMIT_BYTES)
            finally:
                os.close(fd)
        except OSError as fault:
            words = (fault.strerror or str(fault)).lower()
            self._complain(path, f"cannot be read: {words}")
            self.doubtful = True
            return
        reading = read.read(data, source=path, strict=self.settings.strict_manifests)
        self.findings += reading.findings
        self.doubtful |= bool(reading.refused)
        for pod in reading.pods:
            self._pod(path, pod)

    def _pod(self, path: str, pod: read.ReadPod) -> None:
        refusal = identity.refusal(pod.raw, node_name=self.settings.node_name)
        if refusal:
            self._complain(path, str(refusal))
            return
        key = identity.key_of(pod.raw, node_name=self.settings.node_name)
        holder = self.holders.setdefault(key, path)
        if holder is not path:
            self._complain(path, f"{key} stands also in {holder}: remove or rename one of them")
            return
        self.ports += host_ports(key, pod.raw["spec"])

    def _complain(self, path: str, message: str) -> None:
        self.findings.append(Finding(severity=Severity.ERROR, source=path, message=message))


def host_ports(key: PodKey, spec: dict[str, Any]) -> Iterator[facts.HostPort]:
    """The ports of this machine that a pod wants."""
    shared = bool(spec.get("hostNetwork"))
    for container in (*spec.get("initContainers", ()), *spec.get("containers", ())):
        for entry in container.get("ports", ()):
            number = entry.get("hostPort") or (entry.get("containerPort") if shared else 0)
            if number:
                yield facts.HostPort(
                    pod=key,
                    protocol=entry.get("protocol", "TCP"),
                    port=number,
                    address=entry.get("hostIP", ""),
                    host_network=shared,
                )
