"""Tells of one pod: what its worker decides goes to the journal, what happens to the events.

The worker says what it does in the plan's terms; here that becomes the kubelet's words. A wait is
told when it begins or its reason changes, however often the plan repeats it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from staticlet.pods import because, events, fields, obstacles, steps, tools, wanted
from staticlet.pods import observed as obs
from staticlet.pods.images import view as image_view

log = logging.getLogger(__name__)

_MESSAGES = {
    "FailedCreatePodSandBox": "Failed to create pod sandbox: {}",
    "FailedKillPod": "error killing pod: {}",
    "RuntimeFault": "error determining status: {}",
}
_REASONS = {"RuntimeFault": "FailedSync"}


class Teller:
    """Tells of the pod of one key.

    Args:
        key: The pod's name.
        shared: Who is told.
    """

    def __init__(self, key: wanted.PodKey, shared: tools.Tools) -> None:
        self._key = key
        self._events = shared.events
        self._journal = shared.journal
        self._waits: Mapping[str, steps.Wait] = {}
        self._held = ""
        self._obstacle: obstacles.Obstacle | None = None

    def waiting(self, pod: wanted.WantedPod | None, waits: Mapping[str, steps.Wait]) -> None:
        """The plan does not do these things now."""
        before, self._waits = self._waits, waits
        for name, wait in waits.items():
            if before.get(name) == wait:
                continue
            if wait.why:
                until = _time(wait.until_ns) if wait.until_ns is not None else None
                self._journal.decide(self._key, wait.what, wait.why, until=until)
            if wait.crash and pod is not None:
                key = self._key
                message = (
                    f"Back-off restarting failed container {name} in pod "
                    f"{key.name}_{key.namespace}({pod.uid})"
                )
                self._of_container(pod, name, events.WARNING, "BackOff", message)

    def held_back(
        self, want: wanted.WantedPod, images: Mapping[str, image_view.ImageView]
    ) -> None:
        """A changed manifest is not served before its images are there.

        While the runtime is only being asked whether it has them there is nothing to tell.
        """
        lacking = [
            f"{because.waiting_for_image(c)}: {why}"
            for c in fields.all_containers(want.pod)
            if (view := images.get(c.name)) is not None
            and view.state is not image_view.State.PRESENT
            and (why := because.image(view))
        ]
        why = "; ".join((because.changed(want), *lacking))
        if lacking and why != self._held:
            self._held = why
            self._journal.decide(self._key, "running on as before", why)

    def obstructed(self, pod: wanted.WantedPod | None, found: obstacles.Obstacle | None) -> None:
        """A pod is not let in on this node; told when that begins, and when why has changed."""
        before, self._obstacle = self._obstacle, found
        if pod is None or found is None or (before is not None and found.is_like(before)):
            return
        message = f"{found.message}; it is tried again {found.until}"
        self._events.record(
            events.of_pod(self._key, pod.uid), events.WARNING, found.reason, message
        )
        log.warning("%s: not started: %s", self._key, message)

    def ended(self, pod: wanted.WantedPod, ending: obs.Ending) -> None:
        """The agent ends a pod for good."""
        kind = events.WARNING if ending.disruption else events.NORMAL
        subject = events.of_pod(self._key, pod.uid)
        self._events.record(subject, kind, ending.reason, ending.message)
        log.warning("%s: ended: %s: %s", self._key, ending.reason, ending.message)

    def served(self) -> None:
        """What is wanted is served."""
        self._held = ""

    def doing(
        self, action: steps.Action, pod: wanted.WantedPod | None, seen: obs.Observed
    ) -> None:
        """An action begins.

        Args:
            action: Which.
            pod: The pod that is served, or that is leaving.
            seen: What runs before it.
        """
        what = steps.what(action)
        if what:
            self._journal.decide(self._key, what, action.why)
        match action:
            case steps.RunSandbox(attempt=attempt) if attempt and pod is not None:
                self._events.record(
                    events.of_pod(self._key, pod.uid),
                    events.NORMAL,
                    "SandboxChanged",
                    "Pod sandbox changed, it will be killed and re-created.",
                )
            case steps.Stop(sandbox_id=sandbox_id):
                self._stopping(seen.sandbox(sandbox_id), pod)
            case steps.End():
                self._journal.ended(self._key)
            case _:
                pass

    def failed(
        self, fault: tools.StepFault, pod: wanted.WantedPod | None, container: str = ""
    ) -> None:
        """A step failed; `container` is the one that was to be started."""
        if pod is None:
            return
        if container:
            self._of_container(pod, container, events.WARNING, "Failed", f"Error: {fault.message}")
            return
        message = _MESSAGES.get(fault.reason, "{}").format(fault.message)
        reason = _REASONS.get(fault.reason, fault.reason)
        self._events.record(events.of_pod(self._key, pod.uid), events.WARNING, reason, message)

    def _stopping(self, sandbox: obs.ObservedSandbox | None, pod: wanted.WantedPod | None) -> None:
        if sandbox is None:
            return
        spec = pod.pod if pod is not None and pod.uid == sandbox.uid else None
        for one in sandbox.containers:
            if one.alive:
                self._events.record(
                    events.of_container(self._key, sandbox.uid, one.name, pod=spec),
                    events.NORMAL,
                    "Killing",
                    f"Stopping container {one.name}",
                )

    def _of_container(
        self, pod: wanted.WantedPod, name: str, kind: str, reason: str, message: str
    ) -> None:
        subject = events.of_container(self._key, pod.uid, name, pod=pod.pod)
        self._events.record(subject, kind, reason, message)


def _time(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / obs.SECOND_NS, UTC)
