"""All pods in one line, for those who watch from afar: a pure function, and a cheap one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from staticlet.pods import ends, fields
from staticlet.pods.report import Report

RUNNING = "running"
WAITING = "waiting"
FINISHED = "finished"
STOPPING = "stopping"


def line(reports: Iterable[Report]) -> str:
    """How many pods there are and how they are: `12 pods, 11 running, 1 waiting`.

    Running are those whose containers all run or have ended well for good; waiting are those that
    lack one yet: it is being started, backs off, or its image cannot be had.
    """
    count = Counter(kind for kind in map(_kind, reports) if kind)
    total = count.total()
    rest = [f"{count[kind]} {kind}" for kind in (WAITING, FINISHED, STOPPING) if count[kind]]
    pods = "1 pod" if total == 1 else f"{total} pods"
    return ", ".join([pods, f"{count[RUNNING]} {RUNNING}", *rest])


def _kind(report: Report) -> str:
    """How one pod is; empty for what is only being cleared away."""
    pod = report.serving
    if pod is None:
        if report.leaving is not None:
            return STOPPING
        return WAITING if report.want is not None else ""
    if ends.is_over(pod, report.seen, report.past):
        return FINISHED
    current = next((s for s in report.seen.sandboxes if s.uid == pod.uid and s.alive), None)
    if current is None:
        return WAITING
    running = {one.name for one in current.containers if one.running}
    ended = {one.name for one in current.containers if one.exited and one.exit_code == 0}
    names = {one.name for one in fields.containers(pod.pod)}
    never = ends.restart_policy(pod.pod) != "Always"
    return (
        RUNNING if names & running and names <= running | (ended if never else set()) else WAITING
    )
