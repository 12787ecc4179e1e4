"""Field selectors of pods: `metadata.name=web,status.phase!=Running`. Pure.

As in Kubernetes' API: `=`, `==` and `!=` on a fixed set of fields; a backslash before a comma, an
equals sign or a backslash makes it part of the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from staticlet.kube import selector

_Object = Mapping[str, Any]


def _at(*path: str, default: str = "") -> Callable[[_Object], str]:
    def read(pod: _Object) -> str:
        value: Any = pod
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, bool):
            return str(value).lower()
        return default if value is None else str(value)

    return read


FIELDS: Mapping[str, Callable[[_Object], str]] = {
    "metadata.name": _at("metadata", "name"),
    "metadata.namespace": _at("metadata", "namespace"),
    "spec.hostNetwork": _at("spec", "hostNetwork", default="false"),
    "spec.nodeName": _at("spec", "nodeName"),
    "spec.restartPolicy": _at("spec", "restartPolicy"),
    "spec.schedulerName": _at("spec", "schedulerName"),
    "spec.serviceAccountName": _at("spec", "serviceAccountName"),
    "status.nominatedNodeName": _at("status", "nominatedNodeName"),
    "status.phase": _at("status", "phase"),
    "status.podIP": _at("status", "podIP"),
}
"""The fields by which the API server selects pods."""

_TERM = re.compile(r"(?P<field>[^=!,\\]*)(?P<sign>==|!=|=)(?P<value>(?:[^,=\\]|\\[\\,=])*)\Z")
_COMMA = re.compile(r"((?:[^,\\]|\\.?)*)(,|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One field and the value that it must have, or must not have."""

    field: str
    value: str
    equal: bool

    def holds(self, found: str) -> bool:
        """Whether the field may have the value that was found in it."""
        return (found == self.value) is self.equal


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that must all hold."""

    terms: tuple[Term, ...] = ()

    def matches(self, pod: _Object) -> bool:
        """Whether a pod, as plain data, has what is asked for."""
        return all(term.holds(FIELDS[term.field](pod)) for term in self.terms)


def parse(text: str) -> FieldSelector:
    """Read a field selector; an empty one selects everything.

    Raises:
        selector.SelectorError: It is none, or names a field by which pods are not selected.
    """
    found = terms(text)
    for term in found:
        if term.field not in FIELDS:
            raise selector.SelectorError(
                f"field selector {text!r}: field label not supported: {term.field}; pods are "
                "selected by " + ", ".join(FIELDS)
            )
    return FieldSelector(found)


def terms(text: str) -> tuple[Term, ...]:
    """Read the terms of a field selector of any kind; which fields there are is not looked at.

    Raises:
        selector.SelectorError: It is none.
    """
    return tuple(_term(part, text) for part in _split(text) if part.strip())


def _split(text: str) -> list[str]:
    return [match.group(1) for match in _COMMA.finditer(text)]


def _term(part: str, text: str) -> Term:
    match = _TERM.match(part)
    if match is None:
        raise selector.SelectorError(
            f"field selector {text!r}: cannot understand {part!r}: write field=value or "
            "field!=value, with a backslash before a comma, '=' or '\\' in the value"
        )
    value = re.sub(r"\\(.)", r"\1", match["value"])
    return Term(field=match["field"].strip(), value=value, equal=match["sign"] != "!=")
