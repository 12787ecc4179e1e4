"""What runs of one pod, as values: what the runtime says, and what only the agent remembers.

`Observed` is read from the runtime and can be read again at any time. `History` is what the
runtime does not keep: how long a container must wait before its next start, and the errors of
the last tries. It lives in memory only; losing it costs at most one early restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from staticlet.runtime import port

SECOND_NS = 1_000_000_000
_NO_VOLUME = "FailedMount"
_NO_CONFIG = "CreateContainerConfigError"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedContainer:
    """One container; `restart_count` is read back from its annotations."""

    id: str
    name: str
    restart_count: int
    state: port.ContainerState
    created_at_ns: int = 0
    started_at_ns: int = 0
    finished_at_ns: int = 0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    image: str = ""
    image_ref: str = ""
    log_path: str = ""
    pid: int | None = None

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.state is port.ContainerState.RUNNING

    @property
    def exited(self) -> bool:
        """Whether it ran and is over."""
        return self.state is port.ContainerState.EXITED

    @property
    def alive(self) -> bool:
        """Whether it may still have a process: anything but exited and created."""
        return self.state in (port.ContainerState.RUNNING, port.ContainerState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedSandbox:
    """One sandbox with its containers, newest first in each name."""

    id: str
    uid: str
    revision: str
    attempt: int
    ready: bool
    created_at_ns: int = 0
    ips: tuple[str, ...] = ()
    host_network: bool = False
    pid: int | None = None
    grace_s: int = 30
    containers: tuple[ObservedContainer, ...] = ()

    def newest(self, name: str) -> ObservedContainer | None:
        """The newest container of that name, by restart count."""
        own = [c for c in self.containers if c.name == name]
        return max(own, key=lambda c: (c.restart_count, c.created_at_ns), default=None)

    @property
    def alive(self) -> bool:
        """Whether anything of it may still run: then it must be stopped before it is removed."""
        return self.ready or any(c.alive for c in self.containers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Every sandbox of one pod key, newest first."""

    sandboxes: tuple[ObservedSandbox, ...] = ()

    def sandbox(self, sandbox_id: str) -> ObservedSandbox | None:
        """The sandbox of that id."""
        return next((s for s in self.sandboxes if s.id == sandbox_id), None)

    def with_sandbox(self, sandbox: ObservedSandbox) -> Observed:
        """The same with one sandbox added or replaced."""
        others = tuple(s for s in self.sandboxes if s.id != sandbox.id)
        ordered = sorted((sandbox, *others), key=lambda s: s.created_at_ns, reverse=True)
        return Observed(sandboxes=tuple(ordered))

    def without_sandbox(self, sandbox_id: str) -> Observed:
        """The same without one sandbox."""
        return Observed(sandboxes=tuple(s for s in self.sandboxes if s.id != sandbox_id))

    def with_container(self, sandbox_id: str, container: ObservedContainer) -> Observed:
        """The same with one container of a sandbox added or replaced."""
        sandbox = self.sandbox(sandbox_id)
        if sandbox is None:
            return self
        others = tuple(c for c in sandbox.containers if c.id != container.id)
        return self._replaced(replace(sandbox, containers=(container, *others)))

    def without_container(self, container_id: str) -> Observed:
        """The same without one container."""
        return Observed(
            sandboxes=tuple(
                replace(s, containers=tuple(c for c in s.containers if c.id != container_id))
                for s in self.sandboxes
            )
        )

    def _replaced(self, sandbox: ObservedSandbox) -> Observed:
        return Observed(
            sandboxes=tuple(sandbox if s.id == sandbox.id else s for s in self.sandboxes)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackoffRule:
    """How long a crashing container waits: the kubelet's numbers, or what the settings say."""

    initial_s: float = 10.0
    max_s: float = 300.0
    reset_after_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crashes:
    """The crash back-off of one container.

    Attributes:
        delay_s: How long after its last exit it may start again; 0 for the first restart.
        exits: Exits that counted since the last reset.
        last_id: The container whose exit was counted last, so that none counts twice.
        until_ns: Not again before this time.
        began_ns: When it was started since; 0 where that is not known.
    """

    delay_s: float = 0.0
    exits: int = 0
    last_id: str = ""
    until_ns: int = 0
    began_ns: int = 0

    def after(self, exited: ObservedContainer, rule: BackoffRule, now_ns: int) -> Crashes:
        """Count one exit: the first restart is at once, then the delay doubles up to the most.

        A run of `reset_after_s` or more forgets earlier crashes. What the runtime says of times is
        not believed where the date has jumped meanwhile: nothing ended later than now.
        """
        if exited.id == self.last_id:
            return self
        ended_ns = min(exited.finished_at_ns or now_ns, now_ns)
        ran_ns = exited.finished_at_ns - exited.started_at_ns
        ran_s = (ended_ns - self.began_ns if self.began_ns else ran_ns) / SECOND_NS
        exits = 1 if ran_s >= rule.reset_after_s else self.exits + 1
        delay = 0.0 if exits == 1 else min(rule.initial_s * 2 ** min(exits - 2, 30), rule.max_s)
        until_ns = ended_ns + int(delay * SECOND_NS)
        return Crashes(delay_s=delay, exits=exits, last_id=exited.id, until_ns=until_ns)

    def moved(self, by_ns: int) -> Crashes:
        """The same after the date has jumped: as long is waited as before."""
        began_ns = self.began_ns + by_ns if self.began_ns else 0
        return replace(self, until_ns=self.until_ns + by_ns, began_ns=began_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A step that failed, and when it may be tried again.

    Attributes:
        reason: The kubelet's reason: CreateContainerError, FailedCreatePodSandBox, …
        message: What the runtime or the machine said.
        retry_at_ns: Not before this time.
        tries: How often in a row it failed.
    """

    reason: str
    message: str
    retry_at_ns: int
    tries: int = 1

    def moved(self, by_ns: int) -> Fault:
        """The same after the date has jumped: as long is waited as before."""
        return replace(self, retry_at_ns=self.retry_at_ns + by_ns)


def retry_delay_s(tries: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4, 8, 16, then 30."""
    return float(min(2 ** min(tries - 1, 5), 30))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Why the agent has ended a pod for good, though its restartPolicy would go on.

    Attributes:
        uid: The pod's.
        revision: Of its content: another one is not meant.
        reason: One word, for the status.
        message: The same for people.
        at_ns: When it was decided.
        disruption: The message of its condition DisruptionTarget; empty where it has none.
    """

    uid: str
    revision: str
    reason: str
    message: str
    at_ns: int
    disruption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the agent remembers of one pod key.

    Attributes:
        incarnation: The incarnation of the manifest that the present sandbox serves.
        doomed: Sandboxes that are being stopped on purpose; nothing is started in them.
        crashes: Back-off by container name.
        faults: Failed container starts by container name.
        sandbox_fault: The last failure to make the sandbox or its volumes.
        last: The last exited container of each name, also when it is removed from the runtime.
        counts: The highest restart count of each container of `uid` so far.
        uid: The UID that `crashes`, `last` and `counts` belong to.
        initialized: The sandbox whose init containers are all done.
        started_at_ns: When the agent first saw this UID (the status's startTime).
        jumped_ns: By how much the date has jumped since then.
        ended: Why the pod was ended for good; None where it was not.
    """

    incarnation: int | None = None
    doomed: frozenset[str] = frozenset()
    crashes: Mapping[str, Crashes] = field(default_factory=dict)
    faults: Mapping[str, Fault] = field(default_factory=dict)
    sandbox_fault: Fault | None = None
    last: Mapping[str, ObservedContainer] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    uid: str = ""
    initialized: str = ""
    started_at_ns: int = 0
    jumped_ns: int = 0
    ended: Ending | None = None

    def with_exit(self, container: ObservedContainer, rule: BackoffRule, now_ns: int) -> History:
        """Remember an exit, for the back-off and for the status's last state."""
        crashes = self.crashes.get(container.name, Crashes()).after(container, rule, now_ns)
        return replace(
            self,
            crashes={**self.crashes, container.name: crashes},
            last={**self.last, container.name: container},
        )

    def with_fault(self, name: str, reason: str, message: str, now_ns: int) -> History:
        """Remember a failed start of a container; each failure in a row waits longer."""
        old = self.faults.get(name)
        return replace(
            self, faults={**self.faults, name: next_fault(old, reason, message, now_ns)}
        )

    def with_start(self, name: str, restart_count: int, now_ns: int) -> History:
        """Remember a start that went well."""
        faults = {n: f for n, f in self.faults.items() if n != name}
        crashes = replace(self.crashes.get(name, Crashes()), began_ns=now_ns)
        return replace(
            self,
            faults=faults,
            crashes={**self.crashes, name: crashes},
            counts={**self.counts, name: restart_count},
        )

    def begun(self, now_ns: int) -> History:
        """The same of a pod whose time begins now."""
        return replace(self, started_at_ns=now_ns, jumped_ns=0)

    def moved(self, by_ns: int) -> History:
        """The same after the date has jumped by so much: as long is waited as before.

        What was told to people stays: it was so by the date that there was.
        """
        fault = self.sandbox_fault
        return replace(
            self,
            crashes={name: one.moved(by_ns) for name, one in self.crashes.items()},
            faults={name: one.moved(by_ns) for name, one in self.faults.items()},
            sandbox_fault=fault and fault.moved(by_ns),
            jumped_ns=self.jumped_ns + by_ns,
        )

    def end_of(self, uid: str, revision: str) -> Ending | None:
        """Why a pod with this content was ended for good; None where it was not."""
        known = self.ended
        return known if known and (known.uid, known.revision) == (uid, revision) else None

    def without_lacks(self) -> History:
        """Forget failures for want of an object or a volume, so that these are tried at once."""
        fault = self.sandbox_fault
        faults = {n: f for n, f in self.faults.items() if f.reason != _NO_CONFIG}
        kept = None if fault is not None and fault.reason == _NO_VOLUME else fault
        return replace(self, faults=faults, sandbox_fault=kept)

    def without_crashes(self) -> History:
        """Forget every back-off: a deliberate stop is not a crash."""
        return replace(self, crashes={}, faults={}, sandbox_fault=None)


def next_fault(old: Fault | None, reason: str, message: str, now_ns: int) -> Fault:
    """The fault after one more failure."""
    tries = old.tries + 1 if old else 1
    retry = now_ns + int(retry_delay_s(tries) * SECOND_NS)
    return Fault(reason=reason, message=message, retry_at_ns=retry, tries=tries)
