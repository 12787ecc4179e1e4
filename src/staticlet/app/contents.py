"""What pods of the API refer to, as the agent has it: followed once there is such a pod.

A machine whose pods refer to nothing loads nothing of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from staticlet.aio import clock as clocks
from staticlet.client import port
from staticlet.kube import imageref
from staticlet.pods import events, fields, wanted
from staticlet.pods.apiobjects import held
from staticlet.pods.images import credentials

if TYPE_CHECKING:
    from staticlet.node import apiobjects

log = logging.getLogger(__name__)


class Contents:
    """The objects of one API server; a `held.Objects`.

    Args:
        api: The API server.
        clock: The time.
        random: A number from 0 (included) to 1 (excluded) at each call.
        changed: Is told which pods refer to something of which there is news.
        pause: Waits so many seconds, or less if a server that was away answers again.
        record: Takes subject, type, reason and message of an event.
    """

    def __init__(
        self,
        api: port.Api,
        *,
        clock: clocks.Clock,
        random: Callable[[], float],
        changed: Callable[[wanted.PodKey], None],
        pause: Callable[[float], Awaitable[None]],
        record: Callable[[events.Subject, str, str, str], None],
    ) -> None:
        self._api = api
        self._clock = clock
        self._random = random
        self._changed = changed
        self._pause = pause
        self._record = record
        self._pulling: Mapping[str, wanted.WantedPod] = {}
        self._said: set[str] = set()
        self._objects: apiobjects.ApiObjects | None = None
        self._used = asyncio.Event()

    def of(self, pod: wanted.WantedPod) -> held.Holdings:
        """What is known now of everything that a pod refers to."""
        return held.NONE if self._objects is None else self._objects.of(pod)

    def take(self, snapshot: wanted.Snapshot) -> None:
        """Take what the API wants of this node, and follow what it refers to."""
        pods = [pod for manifest in snapshot.manifests for pod in manifest.pods]
        if self._objects is None and any(_may_refer(pod) for pod in pods):
            self._objects = self._begin()
            self._used.set()
        if self._objects is not None:
            self._objects.want(pods)
        self._pulling = {pod.uid: pod for pod in pods if fields.spec(pod.pod).imagePullSecrets}

    def credentials(
        self, uid: str, reference: imageref.Reference
    ) -> Sequence[credentials.Credential]:
        """What a pod brings for pulling an image; what it lacks is an event, and no obstacle."""
        pod = self._pulling.get(uid)
        if pod is None:
            return ()
        from staticlet.pods.images import podsecrets  # the first pod that has some

        found = podsecrets.find(pod, self.of(pod), reference)
        for problem in found.problems:
            if problem not in self._said:
                self._said.add(problem)
                log.warning("%s: %s", pod.key, problem)
        if found.missing:
            message = podsecrets.missing_message(found.missing)
            subject = events.of_pod(pod.key, pod.uid)
            self._record(subject, events.WARNING, podsecrets.MISSING, message)
        return found.credentials

    def _begin(self) -> apiobjects.ApiObjects:
        from staticlet.node import apiobjects  # the first pod that needs it

        return apiobjects.ApiObjects(
            self._api,
            clock=self._clock,
            random=self._random,
            changed=self._changed,
            pause=self._pause,
        )

    async def run(self) -> None:
        """Work until cancelled."""
        await self._used.wait()
        if self._objects is not None:
            await self._objects.run()


def _may_refer(pod: wanted.WantedPod) -> bool:
    """Whether a pod may refer to anything, told without loading what tells it exactly."""
    spec = fields.spec(pod.pod)
    if pod.over or spec.volumes or spec.imagePullSecrets:
        return not pod.over
    containers = fields.all_containers(pod.pod)
    return any(
        one.envFrom or any(variable.valueFrom for variable in one.env or ()) for one in containers
    )
