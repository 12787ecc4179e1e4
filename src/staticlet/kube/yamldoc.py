"""YAML text to documents, with the place of every key and item.

Built on PyYAML's parser events (libyaml's where it is compiled in, which is the fast case), not on
its composer: the events tell plain scalars from quoted ones, and depth and aliases can be bounded
before anything is built. Values follow go-yaml version 2, see `yamlscalar`; a merge key (`<<`)
overrides what stands before it, as there.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any

import yaml

from staticlet.kube import yamlerror, yamlscalar
from staticlet.kube.document import (
    LIMIT_ALIASED,
    LIMIT_DEPTH,
    LIMIT_VALUES,
    Decoded,
    Document,
    Duplicate,
    Problem,
    Spot,
    UnreadableError,
)
from staticlet.kube.finding import Position

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_CORE + name for name in ("bool", "int", "float", "null"))
_TEXT_TAGS = frozenset((_CORE + "str", _CORE + "timestamp"))
_SEPARATOR = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_LIMIT_RESUMED = 20
_DocumentStartEvent, _AliasEvent, _ScalarEvent = (
    yaml.DocumentStartEvent,
    yaml.AliasEvent,
    yaml.ScalarEvent,
)
_MappingStartEvent, _MappingEndEvent, _SequenceEndEvent = (
    yaml.MappingStartEvent,
    yaml.MappingEndEvent,
    yaml.SequenceEndEvent,
)
_MERGE = object()
_TEMPLATE = (
    "a map or list cannot be a key; is this a template ({{ … }}) that was never filled in? "
    "quote it if a text is meant"
)


def decode(text: str) -> Decoded:
    """Read all documents of a text.

    A document that breaks the syntax is a problem of its own: reading goes on at the next line
    that begins one (`---`), at most twenty times.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    start = line = 0
    for _ in range(_LIMIT_RESUMED):
        reader = _Reader(text[start:], line=line)
        try:
            reader.read(documents)
            break
        except UnreadableError as error:
            problems.append(error.problem)
            at = error.problem.position
            resumed = _next_document(text, start, line, at.line - 1 if at else line)
            if resumed is None:
                break
            start, line = resumed
    return Decoded(documents=tuple(documents), problems=tuple(problems))


def _next_document(text: str, start: int, line: int, broken: int) -> tuple[int, int] | None:
    """Offset and line of the first separator after `start` on or below the broken line."""
    counted = start
    for match in _SEPARATOR.finditer(text, start + 1):
        line += len(_BREAK.findall(text, counted, match.start()))
        counted = match.start()
        if line >= broken:
            return counted, line
    return None


class _Reader:
    """Builds documents from one run of the parser."""

    def __init__(self, text: str, *, line: int) -> None:
        self._text = text
        self._offset = line + 1
        self._next = _Loader(text).get_event
        self._path: list[str | int] = []
        self._reset()

    def _reset(self) -> None:
        self._anchors: dict[str, tuple[Any, Spot, int] | None] = {}
        self._duplicates: list[Duplicate] = []
        self._problems: list[Problem] = []
        self._count = 0
        self._aliased = 0
        self._path.clear()

    def read(self, documents: list[Document]) -> None:
        """Append every document that is not empty; what came before an error stays."""
        try:
            while (event := self._next()) is not None:
                if type(event) is _DocumentStartEvent:
                    self._document(documents)
        except yaml.YAMLError as error:
            raise yamlerror.explain(error, self._text, offset=self._offset) from error
        except RecursionError as error:
            raise UnreadableError(f"nested more than {LIMIT_DEPTH} levels deep") from error

    def _document(self, documents: list[Document]) -> None:
        self._reset()
        event = self._next()
        data, spot = self._node(event)
        empty = data is None and not self._problems and type(event) is _ScalarEvent
        if not empty:
            documents.append(
                Document(
                    data=data,
                    spot=spot,
                    duplicates=tuple(self._duplicates),
                    problems=tuple(self._problems),
                )
            )

    def _node(self, event: Any) -> tuple[Any, Spot]:
        mark = event.start_mark
        spot = Spot(mark.line + self._offset, mark.column + 1)
        self._count += 1
        if self._count > LIMIT_VALUES:
            raise UnreadableError(f"holds more than {LIMIT_VALUES} values", _place(spot))
        kind = type(event)
        if kind is _ScalarEvent:
            if event.tag is None and event.anchor is None and not event.implicit[0]:
                return event.value, spot  # quoted: the common case, in a hurry
            value = self._scalar(event, spot)
        elif kind is _AliasEvent:
            return self._alias(event.anchor, spot)
        elif len(self._path) >= LIMIT_DEPTH:
            raise UnreadableError(f"nested more than {LIMIT_DEPTH} levels deep", _place(spot))
        elif event.anchor is not None:
            return self._anchored(event, spot)
        elif kind is _MappingStartEvent:
            value = self._mapping(event, spot)
        else:
            value = self._sequence(event, spot)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, spot, 1)
        return value, spot

    def _anchored(self, event: Any, spot: Spot) -> tuple[Any, Spot]:
        before = self._count
        self._anchors[event.anchor] = None  # an alias to it from within has no end
        build = self._mapping if type(event) is _MappingStartEvent else self._sequence
        value = build(event, spot)
        self._anchors[event.anchor] = (value, spot, self._count - before + 1)
        return value, spot

    def _alias(self, name: str, spot: Spot) -> tuple[Any, Spot]:
        if name not in self._anchors:
            raise UnreadableError(
                f"the alias *{name} has no anchor: put &{name} before the value it stands for, "
                "or quote it if a text is meant",
                _place(spot),
            )
        anchor = self._anchors[name]
        if anchor is None:
            raise UnreadableError(f"the alias *{name} stands inside its own anchor", _place(spot))
        value, original, size = anchor
        self._count += size
        self._aliased += size
        if self._aliased > LIMIT_ALIASED:
            raise UnreadableError(
                f"aliases stand for more than {LIMIT_ALIASED} values", _place(spot)
            )
        spot.children, spot.text = original.children, original.text
        return value, spot

    def _sequence(self, event: Any, spot: Spot) -> list[Any]:
        self._check_tag(event, "seq", spot)
        items: list[Any] = []
        spots: list[Spot] = []
        spot.children = spots
        path, advance = self._path, self._next
        path.append(0)
        while type(event := advance()) is not _SequenceEndEvent:
            path[-1] = len(items)
            value, child = self._node(event)
            items.append(value)
            spots.append(child)
        path.pop()
        return items

    def _mapping(self, event: Any, spot: Spot) -> dict[str, Any]:
        self._check_tag(event, "map", spot)
        entries: dict[str, Any] = {}
        spots: dict[str, Spot] = {}
        spot.children = spots
        merged: set[str] = set()
        path, advance = self._path, self._next
        path.append("")
        while type(event := advance()) is not _MappingEndEvent:
            key = self._key(event)
            path[-1] = key if isinstance(key, str) else "<<"
            mark = event.start_mark
            value, child = self._node(advance())
            child.line, child.column = mark.line + self._offset, mark.column + 1
            if key is _MERGE:
                merged |= self._merge(entries, spots, value, child)
                continue
            if not isinstance(key, str):
                continue  # reported by _key
            if key in entries and key not in merged:
                self._duplicates.append(Duplicate(tuple(path), _place(child), _place(spots[key])))
            merged.discard(key)
            entries[key], spots[key] = value, child
        path.pop()
        return entries

    def _key(self, event: Any) -> object:
        """A map key as JSON has it; None, with the problem noted, when it cannot be one."""
        if type(event) is _ScalarEvent:
            if event.tag is None and event.anchor is None:
                value = event.value
                if not event.implicit[0] or type(yamlscalar.resolve(value)) is str:
                    return _MERGE if value == "<<" and event.implicit[0] else value
            elif event.tag == _CORE + "merge":
                return _MERGE
        value, spot = self._node(event)
        if isinstance(value, dict | list):
            self._note(_TEMPLATE, spot, depth=-1)
            return None
        if value is None:
            self._note("a key may not be null; quote it", spot, depth=-1)
            return None
        return yamlscalar.key_text(value)

    def _merge(
        self, entries: dict[str, Any], spots: dict[str, Spot], value: Any, spot: Spot
    ) -> set[str]:
        """Take over the entries of a map, or of a list of maps whose first ones count most."""
        several = isinstance(value, list)
        children = spot.children if isinstance(spot.children, list) else ()
        sources = list(zip(value, children, strict=True)) if several else [(value, spot)]
        names: set[str] = set()
        for source, place in reversed(sources):
            if not isinstance(source, dict) or not isinstance(place.children, dict):
                self._note("the merge key << needs a map or a list of maps", spot, depth=-1)
                continue
            entries.update(source)
            spots.update(place.children)
            names.update(source)
        return names

    def _scalar(self, event: Any, spot: Spot) -> Any:
        text: str = event.value
        tag = event.tag
        if tag is None or tag == "!":
            if not event.implicit[0]:
                return text
            value = yamlscalar.resolve(text)
        elif tag in _TEXT_TAGS:
            return text
        elif tag in _SCALAR_TAGS:
            value = self._tagged(tag, text, spot)
        elif tag == _CORE + "binary":
            return self._binary(text, spot)
        else:
            self._unknown_tag(tag, spot)
            return None
        if type(value) is float and not math.isfinite(value):
            self._note(f"{text} is a number that JSON cannot hold; quote it", spot)
            return None
        if type(value) is not str:
            spot.text = text
        return value

    def _tagged(self, tag: str, text: str, spot: Spot) -> Any:
        value = yamlscalar.resolve(text)
        wanted = tag.removeprefix(_CORE)
        fits = {
            "null": value is None,
            "bool": isinstance(value, bool),
            "int": isinstance(value, int) and not isinstance(value, bool),
            "float": isinstance(value, int | float) and not isinstance(value, bool),
        }[wanted]
        if not fits:
            self._note(f'"{text}" does not fit its tag !!{wanted}', spot)
            return None
        return value

    def _binary(self, text: str, spot: Spot) -> str | None:
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            self._note("!!binary must be the base64 form of a text in UTF-8", spot)
            return None

    def _check_tag(self, event: Any, core: str, spot: Spot) -> None:
        if event.tag not in (None, "!", _CORE + core):
            self._unknown_tag(event.tag, spot)

    def _unknown_tag(self, tag: str, spot: Spot) -> None:
        shown = "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag
        self._note(f"the tag {shown} is unknown to Kubernetes; remove it", spot)

    def _note(self, message: str, spot: Spot, *, depth: int | None = None) -> None:
        """Note a problem with the value at hand, or with the map around it (`depth` -1)."""
        self._problems.append(Problem(message, _place(spot), tuple(self._path[:depth])))


def _place(spot: Spot) -> Position:
    return Position(spot.line, spot.column)
