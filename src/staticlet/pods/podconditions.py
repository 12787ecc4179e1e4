"""The conditions of a pod, in the kubelet's order and words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from staticlet.kube import core
from staticlet.pods import fields, statusparts
from staticlet.pods import observed as obs


def conditions(
    known: statusparts.Known,
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
        found.append(_condition("DisruptionTarget", why, statusparts.time_of(ending.at_ns)))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    good: bool
    reason: str | None = None
    message: str | None = None


def _initialized(
    known: statusparts.Known,
    phase: str,
    init: Sequence[core.ContainerStatus],
    regular: Sequence[core.ContainerStatus],
) -> _Verdict:
    if phase == "Succeeded":
        return _Verdict(good=True, reason="PodCompleted")
    began = any(
        statusparts.state(s).running or statusparts.ended(s) or statusparts.last_ended(s)
        for s in regular
    )
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
    known: statusparts.Known,
    phase: str,
    init: Sequence[core.ContainerStatus],
    regular: Sequence[core.ContainerStatus],
) -> _Verdict:
    if phase in statusparts.TERMINAL:
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


def _last_move(known: statusparts.Known) -> datetime | None:
    """When something of the pod last started or ended: the best guess of a transition's time."""
    times: Iterable[int] = (
        t
        for s in statusparts.own(known)
        for t in (s.created_at_ns, *(max(c.started_at_ns, c.finished_at_ns) for c in s.containers))
    )
    return statusparts.time_of(max(times, default=known.past.started_at_ns))
