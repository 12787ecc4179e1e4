"""The strategy that the others build on: metadata is checked and kept as it is for every kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from staticlet.apiserver import calls
from staticlet.apiserver.resources import kind, objectmeta
from staticlet.kube import names
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import errors

Naming = Callable[[str], names.Messages]


class Basic(kind.Strategy):
    """Rules of metadata, and room for those of a kind.

    A kind overrides `rules` (of any object), `changes` (of an update) and `keep` (what an update
    does not reach) instead of the checks themselves.
    """

    def __init__(self, naming: Naming = names.dns_subdomain, *, namespaced: bool = True) -> None:
        """How objects are named, and whether they live in namespaces."""
        self._naming = naming
        self._namespaced = namespaced

    def prepare_create(self, obj: kind.Object, call: calls.Call) -> None:
        """Drop what says that an object is being deleted: no new one is."""
        del call
        objectmeta.begin(obj["metadata"])

    def check_create(self, obj: kind.Object) -> Sequence[FieldError]:
        """Names, metadata, and the rules of the kind."""
        found = objectmeta.check(obj["metadata"], self._naming, namespaced=self._namespaced)
        return [*found, *self.rules(obj)]

    def prepare_update(self, new: kind.Object, old: kind.Object) -> None:
        """Keep what no update changes: when an object was made and how it is being deleted."""
        objectmeta.carry(new["metadata"], old["metadata"])
        self.keep(new, old)

    def check_update(self, new: kind.Object, old: kind.Object) -> Sequence[FieldError]:
        """The rules of metadata's and the kind's changes, and those of any object."""
        found = [
            *objectmeta.check_change(new["metadata"], old["metadata"]),
            *self.rules(new),
            *self.changes(new, old),
        ]
        return objectmeta.once(found)

    def prepare_status(self, new: kind.Object, old: kind.Object) -> None:
        """Keep all but the status and the metadata that clients may write through it."""
        objectmeta.carry(new["metadata"], old["metadata"])
        super().prepare_status(new, old)

    def check_status(self, new: kind.Object, old: kind.Object) -> Sequence[FieldError]:
        """The rules of metadata's changes."""
        return objectmeta.once(objectmeta.check_change(new["metadata"], old["metadata"]))

    def rules(self, obj: kind.Object) -> errors.Errors:
        """What breaks the rules of the kind, besides metadata."""
        del obj
        yield from ()

    def changes(self, new: kind.Object, old: kind.Object) -> errors.Errors:
        """What may not be changed as it was."""
        del new, old
        yield from ()

    def keep(self, new: kind.Object, old: kind.Object) -> None:
        """Set back what an update of the object itself does not reach."""
