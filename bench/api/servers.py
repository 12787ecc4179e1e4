"""The contestants: `staticlet api`, and a kube-apiserver with its etcd as `make kube` builds them.

Each has TLS, tokens from a file, a directory and ports of its own on loopback.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bench import usage
from bench.api import wire
from staticlet.testing import kubecluster, ports

OURS, THEIRS = "staticlet", "kube-apiserver"
START_S = 90.0
STOP_S = 20.0
POLL_S = 0.01
"""How often it is asked whether it is ready: a start is not measured finer than this."""


class DidNotStart(Exception):
    """A server ended at once, or never became ready."""


class Server:
    """A server that can be started and stopped; what it stored stays.

    Args:
        name: What the table calls it.
        base: Its directory.
    """

    def __init__(self, name: str, base: Path) -> None:
        self.name = name
        self._base = base
        base.mkdir(parents=True)
        self.place = wire.Place(port=ports.free(), token=secrets.token_hex(16))
        self._tokens = base / "tokens.csv"
        self._tokens.write_text(f"{self.place.token},admin,1,system:masters\n")
        self._running: list[subprocess.Popen[bytes]] = []

    def commands(self) -> Sequence[Sequence[str]]:
        """The processes that it is made of, in the order of their start."""
        raise NotImplementedError

    def start(self) -> float:
        """Start it; seconds until it says that it is ready.

        Raises:
            DidNotStart: It never did.
        """
        began = time.perf_counter()
        with (self._base / "log").open("ab") as log:
            self._running = [
                subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._base
                )
                for command in self.commands()
            ]
        while not self._ready():
            ended = any(process.poll() is not None for process in self._running)
            if ended or time.perf_counter() - began > START_S:
                self.stop()
                raise DidNotStart(f"{self.name}: {(self._base / 'log').read_text()[-2000:]}")
            time.sleep(POLL_S)  # noqa: TID251  a process that tells nobody is asked
        return time.perf_counter() - began

    def stop(self) -> None:
        """End its processes, the last first."""
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running = []

    def pss_mb(self) -> float:
        """What its processes hold: their shares of memory, in megabytes (2^20)."""
        return sum(usage.memory(process.pid).pss_mb for process in self._running)

    def cpu_s(self) -> float:
        """CPU time of its processes since their start."""
        return sum(usage.cpu_seconds(process.pid) for process in self._running)

    def _ready(self) -> bool:
        with contextlib.suppress(OSError, wire.Refused):
            connection = wire.Connection(self.place)
            try:
                return connection.ask(self.place.request("GET", "/readyz")).endswith(b"ok")
            finally:
                connection.close()
        return False


class Ours(Server):
    """`staticlet api`, as a user starts it."""

    def __init__(self, base: Path) -> None:
        super().__init__(OURS, base)

    def commands(self) -> Sequence[Sequence[str]]:
        """One process."""
        return [
            [
                *(sys.executable, "-m", "staticlet", "api"),
                *("--state-dir", str(self._base / "state")),
                *("--secure-port", str(self.place.port)),
                *("--token-auth-file", str(self._tokens)),
            ]
        ]


class Theirs(Server):
    """etcd, and a kube-apiserver that stores there.

    Raises:
        kubecluster.NotBuilt: They are not in the cache.
    """

    def __init__(self, base: Path) -> None:
        self._programs = programs()
        super().__init__(THEIRS, base)
        self._etcd_ports = ports.free(), ports.free()
        self._key = base / "accounts.key"
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )

    def commands(self) -> Sequence[Sequence[str]]:
        """Two processes."""
        clients, peers = (f"http://{wire.HOST}:{port}" for port in self._etcd_ports)
        return [
            [
                str(self._programs / "etcd"),
                f"--data-dir={self._base / 'etcd'}",
                *(f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"),
                *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
                f"--initial-cluster=default={peers}",
                "--logger=zap",
                "--log-level=error",
            ],
            [
                str(self._programs / "kube-apiserver"),
                f"--etcd-servers={clients}",
                f"--bind-address={wire.HOST}",
                f"--secure-port={self.place.port}",
                f"--cert-dir={self._base / 'certs'}",
                f"--token-auth-file={self._tokens}",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={self._key}",
                f"--service-account-signing-key-file={self._key}",
                "--service-cluster-ip-range=10.0.0.0/24",
                "--endpoint-reconciler-type=none",
            ],
        ]


def programs() -> Path:
    """Where kube-apiserver and etcd are.

    Raises:
        kubecluster.NotBuilt: They are not there.
    """
    return kubecluster.programs(("kube-apiserver", "etcd"))
