"""The flags of the command line read into layers of the configuration; `flagtable` has them all.

Texts are read as the kubelet's flag library reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from staticlet.config import flagtable, nodetexts
from staticlet.config.flagtable import Flag, Kind
from staticlet.config.layer import Layer
from staticlet.kube import duration
from staticlet.kube.finding import Finding, Severity

Given = Mapping[str, Sequence[str]]
"""The flags that were given: name to its texts, in order."""

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class FlagError(ValueError):
    """The text of a flag cannot be read; the message says what to write, and shows no secret."""


def read(flag: Flag, texts: Sequence[str]) -> Any:
    """The value of a flag, in the form in which a configuration file would have it.

    The last text counts; those of lists, headers and gates add up.

    Raises:
        FlagError: a text cannot be read.
    """
    match flag.kind:
        case Kind.LIST:
            return [item for text in texts for item in text.split(",") if item]
        case Kind.HEADERS:
            return _headers(texts)
        case Kind.GATES:
            return dict(_gate(pair) for text in texts for pair in text.split(",") if pair)
        case Kind.PAIRS | Kind.THRESHOLDS | Kind.TAINTS:
            return _of_node(flag.kind, texts)
        case Kind.BOOL:
            return _bool(texts[-1])
        case Kind.INTEGER:
            return _integer(texts[-1])
        case Kind.DURATION:
            return _duration(texts[-1])
        case _:
            return texts[-1]


def _of_node(kind: Kind, texts: Sequence[str]) -> Any:
    try:
        if kind is Kind.TAINTS:
            return nodetexts.taints(texts)
        return nodetexts.pairs(texts, "=" if kind is Kind.PAIRS else "<")
    except nodetexts.TextError as error:
        raise FlagError(str(error)) from error


def _bool(text: str) -> bool:
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise FlagError(f'"{text}" is neither true nor false')


def _integer(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as error:
        raise FlagError(f'"{text}" is not a whole number') from error


def _duration(text: str) -> str:
    try:
        duration.parse(text)
    except duration.DurationError as error:
        raise FlagError(str(error)) from error
    return text


def _headers(texts: Sequence[str]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for pair in (pair for text in texts for pair in text.split(",") if pair):
        name, colon, value = pair.partition(":")
        if not colon:
            raise FlagError("a header lacks its colon: write name:value, as in a:hello,b:again")
        headers.setdefault(name.strip(), []).append(value.strip())
    return headers


def _gate(pair: str) -> tuple[str, bool]:
    name, equals, text = pair.partition("=")
    if not equals:
        raise FlagError(f'"{pair}" lacks its value: write {pair.strip()}=true or =false')
    return name.strip(), _bool(text.strip())


def layers(given: Given, *, directory: Path) -> tuple[tuple[Layer, ...], tuple[Finding, ...]]:
    """The layers of the flags that set fields of the configuration, and what cannot be read.

    A flag takes the place of the field, but for `--feature-gates`, whose gates go on top of those
    of the files, as with the kubelet.

    Args:
        given: The flags as given.
        directory: What relative paths start at: the working directory.
    """
    out: list[Layer] = []
    findings: list[Finding] = []
    for name, texts in given.items():
        flag = flagtable.FLAGS[name]
        try:
            value = read(flag, texts)
        except FlagError as error:
            findings.append(finding(flag, str(error)))
            continue
        if flag.path:
            out += _layers(flag, value, directory)
    return tuple(out), tuple(findings)


def _layers(flag: Flag, value: Any, directory: Path) -> Iterator[Layer]:
    if isinstance(value, dict) and flag.kind is not Kind.GATES:
        yield Layer(source=flag.source, data=_nested(flag.path, None), directory=directory)
    yield Layer(source=flag.source, data=_nested(flag.path, value), directory=directory)


def _nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    for step in reversed(path):
        value = {step: value}
    nested: dict[str, Any] = value
    return nested


def finding(flag: Flag, message: str) -> Finding:
    """An error about a flag."""
    return Finding(severity=Severity.ERROR, source=flag.source, message=message)


def without_effect(given: Given) -> tuple[str, ...]:
    """The flags given that do nothing here, as `--oom-score-adj`."""
    return tuple(f"--{name}" for name in given if not flagtable.FLAGS[name].effective)
