"""Making an emptyDir: a directory, or memory mounted at one. Doing it again changes nothing.

Follows the kubelet's emptyDir plugin: everybody may use it (0777) unless the manifest says
otherwise, and with an fsGroup it belongs to that group and hands it down to what is made in it.
"""

from __future__ import annotations

import os
import stat

from staticlet.host import mounts, osfault
from staticlet.pods.faults import VolumeFault
from staticlet.pods.volumes import plan

_GROUP_ACCESS = stat.S_IRWXG


def make(volume: plan.EmptyDir) -> None:
    """Make the volume where it is not there yet.

    Raises:
        VolumeFault: The machine refused.
    """
    try:
        volume.path.mkdir(mode=0o750, parents=True, exist_ok=True)
        if volume.in_memory and not _is_tmpfs(volume):
            mounts.mount_tmpfs(volume.path, size_bytes=volume.size_bytes)
        _set_access(volume)
    except OSError as fault:
        words = osfault.words(fault, volume.path)
        raise VolumeFault(volume.name, f"cannot make {words}") from fault


def _is_tmpfs(volume: plan.EmptyDir) -> bool:
    return any(entry.fstype == "tmpfs" for entry in mounts.at(volume.path))


def _set_access(volume: plan.EmptyDir) -> None:
    """Set owner and mode of the directory itself, and only what differs."""
    seen = volume.path.stat()
    mode = volume.mode
    if volume.group is not None:
        mode |= stat.S_ISGID | _GROUP_ACCESS
        if seen.st_gid != volume.group:
            os.chown(volume.path, -1, volume.group)
    if stat.S_IMODE(seen.st_mode) != mode:
        volume.path.chmod(mode)
