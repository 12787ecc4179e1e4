"""What is mounted where in a container: the manifest's volumes, its hosts file, its last words.

Follows the kubelet's `makeMounts`: volume mounts in the manifest's order, then `/etc/hosts` unless
the container mounts that path itself, then the termination log. A subPath is only computed here;
it is resolved, created and mounted by `disk`, because what lies in a volume may have been put
there by a container.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from staticlet.kube import core
from staticlet.pods import env, fields, labels
from staticlet.pods.faults import ConfigFault
from staticlet.pods.volumes import plan
from staticlet.runtime import port

ETC_HOSTS = "/etc/hosts"
_PROPAGATION = {
    "None": port.Propagation.PRIVATE,
    "HostToContainer": port.Propagation.HOST_TO_CONTAINER,
    "Bidirectional": port.Propagation.BIDIRECTIONAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What `disk` has made ready for one start of a container.

    Attributes:
        volumes: Where each volume of the pod is on this machine.
        sub_paths: Where the subPath of a mount is mounted, by the mount's index.
        etc_hosts: The pod's hosts file, where it has one.
        termination_log: The file for the termination message of this start.
    """

    volumes: Mapping[str, Path] = field(default_factory=dict)
    sub_paths: Mapping[int, Path] = field(default_factory=dict)
    etc_hosts: Path | None = None
    termination_log: Path | None = None


def sub_paths(container: core.Container, values: Mapping[str, str]) -> Mapping[int, str]:
    """The subPaths of a container's mounts, by index, with variables put in.

    Raises:
        ConfigFault: A variable has no value, or the path would leave the volume.
    """
    found = {}
    for index, mount in enumerate(container.volumeMounts or ()):
        sub_path = mount.subPath or ""
        if mount.subPathExpr:
            sub_path = env.expand_strictly(mount.subPathExpr, values)
            if not sub_path:
                raise ConfigFault(f'subPathExpr "{mount.subPathExpr}" of {mount.name} is empty')
        if sub_path:
            _check_sub_path(sub_path, said=mount.subPathExpr or sub_path)
            found[index] = sub_path
    return found


def wants_etc_hosts(container: core.Container) -> bool:
    """Whether the pod's hosts file is to be mounted: not where the container brings its own."""
    targets = (_absolute(mount.mountPath) for mount in container.volumeMounts or ())
    return ETC_HOSTS not in {str(PurePosixPath(target)) for target in targets}


def mounts(pod: core.Pod, container: core.Container, prepared: Prepared) -> tuple[port.Mount, ...]:
    """All mounts of a container, in the order in which the runtime is to make them.

    Raises:
        ConfigFault: A volume that the container mounts is not there.
    """
    volumes = fields.spec(pod).volumes or ()
    written = {volume.name for volume in volumes if plan.is_written(volume)}
    managed = {volume.name for volume in volumes if volume.emptyDir} | written
    found = []
    for index, mount in enumerate(container.volumeMounts or ()):
        if mount.name not in prepared.volumes:
            raise ConfigFault(
                f'cannot find volume "{mount.name}" to mount into container "{container.name}"'
            )
        found.append(
            port.Mount(
                container_path=_absolute(mount.mountPath),
                host_path=str(prepared.sub_paths.get(index, prepared.volumes[mount.name])),
                readonly=bool(mount.readOnly) or mount.name in written,
                selinux_relabel=mount.name in managed,
                propagation=_propagation(mount),
            )
        )
    if prepared.etc_hosts and wants_etc_hosts(container):
        found.append(_own(ETC_HOSTS, prepared.etc_hosts))
    if prepared.termination_log:
        target = container.terminationMessagePath or labels.DEFAULT_TERMINATION_PATH
        found.append(_own(target, prepared.termination_log))
    return tuple(found)


def _own(container_path: str, host_path: Path) -> port.Mount:
    return port.Mount(
        container_path=container_path, host_path=str(host_path), selinux_relabel=True
    )


def _propagation(mount: core.VolumeMount) -> port.Propagation:
    mode = mount.mountPropagation or "None"
    if mode not in _PROPAGATION:
        raise ConfigFault(
            f'unknown mount propagation mode: "{mode}": use one of {", ".join(_PROPAGATION)}'
        )
    return _PROPAGATION[mode]


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _check_sub_path(path: str, *, said: str) -> None:
    """Refuse a path that leaves its volume, as it was `said`: a variable may be a secret."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\0" in path:
        raise ConfigFault(f'subPath "{said}" must be a relative path and must not contain ".."')
