"""Pods as rows, in kubectl's columns and words.

The STATUS column follows the printer of `kubectl get pods`: the pod's reason, an init container
that is not through (`Init:0/2`, `Init:CrashLoopBackOff`), then the last container with something
to say (`ImagePullBackOff`, `Completed`, `Error`), and Running only when something runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from staticlet.kube import core, rfc3339

COLUMNS = ("NAME", "READY", "STATUS", "RESTARTS", "AGE")
WIDE_COLUMNS = ("IP", "NODE", "NOMINATED NODE", "READINESS GATES")
_NONE = "<none>"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRow:
    """One pod, cell by cell."""

    namespace: str
    name: str
    ready: str
    status: str
    restarts: str
    age: str
    ip: str
    node: str

    def cells(self, *, wide: bool, with_namespace: bool) -> tuple[str, ...]:
        """The cells in the order of the columns."""
        first = (self.namespace,) if with_namespace else ()
        cells = (self.name, self.ready, self.status, self.restarts, self.age)
        return (*first, *cells, *((self.ip, self.node, _NONE, _NONE) if wide else ()))


def columns(*, wide: bool, with_namespace: bool) -> tuple[str, ...]:
    """The headings."""
    first = ("NAMESPACE",) if with_namespace else ()
    return (*first, *COLUMNS, *(WIDE_COLUMNS if wide else ()))


def pod_row(pod: core.Pod, now: datetime) -> PodRow:
    """One pod as `kubectl get pods` shows it."""
    meta = pod.metadata or core.ObjectMeta()
    status = pod.status or core.PodStatus()
    total = len(pod.spec.containers) if pod.spec else 0
    regular = list(status.containerStatuses or [])
    sidecars = _sidecars(pod, status)
    ready = sum(bool(one.ready) for one in (*regular, *sidecars))
    return PodRow(
        namespace=meta.namespace or "default",
        name=meta.name or "",
        ready=f"{ready}/{total + len(sidecars)}",
        status=_status(pod, status, regular),
        restarts=_restarts(_counted(pod, status, regular, sidecars), now),
        age=_age(meta.creationTimestamp or status.startTime, now),
        ip=status.podIP or _NONE,
        node=(pod.spec.nodeName if pod.spec else None) or _NONE,
    )


def _counted(
    pod: core.Pod,
    status: core.PodStatus,
    regular: Sequence[core.ContainerStatus],
    sidecars: Sequence[core.ContainerStatus],
) -> Sequence[core.ContainerStatus]:
    """Whose restarts are told: those of init containers only until they are through."""
    if _init_status(pod, status) is not None:
        return status.initContainerStatuses or []
    return [*sidecars, *regular]


def _sidecars(pod: core.Pod, status: core.PodStatus) -> list[core.ContainerStatus]:
    specs = (pod.spec.initContainers if pod.spec else None) or []
    names = {c.name for c in specs if c.restartPolicy == "Always"}
    return [one for one in status.initContainerStatuses or [] if one.name in names]


def _status(pod: core.Pod, status: core.PodStatus, regular: Sequence[core.ContainerStatus]) -> str:
    reason = status.reason or status.phase or "Unknown"
    if any(one.reason == "SchedulingGated" for one in _conditions(status, "PodScheduled")):
        reason = "SchedulingGated"
    initializing = _init_status(pod, status)
    if initializing is not None:
        reason = initializing
    else:
        running = False
        for one in reversed(regular):
            words = _container_words(one)
            if words:
                reason = words
            elif one.ready and one.state and one.state.running:
                running = True
        if reason == "Completed" and running:
            ready = any(one.status == "True" for one in _conditions(status, "Ready"))
            reason = "Running" if ready else "NotReady"
    ended = status.phase in ("Succeeded", "Failed")
    if pod.metadata and pod.metadata.deletionTimestamp and not ended:
        reason = "Terminating"
    return reason


def _conditions(status: core.PodStatus, kind: str) -> list[core.PodCondition]:
    return [one for one in status.conditions or [] if one.type == kind]


def _init_status(pod: core.Pod, status: core.PodStatus) -> str | None:
    specs = {c.name: c for c in (pod.spec.initContainers if pod.spec else None) or []}
    for index, one in enumerate(status.initContainerStatuses or []):
        state = one.state or core.ContainerState()
        sidecar = one.name in specs and specs[one.name].restartPolicy == "Always"
        if (state.terminated and state.terminated.exitCode == 0) or (sidecar and one.started):
            continue
        if state.terminated:
            return f"Init:{_end_words(state.terminated)}"
        if state.waiting and state.waiting.reason not in (None, "", "PodInitializing"):
            return f"Init:{state.waiting.reason}"
        return f"Init:{index}/{len(specs)}"
    return None


def _container_words(one: core.ContainerStatus) -> str:
    state = one.state or core.ContainerState()
    if state.waiting and state.waiting.reason:
        return state.waiting.reason
    return _end_words(state.terminated) if state.terminated else ""


def _end_words(end: core.ContainerStateTerminated) -> str:
    if end.reason:
        return end.reason
    return f"Signal:{end.signal}" if end.signal else f"ExitCode:{end.exitCode}"


def _restarts(statuses: Sequence[core.ContainerStatus], now: datetime) -> str:
    count = sum(one.restartCount for one in statuses)
    ends = [
        end.finishedAt
        for one in statuses
        if one.lastState and (end := one.lastState.terminated) and end.finishedAt
    ]
    return f"{count} ({_age(max(ends), now)} ago)" if count and ends else str(count)


def _age(since: datetime | None, now: datetime) -> str:
    return "<unknown>" if since is None else human_duration(now - since)


def since(moment: str | None, now: datetime) -> str:
    """The age of a time as the API writes it; `<unknown>` when there is none."""
    return _age(rfc3339.moment(moment) if moment else None, now)


def age_of(obj: Mapping[str, Any], now: datetime) -> str:
    """The age of an object since it was created."""
    return since(obj["metadata"].get("creationTimestamp"), now)


def human_duration(span: timedelta) -> str:
    """A duration as kubectl shows ages: 5s, 2m3s, 10m, 3h12m, 2d4h, 3y12d."""
    seconds = max(0, int(span.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    years = days // 365
    return _two(years, "y", days % 365, "d") if years < 8 else f"{years}y"


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}" + (f"{small}{small_unit}" if small else "")


def render(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded with blanks, three between them, as kubectl prints; no trailing blanks."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = (
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    )
    return "\n".join(lines) + "\n"
