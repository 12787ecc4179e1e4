"""What verbs work with: the store, the kinds, admission, and what makes names and uids."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from staticlet.aio import clock
from staticlet.apiserver import calls
from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Store
from staticlet.apiserver.verbs import nodeport
from staticlet.apiserver.verbs.answers import Answer


class Kinds(Protocol):
    """The kinds that are served."""

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind of a resource in a version; None when it is not served."""
        ...

    def __iter__(self) -> Iterator[Kind]:
        """Every kind."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Everything that verbs need, made once by the one who wires.

    Attributes:
        store: Where objects are.
        kinds: The kinds that are served.
        admission: Sets and refuses what strategies do not know of.
        clock: The time.
        new_uid: Makes the uid of a new object.
        new_suffix: Makes the five random letters that follow a `generateName`.
        handlers: Creations that store nothing, or not only an object, by group, plural and
            subresource (empty for the resource itself): `("authentication.k8s.io",
            "tokenreviews", "")`, `("", "serviceaccounts", "token")`.
        kubelets: Asks the nodes; None where requests are not passed on to them.
    """

    store: Store
    kinds: Kinds
    admission: plugin.Chain
    clock: clock.Clock
    new_uid: Callable[[], str]
    new_suffix: Callable[[], str]
    handlers: Mapping[tuple[str, str, str], Handler] = field(default_factory=dict)
    kubelets: nodeport.Kubelets | None = None


Handler: TypeAlias = Callable[[Backend, calls.Call, Kind, Object], Awaitable[Answer]]
"""Answers a creation; the object has the shape of its kind (see `body`)."""
