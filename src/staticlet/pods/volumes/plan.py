"""Which volumes a pod has on this machine, as values: where each is and how it is to be made.

Kinds that are not here yet are refused with their names; the others come in modules beside this.
What is in a volume that is written from objects is `payload`'s to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from staticlet.kube import core, quantity
from staticlet.pods import fields, paths, resources
from staticlet.pods.faults import VolumeFault
from staticlet.pods.node import NodeFacts

EMPTY_DIR_MODE = 0o777
_MEMORY = "Memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyDir:
    """A directory of the pod's own.

    Attributes:
        name: The volume's name.
        path: Where it is.
        in_memory: Whether it is a tmpfs.
        size_bytes: How much a tmpfs may hold; 0 leaves the kernel's limit.
        mode: Its permissions.
        group: The group that owns it (`fsGroup`); its files inherit it.
    """

    name: str
    path: Path
    in_memory: bool = False
    size_bytes: int = 0
    mode: int = EMPTY_DIR_MODE
    group: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPath:
    """A path of the machine; `type` says what must be there, and whether it is made."""

    name: str
    path: Path
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A directory whose files are written from objects, or from the pod itself.

    Attributes:
        name: The volume's name.
        path: Where it is.
        source: The volume as the pod has it.
        in_memory: Whether it is to lie in memory alone.
        group: The group that owns and reads it (`fsGroup`).
    """

    name: str
    path: Path
    source: core.Volume
    in_memory: bool = False
    group: int | None = None


VolumePlan: TypeAlias = EmptyDir | HostPath | Projection

_ON_DISK = "configMap"
_WRITTEN = (_ON_DISK, "secret", "projected", "downwardAPI")


def plan(pod: core.Pod, where: paths.PodPaths, *, node: NodeFacts) -> Sequence[VolumePlan]:
    """What is to be made for each volume of a pod, in the manifest's order.

    Raises:
        VolumeFault: A volume is of a kind that is not supported yet.
    """
    return [_one(pod, volume, where, node) for volume in fields.spec(pod).volumes or ()]


def places(plans: Sequence[VolumePlan]) -> Mapping[str, Path]:
    """Where each volume is on this machine, by its name."""
    return {volume.name: volume.path for volume in plans}


def is_written(volume: core.Volume) -> bool:
    """Whether a volume's files are written from objects: containers only read them."""
    return any(getattr(volume, kind) is not None for kind in _WRITTEN)


def _one(pod: core.Pod, volume: core.Volume, where: paths.PodPaths, node: NodeFacts) -> VolumePlan:
    if volume.hostPath:
        source = volume.hostPath
        return HostPath(name=volume.name, path=Path(source.path), type=source.type or "")
    if volume.emptyDir:
        return _empty_dir(pod, volume.name, volume.emptyDir, where, node)
    if is_written(volume):
        kind = _kind(volume)
        return Projection(
            name=volume.name,
            path=where.projection(kind, volume.name),
            source=volume,
            in_memory=kind != _ON_DISK,
            group=fields.security(pod).fsGroup,
        )
    raise VolumeFault(volume.name, f"volumes of kind {_kind(volume)} are not supported yet")


def _empty_dir(
    pod: core.Pod,
    name: str,
    source: core.EmptyDirVolumeSource,
    where: paths.PodPaths,
    node: NodeFacts,
) -> EmptyDir:
    medium = source.medium or ""
    if medium not in {"", _MEMORY}:
        raise VolumeFault(name, f'emptyDir medium "{medium}" is not supported yet')
    in_memory = medium == _MEMORY
    return EmptyDir(
        name=name,
        path=where.empty_dir(name),
        in_memory=in_memory,
        size_bytes=_tmpfs_size(pod, source, node) if in_memory else 0,
        mode=EMPTY_DIR_MODE if source.mode is None else source.mode,
        group=fields.security(pod).fsGroup,
    )


def _tmpfs_size(pod: core.Pod, source: core.EmptyDirVolumeSource, node: NodeFacts) -> int:
    """The least of what the machine gives, what the pod may use and what the volume asks for."""
    allocatable = node.allocatable.get("memory")
    bounds = [quantity.parse(allocatable).value() if allocatable else node.memory_bytes]
    limit = resources.pod_limit(pod, "memory")
    if limit:
        bounds.append(limit.value())
    if source.sizeLimit is not None:
        bounds.append(quantity.parse(str(source.sizeLimit)).value())
    return min((bound for bound in bounds if bound > 0), default=0)


def _kind(volume: core.Volume) -> str:
    """The name of the one source that is given."""
    given = (
        name
        for name in volume.__struct_fields__
        if name != "name" and getattr(volume, name) is not None
    )
    return next(given, "without a source")
