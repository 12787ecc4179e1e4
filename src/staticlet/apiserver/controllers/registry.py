"""All controllers by name, and which of them are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from staticlet.apiserver.controllers import (
    accounts,
    eventttl,
    hands,
    namespaces,
    news,
    nodehealth,
    nodelifecycle,
    owners,
    podgc,
    scheduler,
    tainteviction,
)
from staticlet.apiserver.controllers.controller import Controller
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.verbs import perform
from staticlet.kube.scheduling import placement

EVERY = "*"
NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What controllers are made of.

    Attributes:
        backend: What verbs work with.
        kinds: The kinds whose objects are kept, each store of objects once.
        grace: How long nodes may be silent.
    """

    backend: perform.Backend
    kinds: Sequence[Kind]
    grace: nodehealth.Grace

    def does(self, name: str) -> hands.Hands:
        """What makes requests in a controller's name."""
        return hands.Hands(self.backend, name)

    def news(self, does: hands.Hands, component: str) -> news.News:
        """What records events."""
        return news.News(self.backend.store, does, self.backend.clock, component)


_Make = Callable[[Means], Controller]


class UnknownController(ValueError):
    """A name in `--controllers` that none has; the text lists those that there are."""


def _scheduler(means: Means) -> Controller:
    does = means.does(placement.DEFAULT_SCHEDULER)
    told = means.news(does, placement.DEFAULT_SCHEDULER)
    return scheduler.Scheduler(means.backend.store, does, told, means.backend.clock)


def _namespace(means: Means) -> Controller:
    inside = [kind for kind in means.kinds if kind.namespaced]
    does = means.does("namespace")
    return namespaces.Namespaces(means.backend.store, does, inside, means.backend.clock)


def _accounts(means: Means) -> Controller:
    return accounts.Accounts(means.backend.store, means.does("serviceaccount"))


def _owners(means: Means) -> Controller:
    return owners.Owners(means.backend.store, means.does("garbagecollector"), means.kinds)


def _podgc(means: Means) -> Controller:
    return podgc.PodCollector(means.backend.store, means.does("podgc"), means.backend.clock)


def _eventttl(means: Means) -> Controller:
    return eventttl.EventLife(means.backend.store, means.does("event-ttl"), means.backend.clock)


def _nodelifecycle(means: Means) -> Controller:
    does = means.does("nodelifecycle")
    told = means.news(does, nodelifecycle.COMPONENT)
    return nodelifecycle.NodeLifecycle(
        means.backend.store, does, told, means.backend.clock, grace=means.grace
    )


def _tainteviction(means: Means) -> Controller:
    does = means.does("taint-eviction")
    told = means.news(does, tainteviction.COMPONENT)
    return tainteviction.TaintEviction(means.backend.store, does, told, means.backend.clock)


_MAKERS: Mapping[str, _Make] = {
    "event-ttl": _eventttl,
    "garbagecollector": _owners,
    "namespace": _namespace,
    "nodelifecycle": _nodelifecycle,
    "podgc": _podgc,
    "scheduler": _scheduler,
    "serviceaccount": _accounts,
    "taint-eviction": _tainteviction,
}

NAMES = tuple(_MAKERS)
"""What `--controllers` may name."""


def chosen(wish: str) -> tuple[str, ...]:
    """The controllers that a list asks for, as kube-controller-manager reads such a list.

    Args:
        wish: Names with commas between them; `*` for all, `-name` for all but that one, `none` for
            none.

    Raises:
        UnknownController: A name that none has.
    """
    words = [word.strip() for word in wish.split(",") if word.strip()]
    for word in words:
        if word not in (EVERY, NONE) and word.removeprefix("-") not in NAMES:
            raise UnknownController(
                f'--controllers: there is no "{word}"; there are {", ".join(NAMES)}, '
                f'"{EVERY}" for all and "{NONE}" for none'
            )
    on = {word for word in words if word in NAMES}
    off = {word.removeprefix("-") for word in words if word.startswith("-")}
    if EVERY in words:
        on |= set(NAMES)
    return tuple(name for name in NAMES if name in on - off)


def make(
    names: Iterable[str],
    backend: perform.Backend,
    kinds: Iterable[Kind],
    *,
    grace: nodehealth.Grace | None = None,
) -> Iterator[Controller]:
    """The controllers of these names.

    Args:
        names: As `chosen` gives them.
        backend: What verbs work with.
        kinds: Every kind that is served.
        grace: How long nodes may be silent; None for as long as usual.
    """
    means = Means(backend=backend, kinds=_stored(kinds), grace=grace or nodehealth.Grace())
    for name in names:
        yield _MAKERS[name](means)


def _stored(kinds: Iterable[Kind]) -> Sequence[Kind]:
    """The kinds whose objects are kept, each store of objects once."""
    found: dict[str, Kind] = {}
    for kind in kinds:
        if "list" in kind.verbs and not kind.stored_as:
            found.setdefault(kind.key_resource, kind)
    return tuple(found.values())
