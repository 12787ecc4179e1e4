"""One layer of the configuration: a file, a drop-in or a flag, and what they come to together.

Layers lie upon each other in order, the later one winning, by JSON merge patch: single values and
lists are replaced, maps merged key by key, null takes a value away. Each effective value can be
traced to the layer that gave it, and to the line there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staticlet.config import kubelet
from staticlet.kube import fieldpath, manifest
from staticlet.kube.document import Document, Problem
from staticlet.kube.finding import Finding, Position, Severity
from staticlet.kube.patch import merge

_HEAD = ("apiVersion", "kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one file or flag says.

    Attributes:
        source: The file's path as the user wrote it, or `flag --name`.
        data: The fields it sets; null members take values of the layers below away.
        document: Where its parts stand; None for a flag.
        directory: What relative paths in it start at.
    """

    source: str
    data: Mapping[str, Any]
    document: Document | None = None
    directory: Path = field(default=Path("/"))

    def position(self, path: fieldpath.Path) -> Position | None:
        """Where a field, or the nearest thing around it, stands; None for a flag."""
        return self.document.position(fieldpath.raw(path)) if self.document else None

    def error(
        self, path: fieldpath.Path, message: str, severity: Severity = Severity.ERROR
    ) -> Finding:
        """A finding against one field of this layer."""
        return Finding(
            severity=severity,
            source=self.source,
            position=self.position(path),
            path=fieldpath.render(path),
            message=message,
        )

    def origin(self, path: fieldpath.Path) -> str:
        """Where a field was set, for people: `/etc/kubelet.yaml:12:1` or `flag --node-ip`."""
        at = self.position(path)
        return f"{self.source}:{at.line}:{at.column}" if at else self.source


def decode(
    source: str, content: bytes, directory: Path
) -> tuple[Layer | None, tuple[Finding, ...]]:
    """Read the bytes of a configuration file or drop-in.

    Returns:
        The layer, or None when the bytes are no single KubeletConfiguration, and what is wrong.
        Fields are not checked yet: `check` does that.
    """
    decoded = manifest.decode(content)
    findings = [_problem(source, problem) for problem in decoded.problems]
    if decoded.documents:
        document = decoded.documents[0]
        findings += [_problem(source, problem) for problem in document.problems]
        findings += _duplicates(source, document)
        findings += _more_documents(source, decoded.documents[1:])
        findings += _wrong_kind(source, document)
    elif not findings:
        findings.append(_problem(source, Problem(f"is empty: {_what_to_write()}")))
    if not decoded.documents or not _may_be_ours(decoded.documents[0].data):
        return None, tuple(findings)
    document = decoded.documents[0]
    data = {name: value for name, value in document.data.items() if name not in _HEAD}
    layer = Layer(source=source, data=data, document=document, directory=directory)
    return layer, tuple(findings)


def _may_be_ours(data: Any) -> bool:
    """Whether the fields are worth checking: not those of a Pod given by mistake."""
    return isinstance(data, dict) and data.get("kind") in (None, kubelet.KIND)


def _problem(source: str, problem: Problem) -> Finding:
    return Finding(
        severity=Severity.ERROR,
        source=source,
        position=problem.position,
        message=problem.message,
    )


def _duplicates(source: str, document: Document) -> Iterator[Finding]:
    for double in document.duplicates:
        yield Finding(
            severity=Severity.ERROR,
            source=source,
            position=double.position,
            path=fieldpath.render(double.path),
            message=f"is set twice, first in line {double.first.line}: remove one",
        )


def _more_documents(source: str, others: Sequence[Document]) -> Iterator[Finding]:
    for document in others[:1]:
        message = "a second document begins here: a configuration file holds one"
        yield _problem(source, Problem(message, document.position()))


def _wrong_kind(source: str, document: Document) -> Iterator[Finding]:
    data = document.data
    if not isinstance(data, dict):
        yield _problem(source, Problem(f"is not a map: {_what_to_write()}", document.position()))
        return
    for name, wanted in (("apiVersion", kubelet.API_VERSION), ("kind", kubelet.KIND)):
        if data.get(name) != wanted:
            found = f'"{data[name]}"' if data.get(name) else "missing"
            yield Finding(
                severity=Severity.ERROR,
                source=source,
                position=document.position((name,)),
                path=name,
                message=f"is {found}: write {name}: {wanted}",
            )


def _what_to_write() -> str:
    return f"begin with apiVersion: {kubelet.API_VERSION} and kind: {kubelet.KIND}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """All layers, lowest first, and what they come to.

    Attributes:
        layers: The layers in order.
        data: Their sum.
    """

    layers: tuple[Layer, ...]
    data: Mapping[str, Any]

    def get(self, path: fieldpath.Path) -> Any:
        """The value at a path, or None when nothing sets it."""
        return _get(self.data, path)

    def setter(self, path: fieldpath.Path) -> Layer | None:
        """The layer that gave the value at a path: the last that has one there."""
        for layer in reversed(self.layers):
            if _get(layer.data, path) is not None:
                return layer
        return None

    def origin(self, path: fieldpath.Path) -> str:
        """Where the value at a path was set; `default` when nowhere."""
        layer = self.setter(path)
        return layer.origin(path) if layer else "default"


def stack(layers: Iterable[Layer]) -> Stack:
    """Lay layers upon each other."""
    ordered = tuple(layers)
    data: Any = {}
    for layer in ordered:
        data = merge.apply(data, dict(layer.data))
    return Stack(layers=ordered, data=data)


def _get(data: Any, path: fieldpath.Path) -> Any:
    for step in fieldpath.raw(path):
        if isinstance(data, Mapping) and isinstance(step, str):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
            data = data[step]
        else:
            return None
    return data
