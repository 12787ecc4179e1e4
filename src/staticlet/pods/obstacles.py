"""What keeps a pod from being let in on this node, in words that say what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from staticlet.kube import core, finding
from staticlet.pods import admission, fields, hostports, shortage, wanted
from staticlet.pods import node as nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a pod waits.

    Attributes:
        reason: The kubelet's reason for a refusal, one word.
        message: What is in the way.
        until: When it is tried again.
        advice: What people can do about it.
        soon: Whether room is being made: the pods that are in the way are ending.
    """

    reason: str
    message: str
    until: str
    advice: str
    soon: bool = False

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"

    def is_like(self, other: Obstacle) -> bool:
        """Whether it is worth no other word: how much of something is taken may change often."""
        if self.reason == hostports.REASON:
            return self == other
        return (self.reason, self.soon) == (other.reason, other.soon)


def of_port(clash: hostports.Clash) -> Obstacle:
    """A port that is another's."""
    return Obstacle(
        reason=hostports.REASON,
        message=str(clash),
        until="when that pod has ended",
        advice="give one of them another port, or end that pod",
    )


def of_node(refusal: admission.Refusal, offer: nodes.Offer, pod: core.Pod) -> Obstacle:
    """A node that is not what the pod asks for."""
    message, advice = refusal.message, "change the manifest, or run it on another node"
    if refusal.reason == "NodeAffinity":
        message = f"the labels of this node are not those that the pod asks for{_asked(pod)}"
        advice = "change its nodeSelector or affinity, or give the node the labels (--node-labels)"
        missing = _unlike(pod, offer)
        message += f"; here: {missing}" if missing else ""
    return Obstacle(
        reason=refusal.reason,
        message=message,
        until="when its manifest or the node changes",
        advice=advice,
    )


def of_room(
    lacking: Sequence[shortage.Shortage], ending: Iterable[wanted.PodKey] = ()
) -> Obstacle:
    """Too little of something.

    Args:
        lacking: Of what, and how much.
        ending: The pods whose end makes room; none where nothing that may be ended is enough.
    """
    said = "this node has too little " + "; ".join(map(str, lacking))
    names = ", ".join(map(str, sorted(ending)))
    if names:
        return Obstacle(
            reason=admission.out_of(lacking[0]),
            message=f"{said}; {names} is being ended for it",
            until="when that has ended",
            advice="nothing needs to be done",
            soon=True,
        )
    return Obstacle(
        reason=admission.out_of(lacking[0]),
        message=f"{said}; no pod that may be ended for it would be enough",
        until="when a pod ends or the manifest changes",
        advice="request less, or remove another static pod",
    )


def findings(
    want: wanted.Wanted, waiting: Iterable[tuple[wanted.PodKey, Obstacle]]
) -> Iterable[finding.Finding]:
    """A finding for each static pod that waits.

    Args:
        want: All that is wanted.
        waiting: Which pods wait, and what for.
    """
    for key, found in waiting:
        pod = want.pods.get(key)
        if pod is not None and pod.source != wanted.API:
            yield finding.Finding(
                severity=finding.Severity.ERROR,
                source=pod.origin,
                path="spec.containers" if found.reason == hostports.REASON else "spec",
                message=f"{key} waits: {found.message}; {found.advice}",
            )


def _asked(pod: core.Pod) -> str:
    """The node selector, where it alone is what is asked for."""
    wanted_labels = fields.spec(pod).nodeSelector or {}
    text = ", ".join(f"{name}={value}" for name, value in sorted(wanted_labels.items()))
    return f" ({text})" if text else ""


def _unlike(pod: core.Pod, offer: nodes.Offer) -> str:
    """What the node says to the labels of the node selector."""
    labels = {**offer.labels, **offer.api_labels}
    wanted_labels = fields.spec(pod).nodeSelector or {}
    other = {name: labels.get(name) for name, v in wanted_labels.items() if labels.get(name) != v}
    return ", ".join(
        f"{name}={value}" if value is not None else f"no {name}"
        for name, value in sorted(other.items())
    )
