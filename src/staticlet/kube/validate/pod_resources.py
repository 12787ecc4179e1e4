"""Resources of the pod as a whole, which its containers share."""

from __future__ import annotations

from fractions import Fraction

from staticlet.kube import fieldpath, quantity
from staticlet.kube.fieldpath import Key
from staticlet.kube.validate import containers, errors, peek, quantities, resources


def check(spec: peek.Object, path: fieldpath.Path) -> errors.Errors:
    """The pod's `resources`: its requests cover its containers, its limits bound each of them."""
    own = peek.child(spec, "resources")
    yield from resources.check(own, (*path, "resources"), (), of_pod=True)
    for name, value in peek.child(own, "requests").items():
        amount = quantities.read(value)
        if not isinstance(name, str) or amount is None:
            continue
        needed = _needed(spec, name)
        if needed > amount:
            detail = f"must be greater than or equal to aggregate container requests of {needed}"
            at = (*path, "resources", "requests", Key(name))
            yield errors.invalid(at, amount.canonical(), detail)
    for name, value in peek.child(own, "limits").items():
        if isinstance(name, str) and (limit := quantities.read(value)) is not None:
            yield from _container_limits(spec, path, name, limit)


def _container_limits(
    spec: peek.Object, path: fieldpath.Path, name: str, limit: quantity.Quantity
) -> errors.Errors:
    for at, container in containers.each(spec, path, ("containers",)):
        wanted = _amount(container, "limits", name)
        if wanted > limit:
            detail = f"must be less than or equal to pod limits of {limit}"
            where = (*at, "resources", "limits", Key(name))
            yield errors.invalid(where, wanted.canonical(), detail)


def _needed(spec: peek.Object, name: str) -> quantity.Quantity:
    """The most that runs at once.

    All containers and sidecars do, or one init container beside the sidecars before it.
    """
    sidecars = peak = quantity.ZERO
    for container in peek.objects(spec, "initContainers"):
        amount = _amount(container, "requests", name)
        if peek.text(container, "restartPolicy") == "Always":
            sidecars += amount
            peak = max(peak, sidecars)
        else:
            peak = max(peak, sidecars + amount)
    together = sidecars
    for container in peek.objects(spec, "containers"):
        together += _amount(container, "requests", name)
    return max(together, peak)


def _amount(container: peek.Object, field: str, name: str) -> quantity.Quantity:
    amounts = peek.child(peek.child(container, "resources"), field)
    return quantities.read(amounts.get(name)) or quantity.Quantity(Fraction(0))
