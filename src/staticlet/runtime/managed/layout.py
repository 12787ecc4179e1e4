"""Where a containerd of ours keeps its things: everything below one data and one run directory.

What must outlive a reboot (images, containers) is below the data directory, what must not
(sockets, mounts, addresses handed out) below the run directory. Two things are containerd's own
and cannot be moved: the shims' sockets in /run/containerd/s, whose names are hashes of our
socket's path, and libcni's cache in /var/lib/cni, whose names begin with our network's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# sun_path holds 108 bytes with the closing NUL; containerd adds ".ttrpc" for its second socket.
MAX_SOCKET_BYTES = 107 - len(".ttrpc")


class SocketPathTooLong(ValueError):
    """The run directory is so deep that the kernel refuses a socket in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The places of one containerd of ours."""

    data_dir: Path
    run_dir: Path

    def __post_init__(self) -> None:
        """Refuse a socket path that the kernel would refuse.

        Raises:
            SocketPathTooLong: With the path, its length and the limit.
        """
        length = len(str(self.socket).encode())
        if length > MAX_SOCKET_BYTES:
            raise SocketPathTooLong(
                f"the socket path {self.socket} has {length} bytes, "
                f"at most {MAX_SOCKET_BYTES} work: choose a shorter run directory"
            )

    @property
    def root(self) -> Path:
        """Containerd's root: images, snapshots, metadata."""
        return self.data_dir / "containerd"

    @property
    def state(self) -> Path:
        """Containerd's state: bundles of what runs, mounts, network namespaces."""
        return self.run_dir / "containerd"

    @property
    def socket(self) -> Path:
        """The gRPC socket."""
        return self.run_dir / "containerd.sock"

    @property
    def endpoint(self) -> str:
        """The gRPC socket as a CRI endpoint."""
        return f"unix://{self.socket}"

    @property
    def config(self) -> Path:
        """The generated configuration."""
        return self.run_dir / "containerd.toml"

    @property
    def pid_file(self) -> Path:
        """Who runs: pid, start time and boot of the containerd that was started last."""
        return self.run_dir / "containerd.pid"

    @property
    def log(self) -> Path:
        """What containerd prints."""
        return self.data_dir / "containerd.log"

    @property
    def images(self) -> Path:
        """Where people put image archives to be imported at start."""
        return self.data_dir / "images"

    @property
    def imported(self) -> Path:
        """Which archives were imported; lost with the root, as the images are."""
        return self.root / "imported.json"

    @property
    def cni_conf(self) -> Path:
        """Our own network configuration, used where the machine has none."""
        return self.data_dir / "cni"

    @property
    def cni_state(self) -> Path:
        """Addresses handed out; gone after a reboot, as the pods that held them."""
        return self.run_dir / "cni"

    @property
    def bin(self) -> Path:
        """Programs that containerd and its network plugins must find first."""
        return self.run_dir / "bin"

    @property
    def registries(self) -> Path:
        """hosts.toml files, one directory a registry."""
        return self.data_dir / "certs.d"
