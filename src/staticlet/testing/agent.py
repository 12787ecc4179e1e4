"""An agent on a real containerd, for end-to-end tests: asked by its socket, checked by `ctr`."""

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

from staticlet.cli import agentsocket
from staticlet.pods import labels
from staticlet.testing import agentprocess
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing.agentprocess import NODE, NODE_IP, QUICK
from staticlet.testing.until import DEADLINE_S, lasts, until

__all__ = ["NODE", "NODE_IP", "QUICK", "Agent", "Life", "running"]

Pod = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One life of a container: two that are equal are the same process."""

    container_id: str
    pid: int
    restart_count: int


class Agent(agentprocess.AgentProcess):
    """An agent on a containerd of ours, which is asked what runs and looked after from outside.

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
        where = endpoint or containerd.endpoint
        super().__init__(base, endpoint=where, config=config, flags=flags)
        self._containerd = containerd
        self._marks = 0

    def pods(self) -> dict[str, Pod]:
        """Its pods by name, without the node's name at the end."""
        items: list[Pod] = agentsocket.ask(self.socket, "/pods")["items"]
        return {each["metadata"]["name"].removesuffix(f"-{NODE}"): each for each in items}

    def pod(self, name: str) -> Pod:
        """One pod; an empty one when there is none."""
        return self.pods().get(name, {})

    def entry(self, name: str) -> Mapping[str, Any]:
        """What became of a file of the manifest directory; empty when it is not listed."""
        listed: list[Mapping[str, Any]] = agentsocket.ask(self.socket, "/manifests")["manifests"]
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

    def sandboxes(self) -> list[str]:
        """The ids of all its sandboxes, dead ones too."""
        return self._containers(',labels."io.cri-containerd.kind"==sandbox')

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
