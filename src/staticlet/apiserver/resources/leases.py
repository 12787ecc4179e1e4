"""Leases: who holds something, and until when; a node's heartbeat."""

from __future__ import annotations

from staticlet.apiserver.resources import basic, columns, kind, times, traits
from staticlet.kube import apitypes, names
from staticlet.kube.fieldpath import Path
from staticlet.kube.validate import errors, peek

_SPEC: Path = ("spec",)
_STRATEGIES = ("OldestEmulationVersion",)


class Leases(basic.Basic):
    """The rules of leases (`ValidateLease`)."""

    creates_on_update = True
    needs_version = True

    def default(self, obj: kind.Object) -> None:
        """Write times as the API does."""
        times.settle(obj.setdefault("spec", {}), ("acquireTime", "renewTime"), micro=True)

    def rules(self, obj: kind.Object) -> errors.Errors:
        """A lease lasts some time, and counts its holders upwards."""
        spec = peek.child(obj, "spec")
        duration = peek.number(spec, "leaseDurationSeconds")
        if duration is not None and duration <= 0:
            at = (*_SPEC, "leaseDurationSeconds")
            yield errors.invalid(at, duration, "must be greater than 0")
        transitions = peek.number(spec, "leaseTransitions")
        yield from errors.not_negative((*_SPEC, "leaseTransitions"), transitions)
        strategy = peek.text(spec, "strategy")
        yield from _strategy(strategy)
        if peek.text(spec, "preferredHolder") and not strategy:
            detail = "may only be specified if `strategy` is defined"
            yield errors.forbidden((*_SPEC, "preferredHolder"), detail)


def _strategy(strategy: str) -> errors.Errors:
    at = (*_SPEC, "strategy")
    if "/" in strategy:
        yield from errors.each(at, strategy, names.qualified_name(strategy))
    else:
        yield from errors.one_of((*at, "strategy"), strategy, _STRATEGIES)


LEASES = kind.Kind(
    group="coordination.k8s.io",
    plural="leases",
    singular="lease",
    kind="Lease",
    verbs=traits.ALL,
    struct=apitypes.Lease,
    strategy=Leases(),
    columns=columns.LEASES,
    hash=traits.version_hash("coordination.k8s.io", "v1", "Lease"),
)
