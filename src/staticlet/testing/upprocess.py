"""`staticlet up` as a process of its own, which tests start, stop and kill, with its API server.

Everything of it lies below one place, which `containerd.own_place` clears; its API server listens
on a free port that it keeps. Root only.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from staticlet.cli import agentsocket
from staticlet.runtime.managed import archives, process
from staticlet.testing import containerd, ports, program
from staticlet.testing.kubectl import Kubectl, programs
from staticlet.testing.manifestdir import ManifestDirectory
from staticlet.testing.until import DEADLINE_S, until

NODE = "n1"
CONFIG: Mapping[str, Any] = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "enableServer": False,
    "healthzPort": 0,
    "featureGates": {"ReduceDefaultCrashLoopBackOffDecay": True},
}
"""The kubelet's ports stay closed: several machines of tests live on one."""


class UpProcess(program.Program):
    """A machine with a containerd, an agent and an API server of its own.

    Args:
        base: Where everything of it lies; a short path, since sockets are there too.
        flags: More flags.

    Attributes:
        base: That path.
        manifests: Its manifest directory.
        api_port: The port of its API server.
        kubectl: Asks its API server as the administrator.
    """

    def __init__(self, base: Path, *, flags: Sequence[str] = ()) -> None:
        super().__init__("staticlet up", base, log="up.log")
        self.base = base
        self.manifests = ManifestDirectory(base / "m")
        self.api_port = ports.free()
        self.kubectl = Kubectl(
            program=programs()[-1], kubeconfig=base / "d/api/admin.conf", home=base
        )
        config = base / "kubelet.yaml"
        config.write_text(json.dumps({**CONFIG, "podLogsDir": str(base / "log")}))
        self._images = base / "d/images"
        self._images.mkdir(parents=True)
        (self._images / "busybox.tar").write_bytes(containerd.busybox_image())
        self._flags = (
            f"--data-dir={base / 'd'}",
            f"--run-dir={base / 'r'}",
            f"--config={config}",
            f"--pod-manifest-path={self.manifests.path}",
            f"--hostname-override={NODE}",
            f"--api-port={self.api_port}",
            *flags,
        )

    def start(self) -> None:
        """Start it and wait until the agent answers; the API server may take longer."""
        self.launch([sys.executable, "-m", "staticlet", "up", *self._flags])
        until(self._answers, "the agent of `up` answers", story=self.story)

    def _answers(self) -> bool:
        self.check_alive()
        try:
            self.pods()
        except click.ClickException:
            return False
        return True

    def pods(self) -> dict[str, Mapping[str, Any]]:
        """The agent's pods by name."""
        items = agentsocket.ask(self.base / "d/kubelet" / agentsocket.SOCKET_NAME, "/pods")
        return {each["metadata"]["name"]: each for each in items["items"]}

    def container(self, pod: str) -> str:
        """The id of a pod's only container, which runs, as the agent has it; else empty."""
        statuses = self.pods().get(pod, {}).get("status", {}).get("containerStatuses") or [{}]
        runs = "running" in statuses[0].get("state", {})
        return str(statuses[0]["containerID"]).partition("://")[2] if runs else ""

    def tasks(self) -> dict[str, int]:
        """The pid of each task that runs on its containerd, by its id."""
        said = subprocess.run(
            ["ctr", "-a", self.base / "r/containerd.sock", "-n", archives.NAMESPACE, "task", "ls"],
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        ).stdout
        rows = (line.split() for line in said.splitlines()[1:])
        return {row[0]: int(row[1]) for row in rows if row[2] == "RUNNING"}

    def until_runs(self, pod: str) -> tuple[str, int]:
        """Wait until a pod's only container runs; its id and pid, which make a life."""
        found = until(lambda: self.container(pod), f"{pod} runs", story=self.story)
        return found, self.tasks()[found]

    def api_pid(self) -> int:
        """The pid of the API server that was started last; 0 when it does not run."""
        try:
            identity = process.parse_identity((self.base / "r/api.pid").read_text())
        except FileNotFoundError:
            return 0
        if identity is None or process.identify(identity.pid) != identity:
            return 0
        return identity.pid

    def kubeconfig_is_there(self) -> bool:
        """Whether the API server has written what kubectl reads; it serves a moment later."""
        return self.kubectl.kubeconfig.exists()

    def until_node_is_ready(self) -> None:
        """Wait until kubectl shows the node as ready."""

        def look() -> bool:
            said = self.kubectl.run("get", "node", NODE, "-o", "json", "--request-timeout=5s")
            return said.status == 0 and is_ready(json.loads(said.out))

        until(look, "the node is ready", story=self.story)

    def seen(self, pod: str) -> dict[str, Any]:
        """A pod of the namespace `default` as kubectl has it; empty when it has none."""
        said = self.kubectl.run("get", "pod", pod, "-o", "json", "--request-timeout=5s")
        found: dict[str, Any] = json.loads(said.out) if said.status == 0 else {}
        return found

    def until_seen(self, pod: str, *, not_uid: str = "") -> dict[str, Any]:
        """Wait until kubectl shows a pod as ready, under another uid than the given one."""

        def look() -> dict[str, Any]:
            found = self.seen(pod)
            return found if is_ready(found) and found["metadata"]["uid"] != not_uid else {}

        return until(look, f"kubectl shows {pod} ready", deadline_s=40, story=self.story)


def is_ready(found: Mapping[str, Any]) -> bool:
    """Whether the conditions of a pod or node say that it is ready."""
    conditions = found.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


@contextmanager
def running(*, flags: Sequence[str] = ()) -> Iterator[UpProcess]:
    """A machine from here to the end of the block, after which nothing is left of it.

    Raises:
        containerd.NeedsRoot: Without root.
    """
    with containerd.own_place() as base:
        up = UpProcess(base, flags=("--stop-pods", *flags))
        try:
            yield up
            up.manifests.clear()
        finally:
            try:
                up.stop()
            finally:
                up.kill()
