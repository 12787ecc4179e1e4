"""What of a pod starts again, and what has ended for good. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.kube import core
from staticlet.pods import fields, wanted
from staticlet.pods import observed as obs


def restart_policy(pod: core.Pod) -> str:
    """The pod's restartPolicy; Always when it has none."""
    return fields.spec(pod).restartPolicy or fields.ALWAYS


def restarts(pod: core.Pod, spec: core.Container, container: obs.ObservedContainer) -> bool:
    """Whether a container that is not running is started again.

    restartPolicy decides; a sidecar always is, an init container that succeeded never.
    """
    if not container.exited or fields.is_sidecar(spec):
        return True
    if any(c.name == spec.name for c in fields.init_containers(pod)) and not container.exit_code:
        return False
    match restart_policy(pod):
        case "Never":
            return False
        case "OnFailure":
            return container.exit_code != 0
        case _:
            return True


def finished(pod: wanted.WantedPod, seen: obs.Observed, past: obs.History) -> bool:
    """Whether the pod ran to its end: nothing runs and its restartPolicy starts nothing again."""
    if restart_policy(pod.pod) == "Always":
        return False
    own = [s for s in seen.sandboxes if serves(s, pod) and s.id not in past.doomed]
    if any(c.alive for s in own for c in s.containers):
        return False
    last = [(c, newest(own, c.name)) for c in fields.containers(pod.pod)]
    if all(c is not None and not restarts(pod.pod, spec, c) for spec, c in last):
        return True
    inits = (
        newest(own, c.name) for c in fields.init_containers(pod.pod) if not fields.is_sidecar(c)
    )
    never = restart_policy(pod.pod) == "Never"
    return never and any(c is not None and c.exited and c.exit_code != 0 for c in inits)


def is_over(pod: wanted.WantedPod, seen: obs.Observed, past: obs.History) -> bool:
    """Whether nothing of a pod is to be started any more: it ran to its end, or was ended."""
    ended = past.end_of(pod.uid, pod.revision) is not None
    return pod.over or ended or finished(pod, seen, past)


def serves(sandbox: obs.ObservedSandbox, pod: wanted.WantedPod) -> bool:
    """Whether a sandbox was made for this very content of a pod."""
    return sandbox.uid == pod.uid and sandbox.revision == pod.revision


def newest(sandboxes: Sequence[obs.ObservedSandbox], name: str) -> obs.ObservedContainer | None:
    """The newest container of a name over several sandboxes of one content.

    Its count tells, which never goes back: dates may.
    """
    own = [c for s in sandboxes if (c := s.newest(name)) is not None]
    return max(own, key=lambda c: (c.restart_count, c.created_at_ns), default=None)
