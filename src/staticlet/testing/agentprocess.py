"""`staticlet run` as a process of its own, which tests start, stop and kill.

Everything that the agent writes lies below one place, with a root directory, a manifest directory
and log directories of its own, so that several agents live side by side on one containerd.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from staticlet.cli import agentsocket
from staticlet.testing.manifestdir import ManifestDirectory
from staticlet.testing.until import DEADLINE_S, until

NODE = "n1"
NODE_IP = "192.0.2.7"
QUICK: Mapping[str, Any] = {
    "fileCheckFrequency": "10m",  # what is seen is seen by inotify
    "featureGates": {"ReduceDefaultCrashLoopBackOffDecay": True},
    "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"},
}
LOG_TAIL = 4000


class AgentProcess:
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
        self._process: subprocess.Popen[bytes] | None = None
        self.code: Path | None = None
        self._write_config(config)

    def _write_config(self, config: Mapping[str, Any]) -> None:
        kind = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
        self._config.write_text(json.dumps({**kind, "podLogsDir": str(self.pod_logs), **config}))

    @property
    def socket(self) -> Path:
        """Where it answers."""
        return self.root / "staticlet.sock"

    @property
    def pid(self) -> int | None:
        """Its pid while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    @property
    def log(self) -> str:
        """All that it has printed, over all its lives."""
        path = self.base / "agent.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *, without: str = "") -> None:
        """Start it, if need be without one of its flags, and wait until it answers."""
        flags = [flag for flag in self._flags if flag != without]
        with (self.base / "agent.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "staticlet", "run", *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.base,
                env=os.environ | ({"PYTHONPATH": str(self.code)} if self.code else {}),
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

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        return self._process.wait(timeout=DEADLINE_S)

    def answers(self) -> bool:
        """Whether it answers on its socket; an agent that has ended never will."""
        if self.pid is None:
            raise AssertionError(f"the agent has ended{self.story()}")
        try:
            agentsocket.ask(self.socket, "/healthz")
        except click.ClickException:
            return False
        return True

    def story(self) -> str:
        """The end of its log, for failures."""
        return f"\n--- log of the agent:\n{self.log[-LOG_TAIL:]}"
