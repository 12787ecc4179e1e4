"""Which pods have a place on this node: its ports, and a share of what there is. And who waits.

A static pod that finds no place is refused by the kubelet, for good. Here it waits, says so, and
is tried again whenever something has changed. Pods of an API server, which were admitted when they
came, wait for their ports alone; those that are not critical end where a static pod needs their
room, as the kubelet does it.

A pod has its place from the moment at which it is let in until it has ended, restarts included.
What truly lives has its ports, whoever else was let in: nobody is ended who runs already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from staticlet.kube import core
from staticlet.kube.scheduling.room import HostPort
from staticlet.pods import (
    admission,
    hostports,
    labels,
    obstacles,
    preemption,
    qos,
    shortage,
    wanted,
)
from staticlet.pods import node as nodes
from staticlet.runtime import port

End = Callable[[], None]
"""Ends a pod that is in the way of a critical one; must not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What a pod has.

    Attributes:
        pod: The pod.
        amounts: What it requests.
        ports: Its ports; none while it waits for them.
        end: Ends it for a critical pod; None while nobody can.
        going: Whether it is being ended.
    """

    pod: wanted.WantedPod
    amounts: shortage.Amounts
    ports: frozenset[HostPort]
    end: End | None = None
    going: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    pod: wanted.WantedPod
    obstacle: obstacles.Obstacle
    wake: Callable[[], None]


class Places:
    """Keeps who has what, and wakes who waits.

    Args:
        offer: What this node offers.
    """

    def __init__(self, offer: Callable[[], nodes.Offer] = nodes.Offer) -> None:
        self._offer = offer
        self._places: dict[wanted.PodKey, _Place] = {}
        self._living: dict[wanted.PodKey, frozenset[HostPort]] = {}
        self._waiting: dict[wanted.PodKey, _Waiting] = {}

    def lives(self, key: wanted.PodKey, pod: core.Pod | None) -> None:
        """Note which pod of a name lives; None when nothing does."""
        before = self._living.pop(key, frozenset())
        ports = hostports.of(pod) if pod is not None else frozenset()
        if ports:
            self._living[key] = ports
        if before - ports:
            self.retry()

    def adopt(
        self, key: wanted.PodKey, living: Iterable[port.Sandbox], want: wanted.WantedPod | None
    ) -> None:
        """Take in what was found running, before anybody asks for a place.

        Args:
            key: The pod's name.
            living: Its sandboxes of which something lives.
            want: The pod that is wanted under that name; None where there is none.
        """
        ports: frozenset[HostPort] = frozenset()
        for sandbox in living:
            content = (sandbox.uid, labels.revision_of(sandbox))
            if want is not None and content == (want.uid, want.revision):
                self.keep(key, want)
            made_for = labels.pod_of(sandbox)
            ports |= hostports.of(made_for) if made_for is not None else frozenset()
        if ports:
            self._living[key] = ports

    def keep(self, key: wanted.PodKey, pod: wanted.WantedPod, end: End | None = None) -> None:
        """Give a pod that runs here its place, whatever else is so."""
        self._waiting.pop(key, None)
        known = self._places.get(key)
        waited = known is not None and known.ports != hostports.of(pod.pod)  # it had none of them
        if known is None or known.pod is not pod or known.going or waited:
            self._settle(key, pod, end)
        elif known.end is None and end is not None:
            self._places[key] = replace(known, end=end)
            self.retry()  # it was adopted, and can be ended from now on

    def take(
        self, key: wanted.PodKey, pod: wanted.WantedPod, wake: Callable[[], None], end: End
    ) -> obstacles.Obstacle | None:
        """Let a pod in, if there is a place for it.

        Args:
            key: Its name.
            pod: The pod; one of the API has been admitted by the node.
            wake: Called when it is time to try again; must not wait.
            end: Ends it, should a critical pod need its room.

        Returns:
            What is in the way; None when it has its place from now on.
        """
        known = self._places.get(key)
        if known is not None and _same(known.pod, pod) and known.ports == hostports.of(pod.pod):
            self.keep(key, pod, end)
            return None
        found = self._obstacle(key, pod)
        if found is None:
            self.keep(key, pod, end)
            return None
        self._waiting[key] = _Waiting(pod=pod, obstacle=found, wake=wake)
        if pod.source == wanted.API:
            self._settle(key, pod, end, ports=frozenset())
        return found

    def going(self, key: wanted.PodKey) -> None:
        """A pod is being ended; what it requests is free, of one of the API once it is gone."""
        self._waiting.pop(key, None)
        known = self._places.get(key)
        if known is None or known.going:
            return
        if known.pod.source == wanted.API:
            self._settle(key, known.pod, None, going=True)
        else:
            del self._places[key]
        self.retry()

    def leave(self, key: wanted.PodKey) -> None:
        """Nothing of a pod lives any more, and nothing of it will."""
        self._waiting.pop(key, None)
        self.lives(key, None)
        if self._places.pop(key, None) is not None:
            self.retry()

    def waiting(self) -> Iterator[tuple[wanted.PodKey, obstacles.Obstacle]]:
        """Which pods wait, and what for."""
        for key, one in self._waiting.items():
            yield key, one.obstacle

    def retry(self) -> None:
        """Something has changed: whoever waits is to try again."""
        for one in [*self._waiting.values()]:
            one.wake()

    def _obstacle(self, key: wanted.PodKey, pod: wanted.WantedPod) -> obstacles.Obstacle | None:
        """What is in the way: as in the kubelet, only when nothing else is, is room made."""
        if pod.source != wanted.API:
            offer = self._offer()
            refused = admission.admit_static(msgspec.to_builtins(pod.pod), offer)
            if refused is not None:
                return obstacles.of_node(refused, offer, pod.pod)
        clash = hostports.clash(key, hostports.of(pod.pod), self._ports())
        if clash is not None:
            return obstacles.of_port(clash)
        return self._shortage(key, pod, offer) if pod.source != wanted.API else None

    def _ports(self) -> Mapping[wanted.PodKey, frozenset[HostPort]]:
        held = {key: one.ports for key, one in self._places.items()}
        for key, ports in self._living.items():
            held[key] = held.get(key, frozenset()) | ports
        return held

    def _shortage(
        self, key: wanted.PodKey, pod: wanted.WantedPod, offer: nodes.Offer
    ) -> obstacles.Obstacle | None:
        """What there is too little of for a static pod; pods are ended where that helps."""
        asked = shortage.of_pod(msgspec.to_builtins(pod.pod))
        others = {other: one for other, one in self._places.items() if other != key}
        lacking = shortage.shortages(asked, _sum(others), offer.allocatable)
        if not lacking:
            return None
        ending = tuple(other for other, one in others.items() if one.going)
        staying = {other: one for other, one in others.items() if not one.going}
        still = shortage.shortages(asked, _sum(staying), offer.allocatable)
        if still:
            victims = preemption.victims(still, self._candidates(pod, staying))
            if victims is None:
                return obstacles.of_room(lacking)
            for victim in victims:
                self._end(victim)
            ending += victims
        return obstacles.of_room(lacking, ending=ending)

    def _candidates(
        self, pod: wanted.WantedPod, places: Mapping[wanted.PodKey, _Place]
    ) -> list[preemption.Candidate]:
        return [
            preemption.Candidate(key=key, amounts=one.amounts, qos=qos.qos_class(one.pod.pod))
            for key, one in sorted(places.items())
            if one.end is not None and preemption.may_end(pod, one.pod)
        ]

    def _end(self, key: wanted.PodKey) -> None:
        place = self._places[key]
        self._settle(key, place.pod, None, going=True)
        if place.end is not None:
            place.end()

    def _settle(
        self,
        key: wanted.PodKey,
        pod: wanted.WantedPod,
        end: End | None,
        *,
        ports: frozenset[HostPort] | None = None,
        going: bool = False,
    ) -> None:
        before = self._places.get(key)
        made = self._places[key] = _Place(
            pod=pod,
            amounts=shortage.of_pod(msgspec.to_builtins(pod.pod)),
            ports=hostports.of(pod.pod) if ports is None else ports,
            end=end,
            going=going,
        )
        if before is not None and _differ(before, made):
            self.retry()  # it may take less than before, or be ended now


def _differ(one: _Place, other: _Place) -> bool:
    """Whether two places of a pod leave others more or less."""
    less = (one.amounts, one.ports) != (other.amounts, other.ports)
    return less or (one.end is None) != (other.end is None)


def _same(one: wanted.WantedPod, other: wanted.WantedPod) -> bool:
    return (one.uid, one.revision) == (other.uid, other.revision)


def _sum(places: Mapping[wanted.PodKey, _Place]) -> shortage.Amounts:
    return shortage.together(one.amounts for one in places.values())
