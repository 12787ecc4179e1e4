"""From a manifest's bytes to pods that may run: decode, check, default, validate.

Each pod stands alone: a bad one refuses itself and nothing else. Everything that is wrong with a
file is found in one go; where a value has a wrong type it is left out and the rest is looked at
all the same, and nothing is said about what follows from leaving it out.

The kubelet reads the first YAML document only and takes lists from URLs alone; here every document
counts, and a `List` or `PodList` is as good as its pods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from staticlet.kube import (
    core,
    defaults,
    fieldpath,
    finding,
    kinds,
    manifest,
    schema,
    shape,
    unsupported,
)
from staticlet.kube.document import Document, Problem
from staticlet.kube.finding import FieldError, Finding, Kind, Position, Severity
from staticlet.kube.validate import pod as pod_rules
from staticlet.kube.validate import static as static_rules

_RawPath = tuple[str | int, ...]
_LIST_FIELDS = frozenset(("apiVersion", "kind", "metadata", "items"))
_NAME: fieldpath.Path = ("metadata", "name")
_LIMIT_FINDINGS = 1000
_LIMIT_SEARCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPod:
    """A pod that may run.

    Attributes:
        raw: The defaulted object: only known fields, no nulls, no status.
        document: The number of its document in the file, from 0.
        position: Where it begins.
        named_at: Where its name stands.
    """

    raw: dict[str, Any]
    document: int
    position: Position
    named_at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who a refused document says it is; None for what could not be read.

    A namespace that is not given reads as the empty string.
    """

    namespace: str | None = None
    name: str | None = None


UNKNOWN = Claim()
"""The claim of what could not be read at all: it may have been any pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What became of a manifest.

    Attributes:
        pods: The pods that may run, in the file's order.
        findings: All that is to be said, in the order of the places.
        refused: One claim for each document or list item that was refused.
        wants_nothing: There is a list of no pods: said on purpose, unlike an empty file. It is
            the only way for a URL to have its pods removed.
    """

    pods: tuple[ReadPod, ...] = ()
    findings: tuple[Finding, ...] = ()
    refused: tuple[Claim, ...] = ()
    wants_nothing: bool = False


def read(data: bytes, *, source: str, strict: bool = False) -> Reading:
    """Read a manifest; bad input makes findings and is never raised.

    Args:
        data: The file's content.
        source: The path or URL to name in findings.
        strict: Whether unknown fields and duplicate keys refuse a pod.
    """
    reader = _Reader(source, strict=strict)
    decoded = manifest.decode(data)
    for problem in decoded.problems:
        reader.broken(problem)
    for number, document in enumerate(decoded.documents):
        reader.document(document, number)
    if not decoded.documents and not decoded.problems:
        reader.broken(Problem("holds no pod: the file is empty"))
    return reader.reading()


@dataclass(slots=True)
class _Object:
    """One object of a document: the document itself, or an item of a list."""

    document: Document
    number: int
    prefix: _RawPath
    data: Any
    refused: bool = False

    def position(self, path: fieldpath.Path = ()) -> Position:
        return self.document.position(self.prefix + fieldpath.raw(path))

    def text(self, path: _RawPath) -> str | None:
        return self.document.text(self.prefix + path)

    def has(self, path: _RawPath) -> bool:
        return self.document.find(self.prefix + path) is not None

    def unreadable(self) -> set[_RawPath]:
        """The paths of values in it that cannot be represented."""
        depth = len(self.prefix)
        paths = [each.path for each in self.document.problems if each.path is not None]
        return {path[depth:] for path in paths if path[:depth] == self.prefix}

    def place(self, error: FieldError) -> Position:
        """Where an error's value stands; of a map's bad key or value, that entry."""
        path = fieldpath.raw(error.path)
        value = self.data
        for step in path:
            known = isinstance(value, dict) and step in value
            value = value[step] if known else None
        searched = isinstance(value, dict) and len(value) <= _LIMIT_SEARCH
        if searched and isinstance(error.value, str):
            for name, each in value.items():
                if error.value in (name, each):
                    return self.document.position((*self.prefix, *path, name))
        return self.position(error.path)


@dataclass(slots=True)
class _Reader:
    source: str
    strict: bool = field(kw_only=True)
    pods: list[ReadPod] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    refused: list[Claim] = field(default_factory=list)
    holders: dict[tuple[str, str], Position] = field(default_factory=dict)
    wants_nothing: bool = False

    def reading(self) -> Reading:
        """The result, findings sorted by place."""
        ordered = sorted(self.findings, key=lambda each: each.position or Position(0, 0))
        shown = (*ordered[:_LIMIT_FINDINGS], *self._rest(ordered[_LIMIT_FINDINGS:]))
        return Reading(
            pods=tuple(self.pods),
            findings=shown,
            refused=tuple(self.refused),
            wants_nothing=self.wants_nothing,
        )

    def _rest(self, findings: list[Finding]) -> Iterator[Finding]:
        """One finding for all that are too many to show, as bad as the worst of them."""
        if findings:
            errors = any(each.severity is Severity.ERROR for each in findings)
            yield Finding(
                severity=Severity.ERROR if errors else Severity.WARNING,
                source=self.source,
                message=f"and {len(findings)} more from here on; mend those above first",
                position=findings[0].position,
            )

    def broken(self, problem: Problem) -> None:
        """Note what broke off the decoding."""
        self._say(Severity.ERROR, problem.message, problem.position)
        self.refused.append(UNKNOWN)

    def document(self, document: Document, number: int) -> None:
        """Read one document: a pod, or a list of pods."""
        for problem in document.problems:
            self._say(Severity.ERROR, problem.message, problem.position)
        whole = _Object(document, number, (), document.data)
        if kinds.is_list(document.data):
            self._list(whole)
        else:
            self._object(whole)

    def _list(self, whole: _Object) -> None:
        items = whole.data.get("items")
        for name in whole.data.keys() - _LIST_FIELDS:
            self._doubt(whole, (name,), "unknown field")
        if not isinstance(items, list):
            self._error(whole, ("items",), "must be a list of pods")
            self.refused.append(UNKNOWN)
        elif not items:
            self.wants_nothing = True
            self._say(
                Severity.WARNING,
                "the list is empty: no pod is wanted",
                whole.position(("items",)),
                (*whole.prefix, "items"),
            )
        else:
            for index, item in enumerate(items):
                if item is not None and isinstance(item, dict) and whole.data["kind"] == "PodList":
                    item = {"apiVersion": "v1", "kind": "Pod", **item}
                self._object(_Object(whole.document, whole.number, ("items", index), item))

    def _object(self, item: _Object) -> None:
        item.refused = bool(item.document.problems)
        fault = kinds.fault(item.data)
        for path, message in fault.messages:
            self._error(item, path, message)
        if fault.is_pod:
            self._duplicates(item)
            self._pod(item)
        if item.refused:
            self.refused.append(_claim(item.data))

    def _pod(self, item: _Object) -> None:
        checked = schema.check(item.data, core.Pod, text_at=item.text)
        wrong = item.unreadable()
        for each in checked.differences:
            path = fieldpath.raw(each.path)
            if _below(path, wrong):
                continue
            if each.fault is schema.Fault.WRONG_TYPE:
                wrong.add(path)
                self._error(item, each.path, each.message)
            else:
                self._doubt(item, each.path, each.message)
        checked.value.pop("status", None)
        pod = defaults.pod(checked.value)
        self._name(item, pod, wrong)
        refused = set(wrong)
        for error in _told_once(item, _broken_rules(pod), wrong):
            refused.add(fieldpath.raw(error.path))
            self._error(item, error.path, error.message, position=item.place(error))
        for place, message in unsupported.check(pod):
            at = fieldpath.raw(place)
            if not _holds(at, refused):
                self._say(Severity.WARNING, message, item.position(place), item.prefix + place)
        if not item.refused:
            self._accept(item, pod)

    def _name(self, item: _Object, pod: Mapping[str, Any], wrong: set[_RawPath]) -> None:
        metadata = pod.get("metadata", {})
        if metadata.get("name") or _below(("metadata", "name"), wrong):
            return
        if metadata.get("generateName"):
            message = "Required value: generateName is not used for static pods; write a name"
        else:
            message = "Required value: a pod needs a name"
        self._error(item, _NAME, message)

    def _accept(self, item: _Object, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        key = (metadata.get("namespace") or "default", metadata["name"])
        first = self.holders.get(key)
        if first is None:
            named_at = self.holders[key] = item.position(_NAME)
            read_pod = ReadPod(
                raw=pod, document=item.number, position=item.position(), named_at=named_at
            )
            self.pods.append(read_pod)
            return
        message = (
            f"Duplicate value: the pod {'/'.join(key)} stands already on line {first.line}; "
            "rename or remove one of them"
        )
        self._error(item, _NAME, message)
        item.refused = False  # what it claims is held by the first: nothing is missing

    def _duplicates(self, item: _Object) -> None:
        depth = len(item.prefix)
        for each in item.document.duplicates:
            if each.path[:depth] == item.prefix:
                path = shape.typed(shape.of(core.Pod), each.path[depth:])
                message = f"this key stands already on line {each.first.line}; the last one counts"
                self._doubt(item, path, message, position=each.position)

    def _doubt(
        self,
        item: _Object,
        path: fieldpath.Path,
        message: str,
        *,
        position: Position | None = None,
    ) -> None:
        """What Kubernetes lets pass: a warning, or an error when strict."""
        if self.strict:
            item.refused = True
        self._say(
            Severity.ERROR if self.strict else Severity.WARNING,
            message,
            position or item.position(path),
            item.prefix + path,
        )

    def _error(
        self,
        item: _Object,
        path: fieldpath.Path,
        message: str,
        *,
        position: Position | None = None,
    ) -> None:
        item.refused = True
        self._say(Severity.ERROR, message, position or item.position(path), item.prefix + path)

    def _say(
        self,
        severity: Severity,
        message: str,
        position: Position | None,
        path: fieldpath.Path = (),
    ) -> None:
        self.findings.append(
            finding.Finding(
                severity=severity,
                source=self.source,
                message=message,
                path=fieldpath.render(path),
                position=position,
            )
        )


def _claim(data: Any) -> Claim:
    metadata = data.get("metadata") if isinstance(data, dict) else None
    if not isinstance(metadata, dict):
        return UNKNOWN
    name, namespace = metadata.get("name"), metadata.get("namespace") or ""
    if not (isinstance(name, str) and name and isinstance(namespace, str)):
        return UNKNOWN
    return Claim(namespace=namespace, name=name)


def _broken_rules(pod: Mapping[str, Any]) -> list[FieldError]:
    """What validation refuses; what no static pod may have is said in the words for it alone."""
    static = static_rules.check(pod)
    said = {error.path for error in static}
    general = (
        error
        for error in pod_rules.check(pod)
        if not (error.kind is Kind.FORBIDDEN and error.path in said)
    )
    return [*general, *static]


def _told_once(
    item: _Object, errors: list[FieldError], wrong: set[_RawPath]
) -> Iterator[FieldError]:
    """Leave out what is said elsewhere, and what only follows from something said elsewhere."""
    parents = {path[:-1] for path in wrong}
    volumes_unsure = any(path[:2] == ("spec", "volumes") for path in wrong)
    written = {
        (error.path[:3], error.message) for error in errors if item.has(fieldpath.raw(error.path))
    }
    for error in errors:
        path = fieldpath.raw(error.path)
        if error.path == _NAME and error.kind is Kind.REQUIRED:
            continue  # `_name` says it better
        if _below(path, wrong):
            continue
        if error.kind is Kind.REQUIRED and path in parents:
            continue
        if error.kind is Kind.NOT_FOUND and volumes_unsure:
            continue
        copied = error.kind is Kind.INVALID and not item.has(path)
        if copied and (error.path[:3], error.message) in written:
            continue  # a default took over a bad value: a request from its limit
        yield error


def _below(path: _RawPath, places: set[_RawPath]) -> bool:
    """Whether a path is one of some places, or lies inside one."""
    return any(path[:depth] in places for depth in range(len(path) + 1))


def _holds(path: _RawPath, places: set[_RawPath]) -> bool:
    """Whether one of some places is this path, or lies inside it."""
    return any(each[: len(path)] == path for each in places)
