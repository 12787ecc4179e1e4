"""All controllers by name, and which of them are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from staticlet.apiserver.controllers import (
    accounts,
    eventttl,
    hands,
    namespaces,
    news,
    owners,
    podgc,
    scheduler,
)
from staticlet.apiserver.controllers.controller import Controller
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.verbs import perform
from staticlet.kube.scheduling import placement

EVERY = "*"
NONE = "none"

_Make = Callable[[perform.Backend, Sequence[Kind]], Controller]


class UnknownController(ValueError):
    """A name in `--controllers` that none has; the text lists those that there are."""


def _scheduler(backend: perform.Backend, kinds: Sequence[Kind]) -> Controller:
    del kinds
    does = hands.Hands(backend, placement.DEFAULT_SCHEDULER)
    told = news.News(backend.store, does, backend.clock, placement.DEFAULT_SCHEDULER)
    return scheduler.Scheduler(backend.store, does, told, backend.clock)


def _namespace(backend: perform.Backend, kinds: Sequence[Kind]) -> Controller:
    inside = [kind for kind in kinds if kind.namespaced]
    does = hands.Hands(backend, "namespace")
    return namespaces.Namespaces(backend.store, does, inside, backend.clock)


def _accounts(backend: perform.Backend, kinds: Sequence[Kind]) -> Controller:
    del kinds
    return accounts.Accounts(backend.store, hands.Hands(backend, "serviceaccount"))


def _owners(backend: perform.Backend, kinds: Sequence[Kind]) -> Controller:
    return owners.Owners(backend.store, hands.Hands(backend, "garbagecollector"), kinds)


def _podgc(backend: perform.Backend, kinds: Sequence[Kind]) -> Controller:
    del kinds
    return podgc.PodCollector(backend.store, hands.Hands(backend, "podgc"), backend.clock)


def _eventttl(backend: perform.Backend, kinds: Sequence[Kind]) -> Controller:
    del kinds
    return eventttl.EventLife(backend.store, hands.Hands(backend, "event-ttl"), backend.clock)


_MAKERS: Mapping[str, _Make] = {
    "event-ttl": _eventttl,
    "garbagecollector": _owners,
    "namespace": _namespace,
    "podgc": _podgc,
    "scheduler": _scheduler,
    "serviceaccount": _accounts,
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
    names: Iterable[str], backend: perform.Backend, kinds: Iterable[Kind]
) -> Iterator[Controller]:
    """The controllers of these names.

    Args:
        names: As `chosen` gives them.
        backend: What verbs work with.
        kinds: Every kind that is served.
    """
    stored = _stored(kinds)
    for name in names:
        yield _MAKERS[name](backend, stored)


def _stored(kinds: Iterable[Kind]) -> Sequence[Kind]:
    """The kinds whose objects are kept, each store of objects once."""
    found: dict[str, Kind] = {}
    for kind in kinds:
        if "list" in kind.verbs and not kind.stored_as:
            found.setdefault(kind.key_resource, kind)
    return tuple(found.values())
