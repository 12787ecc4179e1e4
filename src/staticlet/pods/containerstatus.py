"""The status of one container, from its newest and second newest life. Pure.

Follows `convertToAPIContainerStatuses`; start errors and back-offs are the reasons of waiting.
"""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.kube import core
from staticlet.pods import ends, fields, statusparts
from staticlet.pods import observed as obs
from staticlet.pods.images import view as image_view


def of(
    known: statusparts.Known, sandboxes: Sequence[obs.ObservedSandbox], spec: core.Container
) -> core.ContainerStatus:
    """The status of a container of the pod.

    Args:
        known: What is known of the pod.
        sandboxes: Its own sandboxes, newest first.
        spec: The container as the pod has it.
    """
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
    known: statusparts.Known,
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
        running = core.ContainerStateRunning(startedAt=statusparts.time_of(newest.started_at_ns))
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
    known: statusparts.Known, spec: core.Container, newest: obs.ObservedContainer | None
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


def _terminated(
    known: statusparts.Known, ended: obs.ObservedContainer
) -> core.ContainerStateTerminated:
    return core.ContainerStateTerminated(
        exitCode=ended.exit_code,
        reason=ended.reason or ("Completed" if ended.exit_code == 0 else "Error"),
        message=ended.message or None,
        startedAt=statusparts.time_of(ended.started_at_ns),
        finishedAt=statusparts.time_of(ended.finished_at_ns),
        containerID=_runtime_id(known, ended),
    )


def _runtime_id(known: statusparts.Known, container: obs.ObservedContainer) -> str:
    return f"{known.runtime_name}://{container.id}"
