"""Pods as the API shows them: the wanted pod with the status of what runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from staticlet.kube import core
from staticlet.pods import observed as obs
from staticlet.pods import obstacles, status, statusparts, wanted
from staticlet.pods import report as report_values
from staticlet.pods.images import view as image_view


def pod(
    report: report_values.Report, *, host_ips: Sequence[str], runtime_name: str, now: datetime
) -> core.Pod | None:
    """One pod with its status; None for what is only being cleared away.

    A pod whose manifest is gone has a deletionTimestamp while it is being stopped. A changed pod
    whose predecessor still runs is shown as the predecessor, with what the change waits for.
    """
    shown, since = report.serving, None
    if shown is None and report.leaving is not None:
        shown, since = report.leaving
    if shown is None:
        return None
    known = statusparts.Known(
        pod=shown,
        seen=report.seen,
        past=report.past,
        images=report.images,
        runtime_name=runtime_name,
        host_ips=tuple(host_ips),
        now_ns=int(now.timestamp() * obs.SECOND_NS),
    )
    return msgspec.structs.replace(
        shown.pod,
        apiVersion="v1",
        kind="Pod",
        metadata=_metadata(shown, report, since),
        status=_with_trouble(_status(known), report),
    )


def _status(known: statusparts.Known) -> core.PodStatus:
    """The status; of a pod that has ended in the API, its end is what the API says."""
    found, told = status.status(known), known.pod.pod.status
    if not known.pod.over or told is None:
        return found
    if not any(s.containers for s in known.seen.sandboxes if s.uid == known.pod.uid):
        return told
    return msgspec.structs.replace(
        found, phase=told.phase, reason=told.reason, message=told.message
    )


def _metadata(
    shown: wanted.WantedPod, report: report_values.Report, since: datetime | None
) -> core.ObjectMeta:
    began = report.past.started_at_ns
    return msgspec.structs.replace(
        shown.pod.metadata or core.ObjectMeta(),
        uid=shown.uid,
        creationTimestamp=statusparts.time_of(began) if began else shown.seen,
        deletionTimestamp=since,
    )


def _with_trouble(base: core.PodStatus, report: report_values.Report) -> core.PodStatus:
    """The status with what keeps the pod from starting, from changing or from going."""
    if report.obstacle is not None:
        return _obstructed(base, report, report.obstacle)
    fault = report.past.sandbox_fault or report.trouble
    message = f"{fault.reason}: {fault.message}" if fault else _of_successor(report)
    return msgspec.structs.replace(base, message=message) if message else base


def _obstructed(
    base: core.PodStatus, report: report_values.Report, obstacle: obstacles.Obstacle
) -> core.PodStatus:
    """Waiting to be let in, or running on while what is to take its place waits."""
    if report.serving is not report.want:
        words = f"runs on as before its manifest changed: {obstacle}"
        return msgspec.structs.replace(base, message=words)
    told = msgspec.structs.replace(base, reason=obstacle.reason, message=str(obstacle))
    every = (*(base.initContainerStatuses or ()), *(base.containerStatuses or ()))
    if any(one.containerID for one in every):
        return told
    # As of a pod that the kubelet refuses: its containers do not wait for anything of their own,
    # and kubectl shows the reason.
    return msgspec.structs.replace(told, initContainerStatuses=None, containerStatuses=None)


def _of_successor(report: report_values.Report) -> str:
    """Why a changed manifest is not served yet: which of its images cannot be had."""
    lacking = [
        f"container {name}: {view.reason}: {view.message}"
        for name, view in report.successor_images.items()
        if view.reason and view.state is not image_view.State.PRESENT
    ]
    if not lacking:
        return ""
    return f"runs on as before its manifest changed, until its images are there: {lacking[0]}"
