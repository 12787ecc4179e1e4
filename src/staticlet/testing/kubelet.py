"""A real kubelet on an API server of ours: a process that tests start, stop and kill.

It is the kubelet that `make kube` builds. It keeps what it can below one place; a kubelet of that
age has the logs of pods in `/var/log` whatever it is told, so what it leaves there goes by the
namespaces that tests name to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from staticlet.testing import kubecluster, ports
from staticlet.testing.manifestdir import ManifestDirectory
from staticlet.testing.program import Program
from staticlet.testing.until import DEADLINE_S

_POD_LOGS = Path("/var/log/pods")
_LOG_LINKS = Path("/var/log/containers")


def program() -> Path:
    """The kubelet in the cache.

    Raises:
        kubecluster.NotBuilt: There is none.
    """
    return kubecluster.programs(("kubelet",)) / "kubelet"


class Kubelet(Program):
    """A kubelet that joins an API server.

    Args:
        base: Where it works; a short path, since its sockets are there too.
        endpoint: Its container runtime's endpoint.
        kubeconfig: How it reaches the API server.
        client_ca: The CA of those who may speak to it with a certificate.
        node: Its node's name.
        address: Where it serves its API, and its node's address; see `own_address`.

    Attributes:
        address: Where it serves its API.
        port: The port there.
        manifests: Its static pods.
    """

    def __init__(
        self,
        base: Path,
        *,
        endpoint: str,
        kubeconfig: Path,
        client_ca: Path,
        node: str,
        address: str,
    ) -> None:
        super().__init__("the kubelet", base, log="kubelet.log")
        self.base = base
        self.address = address
        self.port = ports.free(address)
        self.manifests = ManifestDirectory(base / "m")
        self._config = base / "config.json"
        self._config.write_text(json.dumps(self._configuration(client_ca)))
        self._flags = (
            f"--config={self._config}",
            f"--kubeconfig={kubeconfig}",
            f"--root-dir={base / 'root'}",
            f"--cert-dir={base / 'pki'}",
            f"--hostname-override={node}",
            f"--node-ip={address}",
            "--container-runtime=remote",
            f"--container-runtime-endpoint={endpoint}",
        )

    def _configuration(self, client_ca: Path) -> Mapping[str, Any]:
        """Quick to tell what is new, and content with a machine whose kernel it may not tune."""
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "staticPodPath": str(self.manifests.path),
            "volumePluginDir": str(self.base / "plugins"),
            "address": self.address,
            "port": self.port,
            "healthzPort": 0,
            "authentication": {"x509": {"clientCAFile": str(client_ca)}},
            "nodeStatusUpdateFrequency": "1s",
            "nodeLeaseDurationSeconds": 4,
            "syncFrequency": "5s",
            "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": False,
            "enforceNodeAllocatable": [],
            "evictionHard": {"memory.available": "1Mi"},
            "imageGCHighThresholdPercent": 100,
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "oomScoreAdj": 0,
            "featureGates": {"DevicePlugins": False, "LocalStorageCapacityIsolation": False},
        }

    def start(self) -> None:
        """Start it; it registers its node when it can, and its pods outlive it."""
        self.launch([str(program()), *self._flags])


def forget(namespaces: Iterable[str]) -> None:
    """Remove the logs of all pods of these namespaces."""
    for namespace in namespaces:
        for link in _LOG_LINKS.glob(f"*_{namespace}_*"):
            link.unlink(missing_ok=True)
        for logs in _POD_LOGS.glob(f"{namespace}_*"):
            shutil.rmtree(logs, ignore_errors=True)


def forget_the_dead(prefix: str) -> None:
    """Remove what runs that were killed have left.

    Args:
        prefix: How their namespaces begin; the rest of these is the pid of the run, in hex.
    """
    for logs in _POD_LOGS.glob(f"{prefix}*_*"):
        namespace = logs.name.partition("_")[0]
        owner = namespace.removeprefix(prefix)
        with contextlib.suppress(ValueError):
            if not Path(f"/proc/{int(owner, 16)}").exists():
                forget([namespace])


@contextlib.contextmanager
def own_address() -> Iterator[str]:
    """An address that only this machine reaches, from here to the end of the block.

    A kubelet takes none of 127.0.0.0/8 for its node's, and shall not listen on a network.
    """
    address = f"203.0.113.{os.getpid() % 254 + 1}"
    _ip("addr", "replace", f"{address}/32", "dev", "lo")
    try:
        yield address
    finally:
        _ip("addr", "del", f"{address}/32", "dev", "lo")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, stdin=subprocess.DEVNULL, timeout=DEADLINE_S)
