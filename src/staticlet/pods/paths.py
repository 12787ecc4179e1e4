"""Where a pod lives on disk: every path of a pod, computed from its names and nothing else.

The places are the kubelet's, so that tools which look there (log collectors, crictl users) find
what they expect. A name that could leave its directory is refused: no path made here lies
outside the roots it was made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from staticlet.config.settings import Settings
from staticlet.pods.faults import UnsafeName
from staticlet.pods.wanted import PodKey

EMPTY_DIR_PLUGIN = "kubernetes.io~empty-dir"
_PROJECTION_PLUGINS = {
    "configMap": "kubernetes.io~configmap",
    "secret": "kubernetes.io~secret",
    "projected": "kubernetes.io~projected",
    "downwardAPI": "kubernetes.io~downward-api",
}
MARK = ".staticlet"
NEW_MARK = f"{MARK}.new"
MAX_FILE_NAME = 255
_LOG_SUFFIX = ".log"


def component(name: str) -> str:
    """The name itself, as one step of a path.

    Raises:
        UnsafeName: It is empty, `.`, `..`, too long or holds a slash or a NUL.
    """
    bad = name in {"", ".", ".."} or "/" in name or "\0" in name
    if bad or len(name.encode(errors="surrogateescape")) > MAX_FILE_NAME:
        raise UnsafeName(f"{name!r} can not be the name of a file: use letters, digits, - and .")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPaths:
    """The paths of one pod.

    Attributes:
        root: The agent's root directory.
        logs: Where all pods' log directories are, `/var/log/pods`.
        links: Where the old style links to log files are, `/var/log/containers`.
        namespace: The pod's namespace.
        name: Its final name.
        uid: Its static UID.
    """

    root: Path
    logs: Path
    links: Path
    namespace: str
    name: str
    uid: str

    def __post_init__(self) -> None:
        for name in (self.namespace, self.name, self.uid):
            component(name)

    @property
    def directory(self) -> Path:
        """`<root>/pods/<uid>`: all that is the pod's alone."""
        return self.root / "pods" / self.uid

    @property
    def mark(self) -> Path:
        """A file that says that the directory is staticlet's, and whose: `<namespace>/<name>`.

        The root directory may be one that a kubelet used or uses; what has no mark is not ours.
        """
        return self.directory / MARK

    @property
    def volumes(self) -> Path:
        """Where its volumes are, one directory a kind."""
        return self.directory / "volumes"

    @property
    def plugins(self) -> Path:
        """A directory the kubelet makes for every pod; empty here."""
        return self.directory / "plugins"

    @property
    def etc_hosts(self) -> Path:
        """The hosts file that its containers share."""
        return self.directory / "etc-hosts"

    @property
    def sub_paths(self) -> Path:
        """Where the mounts of subPaths are."""
        return self.directory / "volume-subpaths"

    @property
    def log_directory(self) -> Path:
        """`/var/log/pods/<namespace>_<name>_<uid>`."""
        return self.logs / component(f"{self.namespace}_{self.name}_{self.uid}")

    def empty_dir(self, volume: str) -> Path:
        """The directory of an emptyDir volume."""
        return self.volumes / EMPTY_DIR_PLUGIN / component(volume)

    def projection(self, kind: str, volume: str) -> Path:
        """The directory of a volume that is written from objects, by the field that makes it."""
        return self.volumes / _PROJECTION_PLUGINS[kind] / component(volume)

    def sub_path(self, volume: str, container: str, index: int) -> Path:
        """Where the subPath of a container's `index`-th mount is mounted."""
        return self.sub_paths / component(volume) / component(container) / str(index)

    def container_directory(self, container: str) -> Path:
        """Where the container's termination messages are."""
        return self.directory / "containers" / component(container)

    def termination_log(self, container: str, restart_count: int) -> Path:
        """The termination message of one start of a container.

        The kubelet names it by eight random hex digits and finds it again through the mounts
        that the runtime reports. Here the digits are the restart count, so that it is found
        without asking.
        """
        return self.container_directory(container) / f"{restart_count & 0xFFFFFFFF:08x}"

    def container_log_directory(self, container: str) -> Path:
        """The directory of one container's log files."""
        return self.log_directory / component(container)

    def log_file(self, container: str, restart_count: int) -> Path:
        """The log file of one start of a container."""
        return self.log_directory / log_path(container, restart_count)

    def log_link(self, container: str, container_id: str) -> Path:
        """The old style link to a log file, its name cut to what a file name may be."""
        stem = f"{self.link_prefix}{component(container)}-{component(container_id)}"
        return self.links / (stem[: MAX_FILE_NAME - len(_LOG_SUFFIX)] + _LOG_SUFFIX)

    @property
    def link_prefix(self) -> str:
        """What the names of all old style links to its logs begin with."""
        return f"{self.name}_{self.namespace}_"[: MAX_FILE_NAME - len(_LOG_SUFFIX)]


def of(key: PodKey, uid: str, settings: Settings) -> PodPaths:
    """The paths of a pod, known by its key and UID alone: enough to clean up after it.

    Raises:
        UnsafeName: Its namespace, name or UID would lead out of the root directory.
    """
    return PodPaths(
        root=settings.root_dir,
        logs=settings.pod_logs_dir,
        links=settings.container_logs_dir,
        namespace=key.namespace,
        name=key.name,
        uid=uid,
    )


def log_path(container: str, restart_count: int) -> str:
    """The log file of one start, relative to the pod's log directory, as the CRI wants it."""
    return f"{component(container)}/{restart_count}{_LOG_SUFFIX}"
