"""An agent as the kubelet's API sees it: one static pod, whose logs a test writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from staticlet.aio import fanout
from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import logs, wanted

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = wanted.PodKey("default", "web-node1")
CONTAINER = "main"


def pod(name: str = KEY.name, *, source: str = "file", deleted: bool = False) -> core.Pod:
    """A pod with one running container."""
    started = core.ContainerStateRunning(startedAt=NOW)
    status = core.ContainerStatus(
        name=CONTAINER,
        image="registry.k8s.io/pause:3.9",
        imageID="",
        ready=True,
        restartCount=1,
        containerID="containerd://c1",
        state=core.ContainerState(running=started),
    )
    return core.Pod(
        apiVersion="v1",
        kind="Pod",
        metadata=core.ObjectMeta(
            name=name,
            namespace=KEY.namespace,
            uid="u1",
            annotations={"kubernetes.io/config.source": source, "kubernetes.io/config.hash": "u1"},
            deletionTimestamp=NOW if deleted else None,
        ),
        spec=core.PodSpec(
            containers=[core.Container(name=CONTAINER, image="registry.k8s.io/pause:3.9")],
            nodeName="node1",
        ),
        status=core.PodStatus(phase="Running", containerStatuses=[status]),
    )


class Counted(fanout.Fanout[wanted.PodKey]):
    """News of pods, and how many hear them."""

    followers = 0

    @contextlib.contextmanager
    def subscribed(self) -> Iterator[fanout.Subscription[wanted.PodKey]]:
        """Hear of news while the context is open."""
        with super().subscribed() as news:
            self.followers += 1
            try:
                yield news
            finally:
                self.followers -= 1


class KubeletView:
    """An agent with the pod `web-node1`, whose container `main` lives for the second time.

    Args:
        directory: Where the logs lie.
        settings: What holds.

    Attributes:
        changes: Closed by the test where an agent would end.
        settings: What holds.
        running: Whether the container runs.
        shown: The pods.
    """

    def __init__(self, directory: Path, settings: Settings) -> None:
        self.changes = Counted()
        self.settings = settings
        self.running = True
        self.shown = [pod()]
        self._log, self._previous = directory / "1.log", directory / "0.log"
        for path in (self._log, self._previous):
            path.touch()

    @property
    def followers(self) -> int:
        """How many follow a log."""
        return self.changes.followers

    def pods(self) -> list[core.Pod]:
        """All pods with their status."""
        return [*self.shown]

    def time(self) -> datetime:
        """Now: noon."""
        return NOW

    def log_of(self, key: wanted.PodKey, container: str, *, previous: bool) -> logs.LogFile:
        """The log of the present or the previous life; raises logs.NotAvailable."""
        if key != KEY:
            raise logs.Unknown(f'pod "{key.name}" does not exist')
        if container == "setup":
            raise logs.NotAvailable(
                f'container "setup" in pod "{key.name}" is waiting to start: ContainerCreating'
            )
        if container != CONTAINER:
            raise logs.Unknown(f'container "{container}" not found in pod "{key.name}"')
        return logs.LogFile(
            path=self._previous if previous else self._log,
            uid="u1",
            container_id="c1",
            running=self.running,
            again=False,
        )

    def write(self, *texts: str, previous: bool = False, minute: int = 0) -> None:
        """Let the container write lines, so many minutes after 11 o'clock."""
        with (self._previous if previous else self._log).open("a") as file:
            for text in texts:
                file.write(f"2026-01-01T11:{minute:02d}:00.000000000Z stdout F {text}\n")

    def end(self) -> None:
        """Let the container end."""
        self.running = False
        self.changes.publish(KEY)
