"""A cluster from nothing (docs/cluster.md): `staticlet up` runs the control plane that it joins.

The files are those of examples/cluster, with paths and ports of their own, so that several
machines of tests live on one. What runs is what `make kube` has built.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from staticlet.testing import containerd, ports
from staticlet.testing.kubectl import programs as programs_of_kubectl
from staticlet.testing.kubectl import rows
from staticlet.testing.until import until
from staticlet.testing.upprocess import NODE, UpProcess

FOUR = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
SYSTEM = "kube-system"
SLOW_S = 90.0
"""A control plane that starts on a machine with two busy cores."""

_PORTS = ("2379", "2380", "6443", "10257", "10259")


class ControlPlane(UpProcess):
    """A machine that runs its own control plane from four manifests.

    Args:
        base: Where everything of it lies; a short path.
        examples: The directory with the example's files.
        programs: The directory with etcd and the three programs of Kubernetes.
    """

    def __init__(self, base: Path, *, examples: Path, programs: Path) -> None:
        etc = base / "k"
        super().__init__(
            base, flags=(f"--kubeconfig={etc / 'kubelet.conf'}", f"--config={base / 'own.yaml'}")
        )
        self._examples = examples
        self._own = {
            "/etc/kubernetes": str(etc),
            "/var/lib/etcd": str(base / "etcd"),
            **{f":{port}": f":{ports.free()}" for port in _PORTS},
        }
        self._own |= {
            f"secure-port={port}": f"secure-port={self._own[f':{port}'][1:]}" for port in _PORTS
        }
        self.kubectl = replace(
            self.kubectl, program=programs_of_kubectl()[0], kubeconfig=etc / "admin.conf"
        )
        self._run(examples / "certificates", NODE, "127.0.0.1", etc)
        for path in etc.glob("*.conf"):
            path.write_text(self._adapted(path.read_text()))
        self._run(sys.executable, examples / "images", programs, base / "d/images")
        (base / "own.yaml").write_text(self._config())

    def _config(self) -> str:
        """The example's configuration, with ports and logs of its own and a short crash loop."""
        more = {
            "podLogsDir": str(self.base / "log"),
            "port": ports.free(),
            "healthzPort": ports.free(),
            "featureGates": {"ReduceDefaultCrashLoopBackOffDecay": True},
        }
        return self.example("kubelet.yaml") + "".join(
            f"{name}: {json.dumps(value)}\n" for name, value in more.items()
        )

    def example(self, name: str) -> str:
        """A file of examples/cluster, with this machine's paths and ports."""
        return self._adapted((self._examples / name).read_text())

    def _adapted(self, text: str) -> str:
        words = "|".join(re.escape(word) for word in self._own)
        return re.sub(rf"(?:{words})\b", lambda found: self._own[found.group()], text)

    @staticmethod
    def _run(*command: str | Path) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)

    def put(self, name: str, *, memory: str = "") -> None:
        """Write one of the four manifests, if need be with another memory request."""
        text = self.example(f"manifests/{name}.yaml")
        if memory:
            text = re.sub(r"memory: \w+", f"memory: {memory}", text)
        self.manifests.put(f"{name}.yaml", text)

    def shown(self, name: str, namespace: str = SYSTEM) -> dict[str, Any]:
        """A pod as kubectl has it; empty when it has none, or nobody answers."""
        said = self.kubectl.run(
            *("get", "pod", name, "-n", namespace, "-o", "json", "--request-timeout=5s")
        )
        found: dict[str, Any] = json.loads(said.out) if said.status == 0 else {}
        return found

    def node(self) -> dict[str, Any]:
        """The Node as kubectl has it; empty when there is none, or nobody answers."""
        said = self.kubectl.run("get", "node", NODE, "-o", "json", "--request-timeout=5s")
        found: dict[str, Any] = json.loads(said.out) if said.status == 0 else {}
        return found

    def table(self, namespace: str = SYSTEM) -> dict[str, tuple[str, str]]:
        """READY and STATUS of the pods of a namespace as kubectl prints them, by name."""
        said = self.kubectl.run("get", "pods", "-n", namespace, "--request-timeout=5s")
        found = rows(said.out) if said.status == 0 and said.out else []
        return {row["NAME"]: (row["READY"], row["STATUS"]) for row in found}

    def until_all_run(self) -> None:
        """Wait until kubectl shows the four as running."""
        wanted = {f"{name}-{NODE}": ("1/1", "Running") for name in FOUR}
        until(lambda: self.table() == wanted, "the four run", deadline_s=SLOW_S, story=self.story)

    def until_others(self, name: str, container: str) -> str:
        """Wait until kubectl shows another container of a pod as ready; its id."""

        def look() -> str:
            statuses = self.shown(name).get("status", {}).get("containerStatuses") or [{}]
            found = str(statuses[0].get("containerID", "")).partition("://")[2]
            return found if statuses[0].get("ready") and found != container else ""

        return until(look, f"{name} is another", deadline_s=SLOW_S, story=self.story)


@contextmanager
def running(*, examples: Path, programs: Path) -> Iterator[ControlPlane]:
    """A machine, not started, from here to the end of the block; all of it ends with the block.

    Raises:
        containerd.NeedsRoot: Without root.
    """
    with containerd.own_place() as base:
        made = ControlPlane(base, examples=examples, programs=programs)
        try:
            yield made
        finally:
            made.kill()
