"""Making a volume whose files are written from objects, and writing it anew when they change.

Secrets and tokens lie in memory: a tmpfs is mounted, as the kubelet does it. Where that is not
allowed they lie in the pod's directory, which nobody but root can enter either way.
"""

from __future__ import annotations

import errno
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from staticlet.host import atomicfiles, mounts, osfault
from staticlet.pods.faults import VolumeFault
from staticlet.pods.volumes import plan

_MODE = 0o755
_NO_RIGHT = frozenset({errno.EPERM, errno.EACCES})


def make(volume: plan.Projection, files: Sequence[atomicfiles.File]) -> None:
    """Make the volume where it is not there yet, and make its files these.

    Raises:
        VolumeFault: The machine refused, or a path leads out of the volume.
    """
    try:
        volume.path.mkdir(mode=0o750, parents=True, exist_ok=True)
        if volume.in_memory:
            _mount(volume)
        seen = stat.S_IMODE(volume.path.stat().st_mode)
        if seen != _MODE:
            volume.path.chmod(_MODE)
    except OSError as fault:
        raise _cannot(volume, fault) from fault
    write(volume, files)


def write(volume: plan.Projection, files: Sequence[atomicfiles.File]) -> bool:
    """Make the files of a volume that is there these; whether they were others before.

    Raises:
        VolumeFault: The machine refused, or a path leads out of the volume.
    """
    try:
        return atomicfiles.write(volume.path, files, group=volume.group)
    except atomicfiles.BadPath as fault:
        raise VolumeFault(volume.name, str(fault)) from fault
    except OSError as fault:
        raise _cannot(volume, fault) from fault


def remove(volume: plan.Projection, sub_paths: Path) -> None:
    """Remove a volume that no container uses any more.

    Args:
        volume: It may be gone already.
        sub_paths: Where its subPaths are mounted, which would keep the files.

    Raises:
        VolumeFault: The machine refused.
    """
    try:
        for directory in (sub_paths, volume.path):
            if directory.is_dir() and not mounts.unmount_below(directory):
                shutil.rmtree(directory)
    except OSError as fault:
        raise _cannot(volume, fault) from fault


def _mount(volume: plan.Projection) -> None:
    if any(entry.fstype == "tmpfs" for entry in mounts.at(volume.path)):
        return
    try:
        mounts.mount_tmpfs(volume.path, size_bytes=0)
    except OSError as fault:
        if fault.errno not in _NO_RIGHT:
            raise


def _cannot(volume: plan.Projection, fault: OSError) -> VolumeFault:
    return VolumeFault(volume.name, f"cannot write {osfault.words(fault, volume.path)}")
