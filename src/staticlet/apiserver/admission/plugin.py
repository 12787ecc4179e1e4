"""What an admission plugin is: it may set things first, and refuse things last.

As in kube-apiserver: all plugins set (mutate) what they have to before an object is validated, and
refuse (validate) what they must after that. They read other objects, and never write any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Objects
from staticlet.kube import refusal


class NotYet(refusal.Refusal):
    """A refusal of what lacks something that a controller is about to make: worth more tries.

    kube-apiserver waits so for the `default` service account of a namespace that is just made.

    Args:
        refused: What the client is told in the end.
    """

    def __init__(self, refused: refusal.Refusal) -> None:
        super().__init__(refused.code, refused.reason, refused.message, details=refused.details)


@dataclass(slots=True, kw_only=True)
class Review:
    """What is to be admitted.

    Attributes:
        call: The request.
        kind: The kind of the object; of a subresource: of the object that it belongs to.
        operation: CREATE, UPDATE or DELETE.
        object: The object as it will be; of `binding`, `eviction` and `token`: their own body.
            None for a deletion. A mutating plugin changes it in place.
        old: The object as it is; None for a creation.
        name: The object's name; empty when it is to be generated.
    """

    call: calls.Call
    kind: Kind
    operation: str
    object: Object | None
    old: Object | None
    name: str = ""


class Plugin(Protocol):
    """One rule of admission."""

    def mutate(self, review: Review, objects: Objects) -> None:
        """Set what is to be set.

        Raises:
            refusal.Refusal: It cannot be.
        """
        ...

    def validate(self, review: Review, objects: Objects) -> None:
        """Refuse what may not be.

        Raises:
            refusal.Refusal: It may not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Chain:
    """Plugins in their order."""

    plugins: Sequence[Plugin] = ()

    def mutate(self, review: Review, objects: Objects) -> None:
        """Let each plugin set what it sets."""
        for plugin in self.plugins:
            plugin.mutate(review, objects)

    def validate(self, review: Review, objects: Objects) -> None:
        """Let each plugin refuse what it refuses."""
        for plugin in self.plugins:
            plugin.validate(review, objects)
