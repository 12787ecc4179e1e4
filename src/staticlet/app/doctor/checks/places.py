"""Directories and disks: there or creatable, writable, with room. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from staticlet.app.doctor import verdict
from staticlet.app.doctor.placefacts import Kind, Place, Places
from staticlet.app.doctor.verdict import Check, Verdict

LITTLE_BYTES = 256 * 2**20
LITTLE_SHARE = 0.10
PLENTY_BYTES = 10 * 2**30
LITTLE_INODES = 1000
LITTLE_INODE_SHARE = 0.05
OTHERS_WRITE = 0o022


def root_dir(places: Places) -> Verdict:
    """Where the agent keeps what pods need."""
    return _directory(places.root_dir, "choose another one with --root-dir")


def pod_logs_dir(places: Places) -> Verdict:
    """Where the runtime writes what containers print."""
    return _directory(places.pod_logs_dir, "set podLogsDir to another one")


def _directory(place: Place, otherwise: str) -> Verdict:
    if place.fault:
        return verdict.fail(f"{place.path}: {place.fault}", otherwise)
    if place.kind not in (Kind.DIRECTORY, Kind.MISSING):
        return verdict.fail(f"{place.path} is {place.kind.value}, no directory", otherwise)
    if "ro" in place.flags:
        return verdict.fail(
            f"{place.path} is on {place.mount_point}, which is mounted read-only",
            f"mount -o remount,rw {place.mount_point} (after a look at dmesg), or {otherwise}",
        )
    if place.kind is Kind.MISSING:
        return verdict.good(f"{place.path} is not there yet, and can be made in {place.nearest}")
    access = place.access
    if access and (access.owner or access.mode & OTHERS_WRITE):
        return verdict.fail(
            f"{place.path} can be written by others than root (user {access.owner}, mode "
            f"{access.mode & 0o7777:04o}): they can run anything as root",
            f"chown root {place.path}; chmod go-w {place.path}",
        )
    return verdict.good(f"{place.path} is there")


def mount_options(places: Places) -> Verdict:
    """Options of mounts reach into emptyDir volumes and images."""
    found = tuple(
        f"{place.path} is on {place.mount_point} with {', '.join(bad)}"
        for name, place in places.all
        if (bad := _hampering(name, place))
    )
    if found:
        return verdict.warn(
            "containers are hampered by options of mounts",
            "remount without them (mount -o remount,exec,dev,suid MOUNTPOINT; /etc/fstab)",
            *found,
        )
    return verdict.good("none that hampers containers")


def _hampering(name: str, place: Place) -> list[str]:
    """Logs are neither run nor devices."""
    bad = () if name == "pod logs" else ("noexec", "nodev", "nosuid")
    return [flag for flag in bad if flag in place.flags]


def disk_space(places: Places) -> Verdict:
    """A full disk stops the runtime, logs and volumes at once."""
    rows = [row for name, place in places.all for row in _room(name, place)]
    details = tuple(text for _, text in rows)
    worst = max((level for level, _ in rows), default=0)
    remedy = (
        "remove images that nobody uses (crictl rmi --prune) and old logs, or enlarge the disk"
    )
    if worst == 2:
        return verdict.fail("almost none is left", remedy, *details)
    if worst == 1:
        return verdict.warn("little is left", remedy, *details)
    return verdict.good("enough", *details)


def _room(name: str, place: Place) -> Iterator[tuple[int, str]]:
    """How bad it is (0 to 2), and the words, for one place."""
    if not place.total_bytes:
        return
    share = place.free_bytes / place.total_bytes
    level = 0
    if place.free_bytes < LITTLE_BYTES:
        level = 2
    elif share < LITTLE_SHARE and place.free_bytes < PLENTY_BYTES:
        level = 1
    words = f"{place.free_bytes / 2**30:.1f} GiB ({share:.0%})"
    if place.total_inodes:
        words += f" and {place.free_inodes} inodes"
        level = max(level, _few_inodes(place))
    yield level, f"{name}: {words} free at {place.nearest}"


def _few_inodes(place: Place) -> int:
    if place.free_inodes < LITTLE_INODES:
        return 2
    return int(place.free_inodes < place.total_inodes * LITTLE_INODE_SHARE)


CHECKS = (
    Check("root-dir", "exists or can be made, writable, root's alone", root_dir),
    Check("pod-logs-dir", "the same of the directory of logs", pod_logs_dir),
    Check("mount-options", "no noexec, nodev or nosuid below volumes and images", mount_options),
    Check("disk-space", "free space and inodes of root directory, logs and images", disk_space),
)
