"""Which objects a list or a watch is about, by their labels and fields. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store.port import Record
from staticlet.apiserver.verbs import options
from staticlet.kube import fieldselector, refusal, selector

_ALWAYS = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class Selection:
    """A label selector and terms on fields, which must all hold."""

    labels: selector.Selector = options.EVERYTHING
    terms: tuple[fieldselector.Term, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not self.labels.requirements and not self.terms

    def matches(self, record: Record) -> bool:
        """Whether an object is among those."""
        fields = record.fields
        return all(
            term.holds(fields.get(term.field, "")) for term in self.terms
        ) and self.labels.matches(record.labels)


def of(kind: Kind, asked: options.Reading) -> Selection:
    """The selection of a request.

    Raises:
        refusal.Refusal: 400, the kind is not selected by one of the fields.
    """
    for term in asked.fields:
        if term.field not in _ALWAYS and term.field not in kind.fields:
            raise refusal.bad_request(f"field label not supported: {term.field}")
    return Selection(asked.labels, asked.fields)
