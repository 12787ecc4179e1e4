"""What a pod needs on this machine before the runtime is asked for it: directories and files.

Plain functions that block, meant for one `asyncio.to_thread` call a step. Each may be done again
at any time: what is there already stays as it is. `discard` is the opposite, for what is over.

Follows `makePodDataDirs`, the kubelet's subpath code and its managed hosts file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from staticlet.config.settings import Settings
from staticlet.host import beneath, osfault
from staticlet.host import mounts as hostmounts
from staticlet.kube import core
from staticlet.pods import env, hosts, mounts, paths
from staticlet.pods.apiobjects import held as apiobjects
from staticlet.pods.faults import ConfigFault, PodFault
from staticlet.pods.node import NodeFacts
from staticlet.pods.volumes import emptydir, hostpath, plan
from staticlet.pods.wanted import WantedPod

_PRIVATE = 0o750
_PUBLIC = 0o755
_HOSTS_MODE = 0o644
_TERMINATION_MODE = 0o666


def prepare_pod(
    wanted: WantedPod,
    *,
    node: NodeFacts,
    settings: Settings,
    held: apiobjects.Holdings = apiobjects.NONE,
) -> None:
    """Make a pod's directories and volumes: before its sandbox.

    Args:
        wanted: The pod.
        node: The machine.
        settings: The agent's settings.
        held: What is known of the API's objects that the pod refers to.

    Raises:
        PodFault: The machine refused; a VolumeFault where it was about a volume.
    """
    where = paths.of(wanted.key, wanted.uid, settings)
    plans = plan.plan(wanted.pod, where, node=node)
    try:
        make_directory(where.directory, _PRIVATE)
        _mark(where, f"{wanted.key}\n")
        make_directory(where.volumes, _PRIVATE)
        make_directory(where.plugins, _PRIVATE)
        make_directory(where.logs, _PRIVATE)
        make_directory(where.log_directory, _PUBLIC)
        make_directory(where.links, _PUBLIC)
    except OSError as fault:
        words = osfault.words(fault, where.directory)
        raise PodFault(f"error making pod data directories: {words}") from fault
    for volume in plans:
        match volume:
            case plan.EmptyDir():
                emptydir.make(volume)
            case plan.HostPath():
                hostpath.make(volume)
            case plan.Projection():
                around = env.Surroundings(wanted=wanted, node=node, held=held)
                _project(volume, around)
            case _:
                assert_never(volume)


def prepare_container(
    wanted: WantedPod,
    container: core.Container,
    *,
    restart_count: int,
    ips: tuple[str, ...],
    node: NodeFacts,
    settings: Settings,
    held: apiobjects.Holdings = apiobjects.NONE,
) -> mounts.Prepared:
    """Make ready one start of a container: its log directory, hosts file, subPaths, last words.

    Args:
        wanted: The pod, whose directories and volumes are there.
        container: One of its containers.
        restart_count: How many starts it had before.
        ips: The sandbox's addresses; empty on the host network.
        node: The machine.
        settings: The agent's settings.
        held: What is known of the API's objects that the pod refers to.

    Raises:
        ConfigFault: It can not be made ready.
    """
    where = paths.of(wanted.key, wanted.uid, settings)
    places = plan.places(plan.plan(wanted.pod, where, node=node))
    around = env.Surroundings(wanted=wanted, node=node, ips=ips, held=held)
    values = env.environment(container, around)
    sub_paths = mounts.sub_paths(container, values)
    content = hosts.hosts_file(
        wanted, ips=ips, node_hosts=node.hosts, cluster_domain=settings.cluster_domain
    )
    try:
        make_directory(where.container_log_directory(container.name), _PUBLIC)
        _forget_old_lives(where, container.name, restart_count)
        return mounts.Prepared(
            volumes=places,
            sub_paths=_mount_sub_paths(where, container, places, sub_paths),
            etc_hosts=None if content is None else _write_hosts(where.etc_hosts, content),
            termination_log=_make_termination_log(where, container.name, restart_count),
        )
    except OSError as fault:
        words = osfault.words(fault, where.directory)
        raise ConfigFault(f"cannot prepare container {container.name}: {words}") from fault


def _project(volume: plan.Projection, around: env.Surroundings) -> None:
    from staticlet.pods.volumes import payload, projection  # most machines have no such volume

    projection.make(volume, payload.files(volume.source, around))


def link_log(where: paths.PodPaths, container: str, restart_count: int, container_id: str) -> None:
    """Make the old style link to a container's log, once the log is there.

    A link that can not be made is no trouble of the pod's: nothing of its own needs it.
    """
    log_file, link = (
        where.log_file(container, restart_count),
        where.log_link(container, container_id),
    )
    try:
        if log_file.exists():
            link.symlink_to(log_file)
    except FileExistsError:
        pass  # the id in its name is the container's: it is the same link
    except OSError:
        return


def make_directory(directory: Path, mode: int) -> None:
    """Make a directory with exactly this mode, whatever the umask; one that is there stays.

    What is missing above it is made like it.
    """
    try:
        directory.mkdir(mode=mode)
    except FileNotFoundError:
        make_directory(directory.parent, mode)
        directory.mkdir(mode=mode)
    except FileExistsError:
        if not directory.is_dir():
            raise
        return
    directory.chmod(mode)


def _forget_old_lives(where: paths.PodPaths, container: str, restart_count: int) -> None:
    """Remove logs and last words of all lives but this and the last, which people still read.

    Those of containers that are removed one by one are gone already. These are left of containers
    that went with their sandbox, as after a reboot, or that others removed.
    """
    kept = {restart_count, restart_count - 1}
    names = {f"{count}" for count in kept}
    for log_file in where.container_log_directory(container).glob("*.log*"):
        number = log_file.name.partition(".log")[0]
        if number.isdecimal() and number not in names:
            log_file.unlink(missing_ok=True)
    words = {where.termination_log(container, count) for count in kept}
    for file in where.container_directory(container).glob("*"):
        if file not in words:
            file.unlink(missing_ok=True)


def _mark(where: paths.PodPaths, text: str) -> None:
    """Say whose directory it is; at no moment is there half a mark, which would be nobody's."""
    if where.mark.exists():
        return
    fresh = where.directory / paths.NEW_MARK
    fresh.write_text(text)
    fresh.replace(where.mark)


def _write_hosts(file: Path, content: str) -> Path:
    """Write the hosts file in place: containers that run see the same file, not the same name."""
    try:
        if file.read_text() == content:
            return file
    except FileNotFoundError:
        pass  # the first container of the pod
    file.write_text(content)
    file.chmod(_HOSTS_MODE)
    return file


def _make_termination_log(where: paths.PodPaths, container: str, restart_count: int) -> Path:
    """A new, empty file that everybody in the container may write to."""
    file = where.termination_log(container, restart_count)
    make_directory(file.parent, _PRIVATE)
    file.unlink(missing_ok=True)
    fd = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _TERMINATION_MODE)
    try:
        os.fchmod(fd, _TERMINATION_MODE)
    finally:
        os.close(fd)
    return file


def _mount_sub_paths(
    where: paths.PodPaths,
    container: core.Container,
    places: Mapping[str, Path],
    sub_paths: Mapping[int, str],
) -> Mapping[int, Path]:
    """Mount each subPath at a place of its own, which is what the runtime gets to see.

    The runtime opens paths by name, later, and follows symlinks. So what was checked is pinned
    down by a bind mount of its descriptor, and the container can not swap it any more.
    """
    found = {}
    for index, sub_path in sub_paths.items():
        volume = (container.volumeMounts or ())[index].name
        if volume not in places:
            continue  # computing the mounts says so
        target = where.sub_path(volume, container.name, index)
        try:
            _mount_sub_path(places[volume], sub_path, target)
        except (OSError, beneath.OutsideFault) as fault:
            raise ConfigFault(
                f'failed to prepare subPath for volumeMount "{volume}" of container '
                f'"{container.name}": {fault}'
            ) from fault
        found[index] = target
    return found


def _mount_sub_path(volume: Path, sub_path: str, target: Path) -> None:
    mode = stat.S_IMODE(volume.stat().st_mode)
    source = beneath.open_beneath(volume, sub_path, make_mode=mode & 0o777)
    try:
        hostmounts.unmount(target)
        _make_mount_point(target, directory=stat.S_ISDIR(os.fstat(source).st_mode))
        hostmounts.bind(source, target)
    finally:
        os.close(source)


def _make_mount_point(target: Path, *, directory: bool) -> None:
    """A mount point of the kind that is to be mounted: a directory, or an empty file."""
    make_directory(target.parent, _PRIVATE)
    if target.exists() and target.is_dir() != directory:
        target.rmdir() if target.is_dir() else target.unlink()
    if directory:
        target.mkdir(mode=_PRIVATE, exist_ok=True)
    else:
        target.touch(mode=0o640)
