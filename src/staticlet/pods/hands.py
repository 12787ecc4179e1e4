"""Acting for one pod: each step of a plan carried out on the runtime and on this machine.

Nothing here decides. A step either succeeds and returns what is seen afterwards, or raises
StepFault with the kubelet's reason; `Unavailable` passes through, since it is nobody's fault.
Work on the disk runs in a thread, one hop a step, so that a slow disk stops nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
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
    endings,
    fields,
    labels,
    observe,
    paths,
    podcgroup,
    sandboxspec,
    stepfaults,
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
        self._endings = endings.Endings(runtime, lambda: self._settings)
        self._objects = objects or apiobjects.NoObjects()

    def use(self, settings: Settings) -> None:
        """Go by other settings from the next step on."""
        self._settings = settings

    async def look(self, key: wanted.PodKey) -> obs.Observed:
        """All sandboxes of a pod key with their containers."""
        with stepfaults.within("RuntimeFault", look=True):
            return await observe.look(
                self._runtime, observe.selector(self._settings.root_dir, key)
            )

    async def recall(self, sandbox: obs.ObservedSandbox) -> wanted.WantedPod | None:
        """The pod that a sandbox was made for, from the sandbox's annotations."""
        with stepfaults.within("RuntimeFault", look=True):
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
        with stepfaults.within("FailedMount"):
            await asyncio.to_thread(self._prepare, pod, node, self._objects.of(pod))
        with stepfaults.within("FailedCreatePodSandBox", look=True):
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
        with stepfaults.within("CreateContainerConfigError"):
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
        with stepfaults.within("CreateContainerError", look=True):
            container_id = await self._runtime.create_container(sandbox.id, config, sandbox_config)
        subject = happened.of_container(pod.key, pod.uid, start.name, pod=pod.pod)
        self._events.record(subject, happened.NORMAL, "Created", "Container created")
        with stepfaults.within("RunContainerError", look=True):
            await self._runtime.start_container(container_id)
            self._events.record(subject, happened.NORMAL, "Started", "Container started")
            status = await self._runtime.container_status(container_id, verbose=True)
        where = paths.of(pod.key, pod.uid, settings)
        disk.link_log(where, start.name, start.restart_count, container_id)
        if start.restart_count > 1:
            await self._remove_older(where, start)
        with stepfaults.within("RunContainerError", look=True):
            return await self._endings.with_message(status)

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
        with stepfaults.within("FailedMount"):
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
        return await self._endings.stop(sandbox, grace_s)

    async def exit_of(self, container: obs.ObservedContainer) -> obs.ObservedContainer:
        """The container after the runtime has recorded the exit of its process."""
        return await self._endings.exit_of(container)

    async def sandbox_exit_of(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """The sandbox after its own process ended: not ready any more."""
        return await self._endings.sandbox_exit_of(sandbox)

    async def pids(self, sandbox: obs.ObservedSandbox) -> obs.ObservedSandbox:
        """The sandbox with its own pid, where the runtime tells it."""
        with stepfaults.within("RuntimeFault", look=True):
            status = await self._runtime.sandbox_status(sandbox.id, verbose=True)
        return replace(sandbox, pid=status.pid, ready=status.sandbox.ready)

    async def remove_container(
        self, key: wanted.PodKey, uid: str, container: obs.ObservedContainer
    ) -> None:
        """Remove a dead container, its log and its last words."""
        where = paths.of(key, uid, self._settings)
        with stepfaults.within("RuntimeFault", look=True):
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
        with stepfaults.within("RuntimeFault", look=True):
            await self._runtime.stop_sandbox(sandbox_id)
            await self._runtime.remove_sandbox(sandbox_id)

    async def clean_up(self, key: wanted.PodKey, uid: str) -> None:
        """Unmount and remove everything that a UID left on the machine."""
        with stepfaults.within("FailedCleanUp"):
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
