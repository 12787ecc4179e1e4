"""What is told of each kind: its names, its shape, its strategy, its columns. Pure.

A strategy is what makes a kind different from others: what it defaults, what a client may set,
what it refuses. Verbs are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from staticlet.apiserver import calls
from staticlet.kube import refusal
from staticlet.kube.finding import FieldError

if TYPE_CHECKING:
    import msgspec

Object: TypeAlias = dict[str, Any]


class Strategy:
    """How objects of a kind are made, changed and removed; this one suits plain data.

    Objects handed over may be changed in place: they belong to the request. They have passed the
    check of their shape, have `apiVersion`, `kind` and `metadata`, and are in the form in which
    they are stored (see `Kind.to_stored`).

    Attributes:
        creates_on_update: Whether a PUT of what is not there makes it (leases, events).
        needs_version: Whether a PUT must name the resourceVersion that it was made from (leases).
        returns_deleted: Whether a deletion is answered with the object as it was (pods), not with
            a Status.
    """

    creates_on_update: bool = False
    needs_version: bool = False
    returns_deleted: bool = False

    def default(self, obj: Object) -> None:
        """Fill in the API's defaults; done to every object that is written."""

    def prepare_create(self, obj: Object, call: calls.Call) -> None:
        """Drop what a client does not set on creation, and set what the server does."""

    def check_create(self, obj: Object) -> Sequence[FieldError]:
        """What breaks the kind's rules in a new object; names and metadata included."""
        del obj
        return ()

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep what an update of the object itself does not change (status), count generations."""

    def check_update(self, new: Object, old: Object) -> Sequence[FieldError]:
        """What breaks the rules in a changed object."""
        del old
        return self.check_create(new)

    def prepare_status(self, new: Object, old: Object) -> None:
        """Keep everything that an update of `/status` does not change."""
        for name in [*new]:
            if name not in ("apiVersion", "kind", "metadata", "status"):
                del new[name]
        new |= {name: value for name, value in old.items() if name not in ("metadata", "status")}

    def check_status(self, new: Object, old: Object) -> Sequence[FieldError]:
        """What breaks the rules in a changed status."""
        del new, old
        return ()

    def prepare_delete(
        self, obj: Object, grace_s: int | None, now: datetime
    ) -> tuple[bool, int | None]:
        """Whether the object goes at once (no graceful deletion), and the grace it gets.

        Args:
            obj: The object; not to be changed.
            grace_s: What the client asked for; None when it asked for nothing.
            now: The time of the request.
        """
        del obj, grace_s, now
        return True, 0

    def begin_delete(self, obj: Object) -> None:
        """Write into an object that does not go at once what else its deletion begins.

        Its deletionTimestamp, and the grace that is not None, are set by then.
        """

    def warnings(self, obj: Object) -> Sequence[str]:
        """What a client should be told although nothing is refused."""
        del obj
        return ()


Column: TypeAlias = Mapping[str, Any]
"""A TableColumnDefinition: name, type, format, description, priority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How a kind is shown as a table.

    Attributes:
        definitions: The columns, as TableColumnDefinitions.
        cells: The cells of an object at a time: strings, numbers or booleans, one a column.
    """

    definitions: Sequence[Column]
    cells: Callable[[Object, datetime], Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    """A subresource as discovery tells of it.

    Attributes:
        name: `status`, `binding`.
        kind: The kind of its bodies: `Pod`, `Binding`.
        verbs: What it can.
        group: The group of that kind where it is not the resource's own.
        version: The version of that kind where it is not the resource's own.
        strategy: The rules of an update through it (`prepare_update` and `check_update`, with the
            whole object), where they are not those of `/status`.
    """

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str | None = None
    version: str | None = None
    strategy: Strategy | None = None


def _metadata_fields(obj: Mapping[str, Any]) -> dict[str, str]:
    meta = obj.get("metadata") or {}
    return {
        "metadata.name": str(meta.get("name", "")),
        "metadata.namespace": str(meta.get("namespace", "")),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object that the server keeps, in one version.

    Attributes:
        group: The API group; empty for the core group.
        version: The API version.
        plural: The resource's name in paths.
        singular: Its name for one.
        kind: The kind's name.
        short_names: What kubectl also takes.
        categories: `all`.
        namespaced: Whether its objects live in namespaces.
        verbs: What can be done, in discovery's order (sorted).
        struct: The shape, from the API's models.
        strategy: The kind's rules.
        columns: How it is shown as a table; None for name and age alone.
        subresources: What else is below an object.
        fields: What it is selected by besides `metadata.name` and `metadata.namespace`, each with
            how to read it. Values are strings, empty when absent.
        stored_as: The key's resource where it is another than its own name (Events of both groups
            are one store).
        to_stored: From this version to what is stored, in place; None where it is the same. Done
            first with what a client sends: the strategy sees the stored form only.
        from_stored: The other way round.
        hash: The storageVersionHash of discovery; any stable text.
        not_run: Why objects of this kind are not made here, as the sentence that a creation is
            refused with (405, `refusal.not_run`); empty for what can be made.
    """

    group: str = ""
    version: str = "v1"
    plural: str
    singular: str
    kind: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    verbs: tuple[str, ...]
    struct: type[msgspec.Struct]
    strategy: Strategy
    columns: Columns | None = None
    subresources: tuple[Subresource, ...] = ()
    fields: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    stored_as: str = ""
    to_stored: Callable[[Object], None] | None = None
    from_stored: Callable[[Object], None] | None = None
    hash: str = ""
    not_run: str = ""

    @property
    def group_resource(self) -> refusal.GroupResource:
        """The resource as refusals name it."""
        return refusal.GroupResource(self.group, self.plural)

    @property
    def api_version(self) -> str:
        """`v1`, `coordination.k8s.io/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key_resource(self) -> str:
        """The resource part of the keys of its objects."""
        return self.stored_as or str(self.group_resource)

    def field_values(self, obj: Mapping[str, Any]) -> dict[str, str]:
        """The values of all fields by which its objects are selected."""
        values = _metadata_fields(obj)
        values |= {name: read(obj) for name, read in self.fields.items()}
        return values
