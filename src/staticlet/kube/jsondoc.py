"""JSON text to a document, with the place of every key and item.

JSON is nearly YAML, but not quite: a YAML parser refuses surrogate pairs, tabs between tokens and
keys that stand on a line of their own. So JSON is read here, by its own rules.
"""

from __future__ import annotations

import bisect
import json
import math
import re
from typing import Any

from staticlet.kube import yamlscalar
from staticlet.kube.document import (
    LIMIT_DEPTH,
    LIMIT_VALUES,
    Document,
    Duplicate,
    Spot,
    UnreadableError,
)
from staticlet.kube.finding import Position

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)"')
_NUMBER = re.compile(
    r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?(?![0-9A-Za-z_.])", re.ASCII
)
_WORD = re.compile(r"(true|false|null)\b", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile(r"\n")
_LIMIT_DIGITS = 300


def decode(text: str) -> Document:
    """Read one JSON value that fills the text.

    Strings decode as JSON has it; half a surrogate pair becomes U+FFFD, as in Go. Whole numbers
    written as floats become whole. Of a key given twice the last one counts.

    Raises:
        UnreadableError: If the text is not JSON, or nested too deep.
    """
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._count = 0
        self._lines = [0, *(match.end() for match in _LINE_END.finditer(text))]
        self._path: list[str | int] = []
        self._duplicates: list[Duplicate] = []

    def document(self) -> Document:
        self._skip()
        value, spot = self._value()
        self._skip()
        if self._at < len(self._text):
            raise self._error(
                "expected the end here: JSON holds one object; put several pods in a List"
            )
        return Document(data=value, spot=spot, duplicates=tuple(self._duplicates))

    def _value(self) -> tuple[Any, Spot]:
        self._count += 1
        if self._count > LIMIT_VALUES:
            raise self._error(f"holds more than {LIMIT_VALUES} values")
        spot = self._spot(self._at)
        character = self._peek()
        if character in "{[" and character:
            if len(self._path) >= LIMIT_DEPTH:
                raise self._error(f"nested more than {LIMIT_DEPTH} levels deep")
            return (self._object(spot) if character == "{" else self._array(spot)), spot
        if character == '"':
            return self._string(), spot
        return self._literal(spot), spot

    def _object(self, spot: Spot) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        spots: dict[str, Spot] = {}
        spot.children = spots
        self._path.append("")
        self._at += 1
        self._skip()
        while self._peek() != "}":
            if entries:
                self._expect(",", "expected ',' or '}' here")
            start = self._at
            if self._peek() != '"':
                raise self._error("expected a key in double quotes here")
            key = self._string()
            self._skip()
            self._expect(":", "expected ':' after the key")
            self._path[-1] = key
            value, child = self._value()
            self._skip()
            place = self._place(start)
            if key in entries:
                first = Position(spots[key].line, spots[key].column)
                self._duplicates.append(Duplicate(tuple(self._path), place, first))
            child.line, child.column = place.line, place.column
            entries[key], spots[key] = value, child
        self._at += 1
        self._path.pop()
        return entries

    def _array(self, spot: Spot) -> list[Any]:
        items: list[Any] = []
        spots: list[Spot] = []
        spot.children = spots
        self._path.append(0)
        self._at += 1
        self._skip()
        while self._peek() != "]":
            if items:
                self._expect(",", "expected ',' or ']' here")
            self._path[-1] = len(items)
            value, child = self._value()
            items.append(value)
            spots.append(child)
            self._skip()
        self._at += 1
        self._path.pop()
        return items

    def _string(self) -> str:
        match = _STRING.match(self._text, self._at)
        if match is None:
            raise self._unclosed()
        self._at = match.end()
        body: str = match[1]
        if "\\" not in body:
            return body
        value: str = json.loads(match[0])
        return _SURROGATE.sub("\ufffd", value)

    def _unclosed(self) -> UnreadableError:
        rest = self._text[self._at + 1 :]
        if '"' not in rest and "\n" not in rest:
            return self._error("the text ends inside this string")
        return self._error(
            "this string is never closed, or holds a control character or escape that JSON does "
            "not know"
        )

    def _literal(self, spot: Spot) -> int | float | bool | None:
        if match := _WORD.match(self._text, self._at):
            self._at = match.end()
            spot.text = match[0]
            return _WORDS[match[0]]
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            raise self._error("expected a value here")
        if match[1] is None and match[2] is None and len(match[0]) <= _LIMIT_DIGITS:
            number: int | float = int(match[0])
        else:
            number = yamlscalar.whole(float(match[0]))
        if not math.isfinite(number):
            raise self._error("this number is too large")
        spot.text = match[0]
        self._at = match.end()
        return number

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _expect(self, character: str, message: str) -> None:
        if self._peek() != character:
            raise self._error(message)
        self._at += 1
        self._skip()

    def _place(self, at: int) -> Position:
        line = bisect.bisect_right(self._lines, at)
        return Position(line, at - self._lines[line - 1] + 1)

    def _spot(self, at: int) -> Spot:
        place = self._place(at)
        return Spot(place.line, place.column)

    def _error(self, message: str) -> UnreadableError:
        if self._at >= len(self._text):
            message = "the text ends too early: a bracket is not closed"
        return UnreadableError(message, self._place(self._at))
