"""What a node has too little of for one more pod, and how much is missing. Pure.

The arithmetic is the kubelet's: what a pod requests, added to what the pods that count request,
must not exceed what is allocatable. Resources that the pod does not request do not matter, however
much of them is overdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from staticlet.kube import quantity
from staticlet.kube.scheduling import room

PODS = "pods"
_NATIVE_DOMAIN = "kubernetes.io/"

Amounts: TypeAlias = Mapping[str, quantity.Quantity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """One resource of which there is too little.

    Attributes:
        name: Which.
        asked: What the pod requests.
        used: What the others request.
        there: What is allocatable.
    """

    name: str
    asked: quantity.Quantity
    used: quantity.Quantity
    there: quantity.Quantity

    @property
    def missing(self) -> quantity.Quantity:
        """How much more there would have to be."""
        short = self.asked.amount + self.used.amount - self.there.amount
        return quantity.Quantity(short, self.asked.form)

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.asked} requested, {self.used} of {self.there} taken, "
            f"{self.missing} missing"
        )

    def in_the_kubelets_words(self) -> str:
        """The message of a refusal: cpu in thousandths, all else in units."""
        asked, used, there = (self._plain(each) for each in (self.asked, self.used, self.there))
        return (
            f"Node didn't have enough resource: {self.name}, requested: {asked}, used: {used}, "
            f"capacity: {there}"
        )

    def _plain(self, amount: quantity.Quantity) -> int:
        return amount.milli() if self.name == "cpu" else amount.value()


def of_pod(pod: room.Object) -> Amounts:
    """What one pod takes: what it requests, and its place among the pods."""
    return {PODS: quantity.Quantity(Fraction(1)), **room.requests(pod)}


def together(taken: Iterable[Amounts]) -> Amounts:
    """What several take together."""
    total: dict[str, quantity.Quantity] = {}
    for amounts in taken:
        for name, amount in amounts.items():
            total[name] = total[name] + amount if name in total else amount
    return total


def shortages(asked: Amounts, used: Amounts, there: Mapping[str, str]) -> tuple[Shortage, ...]:
    """Everything that there is too little of, the number of pods first.

    Args:
        asked: What a pod takes.
        used: What the others take together.
        there: What is allocatable; a node that tells nothing of itself is held against nobody.
    """
    if not there:
        return ()
    found = []
    for name, amount in asked.items():
        if amount.is_zero or (name not in there and (name == PODS or _is_extended(name))):
            continue  # a resource that the node knows nothing of is held against nobody
        one = Shortage(
            name=name,
            asked=amount,
            used=used.get(name, quantity.ZERO),
            there=quantity.parse(str(there.get(name, "0"))),
        )
        if one.missing.sign > 0:
            found.append(one)
    return tuple(found)


def _is_extended(name: str) -> bool:
    """Whether a resource is a device or another that is no part of every machine."""
    domain, _, rest = name.rpartition("/")
    return bool(domain and rest) and not f"{domain}/".endswith(_NATIVE_DOMAIN)
