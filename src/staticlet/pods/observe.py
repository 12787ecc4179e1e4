"""Reading what runs of a pod from the runtime, into values.

Lists are cheap and statuses are not: a container's status is asked for once when it is found and
once when its process has ended; its pid comes with it, so that the kernel can tell the exit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from staticlet.pods import labels, wanted
from staticlet.pods import observed as obs
from staticlet.runtime import port


def selector(root_dir: Path, key: wanted.PodKey) -> Mapping[str, str]:
    """The labels that name the sandboxes and containers of one pod key that are ours."""
    own = {labels.POD_NAME: key.name, labels.POD_NAMESPACE: key.namespace}
    return {**labels.owner_selector(root_dir), **own}


async def look(runtime: port.Runtime, chosen: Mapping[str, str]) -> obs.Observed:
    """All sandboxes with these labels and their containers, each with its status."""
    sandboxes, containers = await asyncio.gather(
        runtime.list_sandboxes(chosen), runtime.list_containers(chosen)
    )
    found = [await _sandbox(runtime, s, containers) for s in sandboxes]
    ordered = sorted(
        (s for s in found if s is not None), key=lambda s: s.created_at_ns, reverse=True
    )
    return obs.Observed(sandboxes=tuple(ordered))


async def _sandbox(
    runtime: port.Runtime, listed: port.Sandbox, containers: Sequence[port.Container]
) -> obs.ObservedSandbox | None:
    try:
        status = await runtime.sandbox_status(listed.id, verbose=listed.ready)
    except port.NotFound:
        return None  # removed since it was listed
    own = [c for c in containers if c.sandbox_id == listed.id]
    seen = [await _container(runtime, c) for c in own]
    grace = max((labels.grace_period_of(c) for c in own), default=_grace_of(listed))
    made = sandbox(status, grace_s=grace)
    return replace(made, containers=tuple(c for c in seen if c is not None))


def _grace_of(listed: port.Sandbox) -> int:
    pod = labels.pod_of(listed)
    given = pod.spec.terminationGracePeriodSeconds if pod and pod.spec else None
    return labels.DEFAULT_GRACE_S if given is None else given


async def _container(
    runtime: port.Runtime, listed: port.Container
) -> obs.ObservedContainer | None:
    try:
        status = await runtime.container_status(
            listed.id, verbose=listed.state is port.ContainerState.RUNNING
        )
    except port.NotFound:
        return None
    return container(status)


def sandbox(status: port.SandboxStatus, *, grace_s: int) -> obs.ObservedSandbox:
    """A sandbox from its status, without its containers."""
    own = status.sandbox
    return obs.ObservedSandbox(
        id=own.id,
        uid=own.uid,
        revision=labels.revision_of(own),
        attempt=own.attempt,
        ready=own.ready,
        created_at_ns=own.created_at_ns,
        ips=status.ips,
        host_network=status.network is port.NamespaceMode.NODE,
        pid=status.pid,
        grace_s=grace_s,
    )


def container(status: port.ContainerStatus) -> obs.ObservedContainer:
    """A container from its status."""
    return obs.ObservedContainer(
        id=status.id,
        name=status.name,
        restart_count=labels.restart_count_of(status),
        state=status.state,
        created_at_ns=status.created_at_ns,
        started_at_ns=status.started_at_ns,
        finished_at_ns=status.finished_at_ns,
        exit_code=status.exit_code,
        reason=status.reason,
        message=status.message,
        image=status.image,
        image_ref=status.image_ref,
        log_path=status.log_path,
        pid=status.pid,
    )
