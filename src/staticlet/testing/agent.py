"""`staticlet run` as a process of its own, on a real containerd, for end-to-end tests.

Everything that the agent writes lies below one place, with a root directory, a manifest directory
and log directories of its own, so that several agents live side by side on one containerd.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from staticlet.cli import get
from staticlet.pods import labels
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing.manifestdir import ManifestDirectory
from staticlet.testing.until import DEADLINE_S, lasts, until

Pod = Mapping[str, Any]

NODE = "n1"
NODE_IP = "192.0.2.7"
QUICK: Mapping[str, Any] = {
    "fileCheckFrequency": "10m",  # what is seen is seen by inotify
    "featureGates": {"ReduceDefaultCrashLoopBackOffDecay": True},
    "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"},
}
LOG_TAIL = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One life of a container: two that are equal are the same process."""

    container_id: str
    pid: int
    restart_count: int


class Agent:
    """An agent that can be started, stopped, killed and asked.

    Args:
        base: Where everything of it lies; a short path, since its socket is there too.
        containerd: The containerd on which it runs pods.
        endpoint: Another endpoint than the containerd's.
        config: Fields of its KubeletConfiguration.
        flags: More flags.
    """

    def __init__(
        self,
        base: Path,
        containerd: containerd_of_ours.Containerd,
        *,
        endpoint: str = "",
        config: Mapping[str, Any] = QUICK,
        flags: Sequence[str] = (),
    ) -> None:
        self.base = base
        self.root = base / "root"
        self.pod_logs = base / "log"
        self.manifests = ManifestDirectory(base / "m")
        self._containerd = containerd
        self._config = base / "config.yaml"
        self._flags = (
            f"--config={self._config}",
            f"--pod-manifest-path={self.manifests.path}",
            f"--root-dir={self.root}",
            f"--hostname-override={NODE}",
            f"--node-ip={NODE_IP}",
            f"--container-runtime-endpoint={endpoint or containerd.endpoint}",
            *flags,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._marks = 0
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
            get.ask(self.socket, "/healthz")
        except click.ClickException:
            return False
        return True

    def pods(self) -> dict[str, Pod]:
        """Its pods by name, without the node's name at the end."""
        items: list[Pod] = get.ask(self.socket, "/pods")["items"]
        return {each["metadata"]["name"].removesuffix(f"-{NODE}"): each for each in items}

    def pod(self, name: str) -> Pod:
        """One pod; an empty one when there is none."""
        return self.pods().get(name, {})

    def entry(self, name: str) -> Mapping[str, Any]:
        """What became of a file of the manifest directory; empty when it is not listed."""
        listed: list[Mapping[str, Any]] = get.ask(self.socket, "/manifests")["manifests"]
        own = (one for one in listed if one["origin"] == str(self.manifests.file(name)))
        return next(own, {})

    def cli(self, *args: str) -> str:
        """What `staticlet get …` of this agent prints."""
        return subprocess.run(
            [sys.executable, "-m", "staticlet", "get", *args, f"--root-dir={self.root}"],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_S,
        ).stdout

    def until_entry(self, name: str, state: str) -> Mapping[str, Any]:
        """Wait until a file is in a state."""

        def look() -> Mapping[str, Any]:
            one = self.entry(name)
            return one if one.get("state") == state else {}

        return until(look, f"{name} is {state}", story=self.story)

    def until_settled(self) -> None:
        """Wait until everything that was done to the manifest directory so far was seen."""
        self._marks += 1
        mark = self.manifests.file(f"mark-{self._marks}.txt")
        mark.touch()
        until(lambda: self.entry(mark.name), "the mark is seen", story=self.story)
        mark.unlink()

    def story(self) -> str:
        """The end of its log, for failures."""
        return f"\n--- log of the agent:\n{self.log[-LOG_TAIL:]}"

    def tidy(self) -> None:
        """End all its pods, if need be with a new agent, and then the agent."""
        self.manifests.clear()
        if self.pid is None:
            self.start()
        until(self._clean, "nothing is left of the pods", deadline_s=40, story=self.story)
        self.stop()

    def _clean(self) -> bool:
        return not self.pods() and not self.owned() and not any((self.root / "pods").glob("*"))

    def owned(self) -> list[str]:
        """The ids of everything that containerd has with this agent's label."""
        return self._containers("")

    def owned_of(self, name: str) -> list[str]:
        """The same of one pod: its sandboxes and containers."""
        return self._containers(f',labels."{labels.POD_NAME}"=={name}-{NODE}')

    def sandboxes_of(self, name: str) -> list[str]:
        """The ids of a pod's sandboxes, dead ones too."""
        kind = 'labels."io.cri-containerd.kind"==sandbox'
        return self._containers(f',labels."{labels.POD_NAME}"=={name}-{NODE},{kind}')

    def _containers(self, more: str) -> list[str]:
        chosen = f'labels."{labels.OWNER}"=={labels.owner(self.root.resolve())}{more}'
        return self._containerd.ctr("containers", "list", "-q", chosen).split()

    def state(self, name: str, container: str = "main") -> Mapping[str, Any]:
        """The status of a container, of an init container too; empty when there is none."""
        status = self.pod(name).get("status", {})
        every = [*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())]
        return next((one for one in every if one["name"] == container), {})

    def life(self, name: str, container: str = "main") -> Life | None:
        """The container's present life, or None while it does not run."""
        state = self.state(name, container)
        container_id = (state.get("containerID") or "").partition("://")[2]
        pid = self.pids().get(container_id)
        if pid is None or "running" not in state.get("state", {}):
            return None
        return Life(container_id=container_id, pid=pid, restart_count=state["restartCount"])

    def words(self, name: str, container: str = "main", restart: int = 0) -> str:
        """What one life of a container has printed, by its log file."""
        uid = self.pod(name)["metadata"]["uid"]
        directory = self.pod_logs / f"default_{name}-{NODE}_{uid}"
        path = directory / container / f"{restart}.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return "".join(line.split(" ", 3)[3] + "\n" for line in lines)

    def pids(self) -> dict[str, int]:
        """The pid of each task that runs on the containerd, by its id."""
        rows = (line.split() for line in self._containerd.ctr("tasks", "list").splitlines()[1:])
        return {row[0]: int(row[1]) for row in rows if row[2] == "RUNNING"}

    def kill_task(self, runtime_id: str) -> None:
        """SIGKILL to the process of a container or sandbox."""
        os.kill(self.pids()[runtime_id], signal.SIGKILL)

    def until_runs(self, name: str, container: str = "main", *, after: Life | None = None) -> Life:
        """Wait until the container runs, in another life than `after`."""

        def look() -> Life | None:
            life = self.life(name, container)
            return life if life != after else None

        found = until(look, f"{name}/{container} runs", story=self.story)
        if found is None:
            raise AssertionError("unreachable")
        return found

    def until_gone(self, name: str) -> None:
        """Wait until a pod is not shown any more."""
        until(lambda: not self.pod(name), f"{name} is gone", story=self.story)

    def until_status(self, name: str, what: str, look: Any) -> Mapping[str, Any]:
        """Wait until `look(status)` of a pod is truthy; the status."""

        def found() -> Mapping[str, Any]:
            status: Mapping[str, Any] = self.pod(name).get("status", {})
            return status if status and look(status) else {}

        return until(found, f"{name}: {what}", story=lambda: self._told(name))

    def _told(self, name: str) -> str:
        return f"\n{json.dumps(self.pod(name).get('status'), indent=1)}{self.story()}"

    def runs_on(self, life: Life, name: str, container: str = "main") -> None:
        """Assert that the container lives on: nothing was done to it, and nothing is going to."""
        self.until_settled()
        lasts(
            lambda: self.life(name, container) == life,
            f"{name}/{container} runs on as {life}",
            for_s=0.5,
            story=self.story,
        )


@contextmanager
def running(
    base: Path, containerd: containerd_of_ours.Containerd, **options: Any
) -> Iterator[Agent]:
    """An agent that answers, from here to the end of the block; its pods end with it."""
    base.mkdir(parents=True)
    agent = Agent(base, containerd, **options)
    try:
        agent.start()
        yield agent
    finally:
        try:
            agent.tidy()
        finally:
            agent.kill()
