"""Which pods end so that a critical one finds room. Pure.

Follows the kubelet's `preemption`: as few guaranteed pods as possible die, then as few burstable
ones, then as few of best effort; of each class those that come nearest to what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from staticlet.kube import core, quantity
from staticlet.pods import fields, qos, shortage, wanted

SYSTEM_CRITICAL = 2_000_000_000
"""The least `spec.priority` that makes a pod of the API critical."""

REASON = "Preempting"
MESSAGE = "Preempted in order to admit critical pod"
CONDITION = "Pod was preempted by Kubelet to accommodate a critical pod."

Missing = Mapping[str, Fraction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A pod that may be ended.

    Attributes:
        key: Its name.
        amounts: What it takes.
        qos: Its class.
    """

    key: wanted.PodKey
    amounts: shortage.Amounts
    qos: qos.QosClass


def is_critical(pod: wanted.WantedPod) -> bool:
    """Whether a pod is critical: every static pod is, of the API those of a high priority."""
    if pod.source != wanted.API:
        return True
    return (fields.spec(pod.pod).priority or 0) >= SYSTEM_CRITICAL


def may_end(by: wanted.WantedPod, pod: wanted.WantedPod) -> bool:
    """Whether one pod may have another ended; a static pod never is, whatever its priority.

    The kubelet ends a static pod for another one with a higher priority. Here what has a manifest
    ends with its manifest.
    """
    if pod.source != wanted.API:
        return False
    if is_critical(by) and not is_critical(pod):
        return True
    high, low = _priority(by.pod), _priority(pod.pod)
    return high is not None and low is not None and high > low


def victims(
    missing: Sequence[shortage.Shortage], candidates: Sequence[Candidate]
) -> tuple[wanted.PodKey, ...] | None:
    """Which pods to end; None when not even all of them would be enough.

    Args:
        missing: What there is too little of.
        candidates: Those that may be ended.
    """
    needs: Missing = {one.name: one.missing.amount for one in missing}
    guaranteed = _of(candidates, qos.QosClass.GUARANTEED)
    burstable = _of(candidates, qos.QosClass.BURSTABLE)
    best_effort = _of(candidates, qos.QosClass.BEST_EFFORT)
    if _less(needs, candidates):
        return None
    first = _nearest(_less(needs, (*burstable, *best_effort)), guaranteed)
    second = _nearest(_less(needs, (*first, *best_effort)), burstable)
    third = _nearest(_less(needs, (*first, *second)), best_effort)
    return tuple(one.key for one in (*first, *second, *third))


def _of(candidates: Sequence[Candidate], kind: qos.QosClass) -> Sequence[Candidate]:
    return [one for one in candidates if one.qos is kind]


def _less(needs: Missing, ended: Sequence[Candidate]) -> Missing:
    """What is still missing once these have ended."""
    left = {name: amount - sum(_amount(c, name) for c in ended) for name, amount in needs.items()}
    return {name: amount for name, amount in left.items() if amount > 0}


def _nearest(needs: Missing, candidates: Sequence[Candidate]) -> list[Candidate]:
    """As many as are needed, at each turn the one that comes nearest to what is missing."""
    chosen: list[Candidate] = []
    rest = [*candidates]
    while needs and rest:
        best = min(rest, key=_distance(needs))
        rest.remove(best)
        chosen.append(best)
        needs = _less(needs, [best])
    return chosen


def _distance(needs: Missing) -> Callable[[Candidate], tuple[Fraction, Fraction, Fraction, str]]:
    """How far a pod is from what is missing: each resource weighs the same; the smaller wins."""

    def of(one: Candidate) -> tuple[Fraction, Fraction, Fraction, str]:
        left = (
            max(1 - _amount(one, name) / amount, Fraction(0)) for name, amount in needs.items()
        )
        far = sum((each * each for each in left), Fraction(0))
        return far, _amount(one, "memory"), _amount(one, "cpu"), str(one.key)

    return of


def _amount(one: Candidate, name: str) -> Fraction:
    return one.amounts.get(name, quantity.ZERO).amount


def _priority(pod: core.Pod) -> int | None:
    return fields.spec(pod).priority
