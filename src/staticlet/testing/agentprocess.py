"""`staticlet run` as a process of its own, which tests start, stop and kill.

Everything that the agent writes lies below one place, with a root directory, a manifest directory
and log directories of its own, so that several agents live side by side on one containerd.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from staticlet.cli import agentsocket
from staticlet.testing import program
from staticlet.testing.manifestdir import ManifestDirectory
from staticlet.testing.until import DEADLINE_S, until

NODE = "n1"
NODE_IP = "192.0.2.7"
QUICK: Mapping[str, Any] = {
    "fileCheckFrequency": "10m",  # what is seen is seen by inotify
    "featureGates": {"ReduceDefaultCrashLoopBackOffDecay": True},
    "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"},
}

CLOSED: Mapping[str, Any] = {"enableServer": False, "healthzPort": 0}
"""No port of the kubelet's is open unless a test asks for it: agents run side by side."""


class AgentProcess(program.Program):
    """An agent that can be started, stopped and killed.

    Args:
        base: Where everything of it lies; a short path, since its socket is there too.
        endpoint: Its container runtime's endpoint.
        config: Fields of its KubeletConfiguration.
        flags: More flags.

    Attributes:
        code: A directory with the package `staticlet` of which to start it, if not our own.
    """

    def __init__(
        self,
        base: Path,
        *,
        endpoint: str,
        config: Mapping[str, Any] = QUICK,
        flags: Sequence[str] = (),
    ) -> None:
        super().__init__("the agent", base, log="agent.log")
        self.base = base
        self.root = base / "root"
        self.pod_logs = base / "log"
        self.manifests = ManifestDirectory(base / "m")
        self._config = base / "config.yaml"
        self._flags = (
            f"--config={self._config}",
            f"--pod-manifest-path={self.manifests.path}",
            f"--root-dir={self.root}",
            f"--hostname-override={NODE}",
            f"--node-ip={NODE_IP}",
            f"--container-runtime-endpoint={endpoint}",
            *flags,
        )
        self.code: Path | None = None
        self._write_config(config)

    def _write_config(self, config: Mapping[str, Any]) -> None:
        kind = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
        own = {"podLogsDir": str(self.pod_logs), **CLOSED}
        self._config.write_text(json.dumps({**kind, **own, **config}))

    @property
    def socket(self) -> Path:
        """Where it answers."""
        return self.root / "staticlet.sock"

    def start(self, *, without: str = "") -> None:
        """Start it, if need be without one of its flags, and wait until it answers."""
        flags = [flag for flag in self._flags if flag != without]
        self.launch(
            [sys.executable, "-m", "staticlet", "run", *flags],
            {"PYTHONPATH": str(self.code)} if self.code else {},
        )
        until(self.answers, "the agent answers", story=self.story)

    def run_to_end(self) -> tuple[int, str]:
        """Start one more agent with the same flags, which ends by itself: status and words."""
        done = subprocess.run(
            [sys.executable, "-m", "staticlet", "run", *self._flags],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.base,
            timeout=DEADLINE_S,
        )
        return done.returncode, done.stdout

    def answers(self) -> bool:
        """Whether it answers on its socket; an agent that has ended never will."""
        self.check_alive()
        try:
            agentsocket.ask(self.socket, "/healthz")
        except click.ClickException:
            return False
        return True
