"""The parts of an object that are written on their own: itself, its status, and more. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from staticlet.apiserver.resources.kind import Kind, Object, Subresource
from staticlet.kube.finding import FieldError

_Prepare: TypeAlias = Callable[[Object, Object], None]
_Check: TypeAlias = Callable[[Object, Object], Sequence[FieldError]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What an update of a part keeps, and what it refuses.

    Attributes:
        prepare: Sets back in the new object what the part does not reach.
        check: What breaks the rules in the new object.
    """

    prepare: _Prepare
    check: _Check


def of(kind: Kind, subresource: Subresource | None) -> Part | None:
    """The part that a subresource is, or the object itself; None when it is none."""
    strategy = kind.strategy
    if subresource is None:
        return Part(prepare=strategy.prepare_update, check=strategy.check_update)
    if subresource.strategy is not None:
        own = subresource.strategy
        return Part(prepare=own.prepare_update, check=own.check_update)
    if subresource.name == "status":
        return Part(prepare=strategy.prepare_status, check=strategy.check_status)
    return None
