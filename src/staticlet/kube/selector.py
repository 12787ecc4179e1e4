"""Label selectors as Kubernetes reads and matches them: `app=web,tier in (front,back)`. Pure.

The grammar is that of `labels.Parse` in Kubernetes' apimachinery: requirements with commas between
them, all of which must hold. `=`, `==` and `in` ask for one of the values; `!=` and `notin` hold
where the label is absent, too; a bare key asks whether the label is there, `!key` whether it is
not; `>` and `<` compare whole numbers.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from staticlet.kube import names

_TOKEN = re.compile(r"\s*(==|!=|[=!(),<>]|[^=!(),<>\s]+)")
_EXACT = {"=", "==", "!=", ">", "<"}
_INTEGER = re.compile(r"[+-]?\d+\Z", re.ASCII)
_INT64 = 1 << 63


class SelectorError(ValueError):
    """The text is no selector; the message says where it stops being one."""


class Operator(enum.Enum):
    """How a label is compared."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    NOT_EXISTS = "!"
    GREATER = ">"
    LESS = "<"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels meet it."""
        there = self.key in labels
        match self.operator:
            case Operator.IN:
                return there and labels[self.key] in self.values
            case Operator.NOT_IN:
                return not there or labels[self.key] not in self.values
            case Operator.EXISTS:
                return there
            case Operator.NOT_EXISTS:
                return not there
            case Operator.GREATER | Operator.LESS:
                number = _integer(labels[self.key]) if there else None
                bound = _integer(next(iter(self.values)))
                if number is None or bound is None:
                    return False
                return number > bound if self.operator is Operator.GREATER else number < bound

    def __str__(self) -> str:
        values = sorted(self.values)
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.NOT_EXISTS:
                return f"!{self.key}"
            case Operator.GREATER | Operator.LESS:
                return f"{self.key}{self.operator.value}{values[0]}"
            case _ if len(values) == 1:
                sign = "=" if self.operator is Operator.IN else "!="
                return f"{self.key}{sign}{values[0]}"
            case _:
                return f"{self.key} {self.operator.value} ({','.join(values)})"


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that must all be met; none is met by everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether labels meet all requirements."""
        return all(one.matches(labels or {}) for one in self.requirements)

    def __str__(self) -> str:
        return ",".join(str(one) for one in self.requirements)


def parse(text: str) -> Selector:
    """Read a selector; an empty one selects everything.

    Raises:
        SelectorError: It is none.
    """
    tokens = _Tokens(text)
    if tokens.ended():
        return Selector()
    found = [_requirement(tokens)]
    while not tokens.ended():
        tokens.take(",", meaning="',' or the end")
        if tokens.ended():
            raise tokens.expected("another requirement after ','")
        found.append(_requirement(tokens))
    return Selector(tuple(found))


class _Tokens:
    """The words and signs of a selector, one ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._rest: Iterator[str] = iter(_TOKEN.findall(text))
        self.next: str | None = next(self._rest, None)

    def ended(self) -> bool:
        """Whether nothing comes any more."""
        return self.next is None

    def at_word(self) -> bool:
        """Whether a key or value comes next."""
        return self.next is not None and self.next[0] not in "=!(),<>"

    def pop(self) -> str:
        """The next token, taken."""
        token, self.next = self.next or "", next(self._rest, None)
        return token

    def take(self, sign: str, *, meaning: str = "") -> None:
        """Take a sign that must come next."""
        if self.next != sign:
            raise self.expected(meaning or f"'{sign}'")
        self.pop()

    def word(self, meaning: str) -> str:
        """Take a key or value that must come next."""
        if not self.at_word():
            raise self.expected(meaning)
        return self.pop()

    def expected(self, what: str) -> SelectorError:
        """The error for what comes next."""
        found = "its end" if self.next is None else f"'{self.next}'"
        return SelectorError(f"selector {self._text!r}: found {found}, expected {what}")


def _requirement(tokens: _Tokens) -> Requirement:
    if tokens.next == "!":
        tokens.pop()
        return _checked(tokens.word("a label's key after '!'"), Operator.NOT_EXISTS)
    key = tokens.word("a label's key or '!'")
    match tokens.next:
        case None | ",":
            return _checked(key, Operator.EXISTS)
        case "in" | "notin":
            return _checked(key, Operator(tokens.pop()), _values(tokens))
        case sign if sign in _EXACT:
            return _compared(key, tokens)
        case _:
            raise tokens.expected("one of =, ==, !=, in, notin, <, >, ',' or the end")


def _compared(key: str, tokens: _Tokens) -> Requirement:
    sign = tokens.pop()
    at_end = tokens.next in (None, ",")
    value = "" if at_end else tokens.word("a value")
    operator = Operator.NOT_IN if sign == "!=" else Operator.IN
    if sign in (">", "<"):
        operator = Operator(sign)
    return _checked(key, operator, frozenset({value}))


def _values(tokens: _Tokens) -> frozenset[str]:
    """The values in parentheses; an empty place between commas is the empty value."""
    tokens.take("(")
    if tokens.next == ")":
        raise tokens.expected("at least one value")
    found: set[str] = set()
    while True:
        found.add(tokens.pop() if tokens.at_word() else "")
        if tokens.next == ")":
            tokens.pop()
            return frozenset(found)
        tokens.take(",", meaning="',' or ')'")


def _checked(key: str, operator: Operator, values: frozenset[str] = frozenset()) -> Requirement:
    for words in names.qualified_name(key):
        raise SelectorError(f"{key!r} is no label's key: {words}")
    for value in sorted(values):
        for words in names.label_value(value):
            raise SelectorError(f"{value!r} is no value of a label: {words}")
        if operator in (Operator.GREATER, Operator.LESS) and _integer(value) is None:
            raise SelectorError(f"{key}{operator.value}{value}: the value must be a whole number")
    return Requirement(key=key, operator=operator, values=values)


def _integer(text: str) -> int | None:
    if not _INTEGER.match(text):
        return None
    number = int(text)
    return number if -_INT64 <= number < _INT64 else None
