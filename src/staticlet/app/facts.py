"""The facts of this machine that pods depend on: read once, those that change read again."""

from __future__ import annotations

from staticlet.aio import clock as clocks
from staticlet.config.settings import Settings
from staticlet.host import cgroup, machine
from staticlet.pods.node import NodeFacts

FRESH_S = 5.0


class Facts:
    """Gives the machine's facts, at most a few seconds old.

    Host names and name servers may change while the agent runs; reading two small files again
    every few seconds, and only when a pod starts, is all it costs.
    """

    def __init__(self, settings: Settings, clock: clocks.Clock) -> None:
        self.cgroup_driver = settings.cgroup_driver
        self._settings = settings
        self._clock = clock
        self._trees = cgroup.present()
        self._made: tuple[float, NodeFacts] | None = None

    def now(self) -> NodeFacts:
        """The facts."""
        time = self._clock.monotonic()
        if self._made is None or time - self._made[0] > FRESH_S:
            self._made = (time, self._read())
        return self._made[1]

    def use(self, settings: Settings) -> None:
        """Go by other settings; the runtime's cgroup driver stays."""
        self._settings = settings
        self._made = None

    def use_cgroup_driver(self, driver: str) -> None:
        """Take the driver that the runtime names, which counts more than the settings."""
        self.cgroup_driver = driver
        self._made = None

    def _read(self) -> NodeFacts:
        conf = self._settings.resolv_conf
        return NodeFacts(
            name=self._settings.node_name,
            ips=self._settings.node_ips or tuple(filter(None, (machine.address(),))),
            memory_bytes=machine.memory_bytes(),
            cpus=machine.cpus(),
            cgroup_version=self._trees.version,
            cgroup_driver=self.cgroup_driver,
            swap_controlled=machine.swap_controlled(self._trees),
            hugepage_sizes=machine.hugepage_sizes(self._trees),
            resolv_conf=None if conf is None else machine.resolv_conf(conf),
            hosts=machine.hosts(),
        )
