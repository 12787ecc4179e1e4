"""What the Node says that there is, and what of it is for pods. Pure.

Follows the kubelet's `MachineInfo` and its reservations: allocatable is the capacity without what
is reserved for the system and for us, and without what the eviction thresholds keep free.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from staticlet.config.settings import Settings
from staticlet.host import nodeinfo
from staticlet.kube import quantity
from staticlet.node import pressure

CPU, MEMORY, PODS, STORAGE = "cpu", "memory", "pods", "ephemeral-storage"
HUGEPAGES = "hugepages-"

_SIGNALS = {MEMORY: "memory.available", STORAGE: "nodefs.available"}

Amounts = Mapping[str, quantity.Quantity]


def capacity(machine: nodeinfo.Capacity, settings: Settings) -> dict[str, quantity.Quantity]:
    """What there is."""
    out = {
        CPU: quantity.Quantity(Fraction(machine.cpus)),
        MEMORY: _bytes(machine.memory_bytes),
        PODS: quantity.Quantity(Fraction(_pods(machine.cpus, settings))),
    }
    if machine.storage_bytes:
        out[STORAGE] = _bytes(machine.storage_bytes)
    for size, total in machine.hugepages.items():
        out[HUGEPAGES + _bytes(size).canonical()] = _bytes(total)
    return out


def allocatable(there: Amounts, settings: Settings) -> dict[str, quantity.Quantity]:
    """What pods may use of it; never less than nothing."""
    out = {}
    for name, amount in there.items():
        left = amount.amount - _reserved(name, amount, settings)
        out[name] = quantity.Quantity(max(left, Fraction(0)), amount.form)
    pages = sum((there[name].amount for name in there if name.startswith(HUGEPAGES)), Fraction(0))
    memory = out[MEMORY]
    out[MEMORY] = quantity.Quantity(max(memory.amount - pages, Fraction(0)), memory.form)
    return out


def overdrawn(there: Amounts, settings: Settings) -> tuple[str, ...]:
    """The resources of which more is reserved than there is."""
    return tuple(
        name for name, amount in there.items() if _reserved(name, amount, settings) > amount.amount
    )


def texts(amounts: Amounts) -> dict[str, str]:
    """As the API has them."""
    return {name: amount.canonical() for name, amount in sorted(amounts.items())}


def _reserved(name: str, amount: quantity.Quantity, settings: Settings) -> Fraction:
    out = Fraction(0)
    for held in (settings.kube_reserved, settings.system_reserved):
        if name in held:
            out += quantity.parse(held[name]).amount
    threshold = pressure.thresholds(settings).get(_SIGNALS.get(name, ""))
    if threshold:
        out += pressure.floor(threshold, amount.value())
    return out


def _pods(cpus: int, settings: Settings) -> int:
    if not settings.pods_per_core:
        return settings.max_pods
    return min(settings.max_pods, settings.pods_per_core * cpus)


def _bytes(number: int) -> quantity.Quantity:
    return quantity.Quantity(Fraction(number), quantity.Format.BINARY)
