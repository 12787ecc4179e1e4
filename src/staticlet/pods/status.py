"""The status of a pod as the kubelet would write it: a pure function of what is known of it.

Follows `generateAPIPodStatus`: conditions in the kubelet's order, phase by `getPhase` (a static
pod never gets a terminal phase because it was stopped), container states from the newest and
second newest container of each name, with start errors and back-offs as waiting reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from staticlet.kube import core
from staticlet.pods import ends, fields, qos, wanted
from staticlet.pods import observed as obs
from staticlet.pods.images import view as image_view

TERMINAL = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that a status depends on.

    Attributes:
        pod: The pod whose status is asked for.
        seen: What the runtime has.
        past: What the agent remembers.
        images: Where the images of its containers stand.
        runtime_name: The scheme of container ids: `containerd`, `cri-o`.
        host_ips: The node's addresses.
        now_ns: The time, in nanoseconds since the epoch.
    """

    pod: wanted.WantedPod
    seen: obs.Observed
    past: obs.History
    images: Mapping[str, image_view.ImageView] = field(default_factory=dict)
    runtime_name: str = "containerd"
    host_ips: tuple[str, ...] = ()
    now_ns: int = 0


def status(known: Known) -> core.PodStatus:
    """The pod's status."""
    pod = known.pod.pod
    sandboxes = _own(known)
    current = next((s for s in sandboxes if s.ready), None)
    init = [_container_status(known, sandboxes, c) for c in fields.init_containers(pod)]
    regular = [_container_status(known, sandboxes, c) for c in fields.containers(pod)]
    regular.sort(key=lambda s: s.name)
    ended = _ended_for_good(known)
    phase = "Failed" if ended is not None else _phase(pod, init, regular)
    ips = _pod_ips(known, current)
    started = known.past.started_at_ns or known.now_ns
    return core.PodStatus(
        phase=phase,
        reason=ended.reason if ended is not None else None,
        message=ended.message if ended is not None else None,
        conditions=_conditions(known, phase, current, init, regular),
        hostIP=known.host_ips[0] if known.host_ips else None,
        hostIPs=[core.HostIP(ip=ip) for ip in known.host_ips] or None,
        podIP=ips[0] if ips else None,
        podIPs=[core.PodIP(ip=ip) for ip in ips] or None,
        startTime=time_of(started),
        initContainerStatuses=init or None,
        containerStatuses=regular,
        qosClass=qos.qos_class(pod).value,
    )


def _ended_for_good(known: Known) -> obs.Ending | None:
    """Why the agent has ended the pod, once nothing of it runs any more."""
    if any(sandbox.alive for sandbox in _own(known)):
        return None
    return known.past.end_of(known.pod.uid, known.pod.revision)


def _own(known: Known) -> list[obs.ObservedSandbox]:
    """The pod's own sandboxes, newest first."""
    pod = known.pod
    return [s for s in known.seen.sandboxes if s.uid == pod.uid and s.revision == pod.revision]


def _pod_ips(known: Known, current: obs.ObservedSandbox | None) -> Sequence[str]:
    if fields.host_network(known.pod.pod):
        return known.host_ips
    return current.ips if current else ()


def _container_status(
    known: Known, sandboxes: Sequence[obs.ObservedSandbox], spec: core.Container
) -> core.ContainerStatus:
    seen = sorted(
        (c for s in sandboxes for c in s.containers if c.name == spec.name),
        key=lambda c: (c.restart_count, c.created_at_ns),
        reverse=True,
    )
    newest = seen[0] if seen else None
    last = seen[1] if len(seen) > 1 else None
    remembered = known.past.last.get(spec.name) if known.past.uid == known.pod.uid else None
    if last is None and remembered and (newest is None or remembered.id != newest.id):
        last = remembered
    return _assemble(known, spec, newest, last)


def _assemble(
    known: Known,
    spec: core.Container,
    newest: obs.ObservedContainer | None,
    last: obs.ObservedContainer | None,
) -> core.ContainerStatus:
    waiting = _waiting(known, spec, newest)
    if waiting is not None:
        state = core.ContainerState(waiting=waiting)
        if newest is not None and newest.exited:
            last = newest
    elif newest is None:
        reason = (
            "PodInitializing" if fields.init_containers(known.pod.pod) else "ContainerCreating"
        )
        state = core.ContainerState(waiting=core.ContainerStateWaiting(reason=reason))
    elif newest.running:
        running = core.ContainerStateRunning(startedAt=time_of(newest.started_at_ns))
        state = core.ContainerState(running=running)
    elif newest.exited:
        state = core.ContainerState(terminated=_terminated(known, newest))
    else:
        state = core.ContainerState(waiting=core.ContainerStateWaiting())
    is_init = any(c.name == spec.name for c in fields.init_containers(known.pod.pod))
    running_now = state.running is not None
    done = state.terminated is not None and state.terminated.exitCode == 0
    plain_init = is_init and not fields.is_sidecar(spec)
    shown = newest or last
    counted = max(
        (c.restart_count for c in (newest, last) if c is not None),
        default=known.past.counts.get(spec.name, 0) if known.past.uid == known.pod.uid else 0,
    )
    return core.ContainerStatus(
        name=spec.name,
        image=(shown.image if shown and shown.image else spec.image) or "",
        imageID=shown.image_ref if shown else "",
        ready=done if plain_init else running_now,
        started=running_now,
        restartCount=counted,
        containerID=_runtime_id(known, shown) if shown else None,
        state=state,
        lastState=core.ContainerState(
            terminated=_terminated(known, last) if last is not None and last.exited else None
        ),
        resources=spec.resources,
    )


def _waiting(
    known: Known, spec: core.Container, newest: obs.ObservedContainer | None
) -> core.ContainerStateWaiting | None:
    """Why a container that should start does not: back-off, a failed start, its image."""
    if newest is not None and newest.running:
        return None
    if known.past.end_of(known.pod.uid, known.pod.revision) is not None:
        return None
    if newest is not None and newest.exited and not ends.restarts(known.pod.pod, spec, newest):
        return None
    crashes = known.past.crashes.get(spec.name)
    if crashes and crashes.delay_s and crashes.until_ns > known.now_ns:
        return core.ContainerStateWaiting(
            reason="CrashLoopBackOff",
            message=f"back-off {_go_seconds(crashes.delay_s)} restarting failed "
            f"container={spec.name} pod={known.pod.key.name}_{known.pod.key.namespace}"
            f"({known.pod.uid})",
        )
    fault = known.past.faults.get(spec.name)
    if fault is not None:
        return core.ContainerStateWaiting(reason=fault.reason, message=fault.message)
    view = known.images.get(spec.name)
    if view is not None and view.reason and view.state is not image_view.State.PRESENT:
        return core.ContainerStateWaiting(reason=view.reason, message=view.message)
    return None


def _go_seconds(seconds: float) -> str:
    """Whole seconds as Go prints a duration: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _terminated(known: Known, ended: obs.ObservedContainer) -> core.ContainerStateTerminated:
    return core.ContainerStateTerminated(
        exitCode=ended.exit_code,
        reason=ended.reason or ("Completed" if ended.exit_code == 0 else "Error"),
        message=ended.message or None,
        startedAt=time_of(ended.started_at_ns),
        finishedAt=time_of(ended.finished_at_ns),
        containerID=_runtime_id(known, ended),
    )


def _runtime_id(known: Known, container: obs.ObservedContainer) -> str:
    return f"{known.runtime_name}://{container.id}"


def _phase(
    pod: core.Pod,
    init: Sequence[core.ContainerStatus],
    regular: Sequence[core.ContainerStatus],
) -> str:
    """Pending, Running, Succeeded or Failed, by the kubelet's rules for static pods."""
    plain = [
        (s, c)
        for s, c in zip(init, fields.init_containers(pod), strict=True)
        if not fields.is_sidecar(c)
    ]
    began = any(_state(s).running or _ended(s) for s in regular)
    for one, _ in plain:
        ended = _ended(one)
        if ended is not None and ended.exitCode != 0 and ends.restart_policy(pod) == "Never":
            return "Failed"
        if not began and (ended is None or ended.exitCode != 0):
            return "Pending"
    if any(_state(s).waiting and not _last_ended(s) for s in regular):
        return "Pending"
    if any(_state(s).running for s in regular):
        return "Running"
    last = [_ended(s) for s in regular]
    if any(e is None for e in last) or ends.restart_policy(pod) == fields.ALWAYS:
        return "Running"
    codes = [e.exitCode for e in last if e is not None]
    if ends.restart_policy(pod) == "OnFailure" and any(codes):
        return "Running"
    return "Failed" if any(codes) else "Succeeded"


def _state(one: core.ContainerStatus) -> core.ContainerState:
    return one.state or core.ContainerState()


def _ended(one: core.ContainerStatus) -> core.ContainerStateTerminated | None:
    return _state(one).terminated


def _last_ended(one: core.ContainerStatus) -> bool:
    return bool(one.lastState and one.lastState.terminated)


def _conditions(
    known: Known,
    phase: str,
    current: obs.ObservedSandbox | None,
    init: Sequence[core.ContainerStatus],
    regular: Sequence[core.ContainerStatus],
) -> list[core.PodCondition]:
    """The kubelet's five, in its order."""
    moved = _last_move(known)
    initialized = _initialized(known, phase, init, regular)
    ready = _ready(known, phase, init, regular)
    sandbox = _Verdict(good=current is not None)
    found = [
        _condition("PodReadyToStartContainers", sandbox, moved),
        _condition("Initialized", initialized, moved),
        _condition("Ready", ready, moved),
        _condition("ContainersReady", ready, moved),
        _condition("PodScheduled", _Verdict(good=True), moved),
    ]
    ending = known.past.end_of(known.pod.uid, known.pod.revision)
    if ending is not None and ending.disruption:
        why = _Verdict(good=True, reason="TerminationByKubelet", message=ending.disruption)
        found.append(_condition("DisruptionTarget", why, time_of(ending.at_ns)))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    good: bool
    reason: str | None = None
    message: str | None = None


def _initialized(
    known: Known,
    phase: str,
    init: Sequence[core.ContainerStatus],
    regular: Sequence[core.ContainerStatus],
) -> _Verdict:
    if phase == "Succeeded":
        return _Verdict(good=True, reason="PodCompleted")
    began = any(_state(s).running or _ended(s) or _last_ended(s) for s in regular)
    specs = fields.init_containers(known.pod.pod)
    pending = [
        s.name
        for s, spec in zip(init, specs, strict=True)
        if not (s.started if fields.is_sidecar(spec) else s.ready)
    ]
    if began or not pending:
        return _Verdict(good=True)
    text = f"containers with incomplete status: [{' '.join(pending)}]"
    return _Verdict(good=False, reason="ContainersNotInitialized", message=text)


def _ready(
    known: Known,
    phase: str,
    init: Sequence[core.ContainerStatus],
    regular: Sequence[core.ContainerStatus],
) -> _Verdict:
    if phase in TERMINAL:
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        return _Verdict(good=False, reason=reason)
    specs = fields.init_containers(known.pod.pod)
    sidecars = [s for s, c in zip(init, specs, strict=True) if fields.is_sidecar(c)]
    unready = [s.name for s in (*sidecars, *regular) if not s.ready]
    if not unready:
        return _Verdict(good=True)
    text = f"containers with unready status: [{' '.join(unready)}]"
    return _Verdict(good=False, reason="ContainersNotReady", message=text)


def _condition(kind: str, verdict: _Verdict, moved: datetime | None) -> core.PodCondition:
    return core.PodCondition(
        type=kind,
        status="True" if verdict.good else "False",
        reason=verdict.reason,
        message=verdict.message,
        lastTransitionTime=moved,
    )


def _last_move(known: Known) -> datetime | None:
    """When something of the pod last started or ended: the best guess of a transition's time."""
    times: Iterable[int] = (
        t
        for s in _own(known)
        for t in (s.created_at_ns, *(max(c.started_at_ns, c.finished_at_ns) for c in s.containers))
    )
    return time_of(max(times, default=known.past.started_at_ns))


def time_of(ns: int) -> datetime | None:
    """Whole seconds in UTC, as the kubelet cuts times; None for never."""
    return datetime.fromtimestamp(ns // obs.SECOND_NS, UTC) if ns else None
