"""Acting for one pod: each step of a plan carried out on the runtime and on this machine.

Nothing here decides. A step either succeeds and returns what is seen afterwards, or raises
StepFault with the kubelet's reason; `Unavailable` passes through, since it is nobody's fault.
Work on the disk runs in a thread, one hop a step, so that a slow disk stops nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from staticlet.aio import clock as clocks
from staticlet.config.settings import Settings
from staticlet.host import cgroup
from staticlet.kube import core
from staticlet.pods import (
    containerspec,
    discard,
    disk,
    dns,
    faults,
    fields,
    labels,
    observe,
    paths,
    podcgroup,
    sandboxspec,
    termination,
    tools,
    wanted,
)
from staticlet.pods import events as happened
from staticlet.pods import observed as obs
from staticlet.pods.apiobjects import held as apiobjects
from staticlet.pods.node import NodeFacts
from staticlet.pods.volumes import plan as planned
from staticlet.runtime import port

log = logging.getLogger(__name__)

MIN_GRACE_S = 2
"""The least that the kubelet gives a container to stop."""
RECORDED_WITHIN_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.0)
"""The waits for an exit to be recorded, once the runtime said that the container is stopped."""


class RuntimeHands:
    """Hands on a real runtime and a real disk.

    Args:
        runtime: The container runtime.
        settings: The agent's settings.
        node: Gives the facts of this machine, which may change.
        clock: The time.
        trees: Where this machine's cgroups are.
        events: Takes what happens in the middle of a step.
        objects: Knows the API's objects that pods refer to.
    """

    def __init__(
        self,
        runtime: port.Runtime,
        settings: Settings,
        node: Callable[[], NodeFacts],
        clock: clocks.Clock,
        trees: cgroup.Hierarchies,
        events: tools.Events | None = None,
        objects: apiobjects.Objects | None = None,
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._node = node
        self._clock = clock
        self._trees = trees
        self._events = events or tools.Unheard()
        self._objects = objects or apiobjects.NoObjects()

    def use(self, settings: Settings) -> None:
        """Go by other settings from the next step on."""
        self._settings = settings

    async def look(self, key: wanted.PodKey) -> obs.Observed:
        """All sandboxes of a pod key with their containers."""
        with _fault("RuntimeFault", look=True):
            return await observe.look(
                self._runtime, observe.selector(self._settings.root_dir, key)
            )

    async def recall(self, sandbox: obs.ObservedSandbox) -> wanted.WantedPod | None:
        """The pod that a sandbox was made for, from the sandbox's annotations."""
        with _fault("RuntimeFault", look=True):
            status = await self._runtime.sandbox_status(sandbox.id)
        made_for = labels.pod_of(status.sandbox)
        if made_for is None:
            return None
        return wanted.WantedPod(
            key=labels.key_of(status.sandbox.labels),
            uid=sandbox.uid,
            revision=sandbox.revision,
            pod=made_for,
            source=labels.source_of(status.sandbox),
            origin=labels.origin_of(status.sandbox),
            seen=self._clock.now(),
        )

    async def run_sandbox(self, pod: wanted.WantedPod, attempt: int) -> obs.ObservedSandbox:
        """Make directories, volumes and the sandbox."""
        node = self._node()
        with _fault("FailedMount"):
            await asyncio.to_thread(self._prepare, pod, node, self._objects.of(pod))
        with _fault("FailedCreatePodSandBox", look=True):
            config = sandboxspec.sandbox_config(
                pod, attempt=attempt, node=node, settings=self._settings
            )
            self._warn_of_dns(pod, node)
            sandbox_id = await self._runtime.run_sandbox(config)
            return await self._made(pod, config, sandbox_id)

    def _warn_of_dns(self, pod: wanted.WantedPod, node: NodeFacts) -> None:
        answer = dns.pod_dns(pod, node=node, settings=self._settings)
        for warning in answer.warnings:
            subject = happened.of_pod(pod.key, pod.uid)
            self._events.record(subject, happened.WARNING, warning.reason, warning.message)

    async def _made(
        self, pod: wanted.WantedPod, config: port.SandboxConfig, sandbox_id: str
    ) -> obs.ObservedSandbox:
        """What is seen of a sandbox just made; on the host network nothing has to be asked."""
        grace = fields.spec(pod.pod).terminationGracePeriodSeconds
        grace_s = labels.DEFAULT_GRACE_S if grace is None else grace
        if not fields.host_network(pod.pod):
            status = await self._runtime.sandbox_status(sandbox_id, verbose=True)
            return observe.sandbox(status, grace_s=grace_s)
        return obs.ObservedSandbox(
            id=sandbox_id,
            uid=pod.uid,
            revision=pod.revision,
            attempt=config.attempt,
            ready=True,
            created_at_ns=int(self._clock.now().timestamp() * obs.SECOND_NS),
            host_network=True,
            grace_s=grace_s,
        )

    async def start(self, start: tools.ContainerStart) -> obs.ObservedContainer:
        """Create and start a container; what is seen of it right after."""
        pod, sandbox = start.pod, start.sandbox
        node, settings, held = self._node(), self._settings, self._objects.of(pod)
        with _fault("CreateContainerConfigError"):
            container = containerspec.container_of(pod.pod, start.name)
            prepared = await asyncio.to_thread(
                disk.prepare_container,
                pod,
                container,
                restart_count=start.restart_count,
                ips=sandbox.ips,
                node=node,
                settings=settings,
                held=held,
            )
            config = containerspec.container_config(
                pod,
                container,
                restart_count=start.restart_count,
                image=start.image,
                ips=sandbox.ips,
                prepared=prepared,
                node=node,
                settings=settings,
                held=held,
            )
            self._warn_of_names(pod, container, held)
            sandbox_config = sandboxspec.sandbox_config(
                pod, attempt=sandbox.attempt, node=node, settings=settings
            )
        with _fault("CreateContainerError", look=True):
            container_id = await self._runtime.create_container(sandbox.id, config, sandbox_config)
        subject = happened.of_container(pod.key, pod.uid, start.name, pod=pod.pod)
        self._events.record(subject, happened.NORMAL, "Created", "Container created")
        with _fault("RunContainerError", look=True):
            await self._runtime.start_container(container_id)
            self._events.record(subject, happened.NORMAL, "Started", "Container started")
            status = await self._runtime.container_status(container_id, verbose=True)
        where = paths.of(pod.key, pod.uid, settings)
        disk.link_log(where, start.name, start.restart_count, container_id)
        if start.restart_count > 1:
            await self._remove_older(where, start)
        with _fault("RunContainerError", look=True):
            return await self._with_message(status)

    def _warn_of_names(
        self, pod: wanted.WantedPod, container: core.Container, held: apiobjects.Holdings
    ) -> None:
        if not container.envFrom or pod.source != wanted.API:
            return
        from staticlet.pods.apiobjects import variables  # static pods have no use for it

        subject = happened.of_pod(pod.key, pod.uid)
        for message in variables.whole(pod, container, held).skipped:
            self._events.record(subject, happened.WARNING, variables.SKIPPED, message)

    async def renew(self, pod: wanted.WantedPod, *, living: bool) -> None:
        """Bring volumes that are written from objects up to date, or remove them at its end."""
        if not any(planned.is_written(one) for one in fields.spec(pod.pod).volumes or ()):
            return
        from staticlet.pods.volumes import renewal  # most machines have no such volume

        node, settings = self._node(), self._settings
        with _fault("FailedMount"):
            if living:
                known = self._objects.of(pod)
                troubles = await asyncio.to_thread(
                    renewal.renew, pod, node=node, settings=settings, known=known
                )
            elif pod.over:
                troubles = await asyncio.to_thread(
                    renewal.withdraw, pod, node=node, settings=settings
                )
            else:
                return
        for message in troubles:
            subject = happened.of_pod(pod.key, pod.uid)
            self._events.record(subject, happened.WARNING, "FailedMount", message)

    async def _remove_older(self, where: paths.PodPaths, start: tools.ContainerStart) -> None:
        try:
            await asyncio.to_thread(discard.remove_older, where, start.name, start.restart_count)
        except discard.CleanupFault as fault:
            log.warning("%s: %s", start.pod.key, fault)  # the container runs all the same

    async def stop(self, sandbox: obs.ObservedSandbox, grace_s: int) -> obs.ObservedSandbox:
        """Stop all containers of a sandbox at once, each with the grace, then the sandbox."""
        with _fault("FailedKillPod", look=True):
            async with asyncio.TaskGroup() as group:
                for one in sandbox.containers:
                    if one.alive:
                        group.create_task(
                            self._runtime.stop_container(
                                one.id, grace_s=max(grace_s, MIN_GRACE_S)
                            ),
                            name=f"stop {one.name}",
                        )
            await self._runtime.stop_sandbox(sandbox.id)
            containers = [await self._after(c) if c.alive else c for c in sandbox.containers]
        return replace(sandbox, ready=False, containers=tuple(containers))

    async def exit_of(self, container: obs.ObservedContainer) -> obs.ObservedContainer:
        """The container after the runtime has recorded the exit of its process.

        The kernel tells of the exit before the runtime has taken note. Stopping a container
        whose process is gone sends no signal to anybody: it returns as soon as the exit is
        recorded, which is the event to wait for. There is a moment in which containerd takes the
        task for gone and has not written the exit down yet: then it returns at once, and the
        status is asked for until it tells. Should it never do so, the container keeps its pid:
        watching that one again, which is gone, brings us back here.
        """
        with _fault("RuntimeFault", look=True):
            await self._await_stop(container.id)
            for delay_s in RECORDED_WITHIN_S:
                after = await self._after(container)
                if not after.alive:
                    return after
                await asyncio.sleep(delay_s)
            return replace(after, pid=container.pid)

    async def _await_stop(self, container_id: str) -> None:
        """Let the runtime say that a container is stopped; its status tells more than a refusal.

        Where the whole pod ends, containerd may find the process that it would ask gone.
        """
        try:
            await self._runtime.stop_container(container_id, grace_s=0)
        except port.Unavailable:
            raise
        except port.RuntimeFault as fault:
            log.debug("container %s: %s", container_id, fault)

    async def _after(self, container: obs.ObservedContainer) -> obs.ObservedContainer:
        try:
            status = await self._runtime.container_status(container.id)
        except port.NotFound:
            gone = port.ContainerState.EXITED
            return replace(container, state=gone, exit_code=137, reason="ContainerStatusUnknown")
        return await self._with_message(status)

    async def _with_message(self, status: port.ContainerStatus) -> obs.ObservedContainer:
        """The container with its termination message, once it has ended."""
        seen = observe.container(status)
        if not seen.exited:
            return seen
        where = paths.of(labels.key_of(status.labels), labels.uid_of(status), self._settings)
        message = await asyncio.to_thread(
            termination.read,
            where.termination_log(seen.name, seen.restart_count),
            where.log_file(seen.name, seen.restart_count),
            policy=status.annotations.get(labels.TERMINATION_POLICY, ""),
            exit_code=seen.exit_code,
            runtime_message=seen.message,
        )
        return replace(seen, message=message)

    async def sandbox_exit_of(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """The sandbox after its own process ended: not ready any more."""
        with _fault("RuntimeFault", look=True):
            await self._runtime.stop_sandbox(sandbox.id)
        return replace(sandbox, ready=False)

    async def pids(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """The sandbox with its own pid, where the runtime tells it."""
        with _fault("RuntimeFault", look=True):
            status = await self._runtime.sandbox_status(sandbox.id, verbose=True)
        return replace(sandbox, pid=status.pid, ready=status.sandbox.ready)

    async def remove_container(
        self, key: wanted.PodKey, uid: str, container: obs.ObservedContainer
    ) -> None:
        """Remove a dead container, its log and its last words."""
        where = paths.of(key, uid, self._settings)
        with _fault("RuntimeFault", look=True):
            await self._runtime.remove_container(container.id)
            await asyncio.to_thread(
                discard.remove_container,
                where,
                container.name,
                container.restart_count,
                container.id,
            )

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Remove a dead sandbox with its containers."""
        with _fault("RuntimeFault", look=True):
            await self._runtime.stop_sandbox(sandbox_id)
            await self._runtime.remove_sandbox(sandbox_id)

    async def clean_up(self, key: wanted.PodKey, uid: str) -> None:
        """Unmount and remove everything that a UID left on the machine."""
        with _fault("FailedCleanUp"):
            await asyncio.to_thread(self._discard, paths.of(key, uid, self._settings))

    def _prepare(self, pod: wanted.WantedPod, node: NodeFacts, held: apiobjects.Holdings) -> None:
        disk.prepare_pod(pod, node=node, settings=self._settings, held=held)
        troubles = podcgroup.ensure(pod, trees=self._trees, node=node, settings=self._settings)
        for trouble in troubles:
            log.warning("%s: cgroup: %s", pod.key, trouble)

    def _discard(self, where: paths.PodPaths) -> None:
        troubles = podcgroup.remove(
            where.uid, trees=self._trees, node=self._node(), settings=self._settings
        )
        for trouble in troubles:
            log.warning("%s/%s: cgroup: %s", where.namespace, where.name, trouble)
        discard.remove_pod(where)  # last: by the directory it is known what is still to be done


@contextmanager
def _fault(reason: str, *, look: bool = False) -> Iterator[None]:
    """Turn what may go wrong in a step into a StepFault; `reason` is the kubelet's for it."""
    try:
        yield
    except BaseExceptionGroup as group:
        _raise_first(group, reason, look=look)
    except (
        port.RuntimeFault,
        faults.PodFault,
        discard.CleanupFault,
        OSError,
    ) as fault:
        raise _translated(fault, reason, look=look) from fault


def _raise_first(group: BaseExceptionGroup[BaseException], reason: str, *, look: bool) -> None:
    """What several parallel calls raised, as the worst of them alone."""
    for kind in (port.Unavailable, port.RuntimeFault):
        matching = group.subgroup(kind)
        if matching is not None:
            first = matching.exceptions[0]
            raise _translated(first, reason, look=look) from group
    raise group


def _translated(fault: BaseException, reason: str, *, look: bool) -> BaseException:
    match fault:
        case port.Unavailable():
            return fault
        case faults.PodFault():
            return tools.StepFault(fault.reason, fault.message)
        case _:
            return tools.StepFault(reason, str(fault), look=look)
