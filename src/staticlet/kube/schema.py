"""Plain data against the types of Kubernetes: unknown fields, wrong types.

What comes out is the data as Kubernetes would decode it: nulls and unknown fields gone, amounts
as strings. A value of a wrong type is left out, so that validation can still look at the rest;
its path is remembered, so that nothing is said twice.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import enum
import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staticlet.kube import fieldpath, quantity, shape, suggest

if TYPE_CHECKING:
    import msgspec

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_LINE_ENDS = re.compile(r"[\r\n]+")
_SHOWN = 60
_LIMIT_HINTS = 100
_FOUND = ", found "
"""What stands before what was found, in every message of a wrong type."""
_AMOUNT = 'must be a quantity such as "500m" or "128Mi"'


class Fault(enum.Enum):
    """The kinds of difference between data and type."""

    UNKNOWN_FIELD = "unknown field"
    WRONG_TYPE = "wrong type"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where data and type differ.

    Attributes:
        fault: Which kind.
        path: The field.
        message: What is wrong and what to do.
    """

    fault: Fault
    path: fieldpath.Path
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Data that fits its type, and where it did not.

    Attributes:
        value: What fits: fresh dicts and lists, shared with nobody.
        differences: In the order of the data.
    """

    value: Any
    differences: tuple[Difference, ...]


TextAt = Callable[[tuple[str | int, ...]], str | None]


def check(
    data: Any,
    struct: type[msgspec.Struct],
    *,
    text_at: TextAt | None = None,
    quoting: bool = True,
) -> Checked:
    """Check plain data against an API struct.

    Field names are compared exactly, as the API server does: `Image` is not `image`.

    Args:
        data: Plain data as a decoder gives it.
        struct: The API struct, `core.Pod` for one.
        text_at: How the plain scalar at a path was written, to be named in messages.
        quoting: Whether messages say what was found; not where it may be a secret.
    """
    walker = _Walker(text_at, quoting=quoting)
    value = walker.visit(data, shape.of(struct))
    return Checked({} if value is _NOTHING else value, tuple(walker.differences))


_NOTHING: Any = object()


class _Walker:
    def __init__(self, text_at: TextAt | None, *, quoting: bool) -> None:
        self.differences: list[Difference] = []
        self._quoting = quoting
        self._text_at = text_at
        self._path: list[fieldpath.Step] = []
        self._records: list[tuple[shape.Record, int]] = []

    def visit(self, value: Any, wanted: shape.Shape) -> Any:
        """The value as its shape has it, or `_NOTHING` when it does not fit."""
        kind = type(wanted)
        if kind is shape.Text:
            return value if type(value) is str else self._not_text(value)
        if kind is shape.Record:
            return self._record(value, wanted)  # type: ignore[arg-type]  # narrowed by kind
        return _VISITS[kind](self, value, wanted)

    def record(self, value: Any, wanted: shape.Record) -> Any:
        return self._record(value, wanted)

    def _record(self, value: Any, wanted: shape.Record) -> Any:
        if type(value) is not dict:
            return self._refuse(f"must be a map, found {self._shown(value)}{_unlist(value)}")
        fields = wanted.fields
        path = self._path
        self._records.append((wanted, len(path)))
        result = {}
        for name, item in value.items():
            path.append(name)
            field = fields.get(name)
            if field is None:
                self._unknown(name)
            elif item is not None:
                fitting = self.visit(item, field)
                if fitting is not _NOTHING:
                    result[name] = fitting
            path.pop()
        self._records.pop()
        return result

    def list_of(self, value: Any, wanted: shape.ListOf) -> Any:
        if type(value) is not list:
            return self._refuse(f"must be a list, found {self._shown(value)}{_enlist(value)}")
        path, item_shape = self._path, wanted.item
        path.append(0)
        result = []
        for index, item in enumerate(value):
            path[-1] = index
            fitting = self.visit(_zero(item_shape) if item is None else item, item_shape)
            result.append(_zero(item_shape) if fitting is _NOTHING else fitting)
        path.pop()
        return result

    def map_of(self, value: Any, wanted: shape.MapOf) -> Any:
        if type(value) is not dict:
            return self._refuse(f"must be a map, found {self._shown(value)}{_unlist(value)}")
        path, value_shape = self._path, wanted.value
        result = {}
        for name, item in value.items():
            path.append(fieldpath.Key(name))
            fitting = self.visit(_zero(value_shape) if item is None else item, value_shape)
            if fitting is not _NOTHING:
                result[name] = fitting
            path.pop()
        return result

    def whole(self, value: Any, wanted: shape.Whole) -> Any:
        if type(value) is int:
            limit = 1 << (wanted.bits - 1)
            if -limit <= value < limit:
                return value
            return self._refuse(f"must be between {-limit} and {limit - 1}, found {value}")
        hint = ""
        if isinstance(value, str) and re.fullmatch(r"[-+]?\d+", value, re.ASCII):
            hint = f"; remove the quotes: {value}"
        return self._refuse(f"must be a whole number, found {self._shown(value)}{hint}")

    def flag(self, value: Any, _: shape.Flag) -> Any:
        if type(value) is bool:
            return value
        hint = ""
        if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no", "on", "off"):
            plain = "true" if value.lower() in ("true", "yes", "on") else "false"
            hint = f"; write {plain} without quotes"
        return self._refuse(f"must be true or false, found {self._shown(value)}{hint}")

    def int_or_text(self, value: Any, _: shape.IntOrText) -> Any:
        if type(value) is str:
            return value
        if type(value) is int:
            return self.whole(value, shape.INT32)
        return self._refuse(f"must be a number or a name, found {self._shown(value)}")

    def amount(self, value: Any, _: shape.Amount) -> Any:
        if type(value) is int or type(value) is float:
            value = str(value)
        if type(value) is not str:
            return self._refuse(f"{_AMOUNT}, found {self._shown(value)}")
        if _is_amount(value):
            return value
        hint = '; leave out the "b"' if value[-1:] in ("b", "B") else ""
        return self._refuse(f"{_AMOUNT}, found {_quoted(value)}{hint}")

    def moment(self, value: Any, _: shape.Moment) -> Any:
        if type(value) is str and _RFC3339.fullmatch(value):
            try:
                datetime.datetime.fromisoformat(value.upper())
            except ValueError:
                pass  # the form is right, the date is not
            else:
                return value
        return self._refuse(
            f'must be a time such as "2030-01-31T12:00:00Z", found {self._shown(value)}'
        )

    def blob(self, value: Any, _: shape.Bytes) -> Any:
        if type(value) is not str:
            return self._not_text(value)
        text = _LINE_ENDS.sub("", value)
        try:
            base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return self._refuse(f"must be bytes in base64, found {self._shown(value)}")
        return text

    def anything(self, value: Any, _: shape.Anything) -> Any:
        return value

    def _not_text(self, value: Any) -> Any:
        hint = ""
        if isinstance(value, int | float):
            hint = f"; quote it: {_quoted(self._written(value))}"
        return self._refuse(f"must be a string, found {self._shown(value)}{hint}")

    def _unknown(self, name: str) -> None:
        hint = None
        if len(self.differences) < _LIMIT_HINTS:  # looking for what was meant takes its time
            hint = suggest.field(name, self._records, tuple(self._path))
        message = f"unknown field; did you mean {hint}?" if hint else "unknown field"
        self._note(Fault.UNKNOWN_FIELD, message)

    def _refuse(self, message: str) -> Any:
        if not self._quoting:
            message = message.partition(_FOUND)[0]
        self._note(Fault.WRONG_TYPE, message)
        return _NOTHING

    def _note(self, fault: Fault, message: str) -> None:
        self.differences.append(Difference(fault, tuple(self._path), message))

    def _written(self, value: Any) -> str:
        text = self._text_at(fieldpath.raw(tuple(self._path))) if self._text_at else None
        return text if text is not None else json.dumps(value)

    def _shown(self, value: Any) -> str:
        match value:
            case None:
                return "nothing"
            case bool():
                plain, written = ("true" if value else "false"), self._written(value)
                how = "" if written == plain else f" (YAML reads {written} as that)"
                return f"the boolean {plain}{how}"
            case float():
                return f"the number {self._written(value)}"
            case int():
                plain, written = str(value), self._written(value)
                how = "" if written == plain else f" (written {written})"
                return f"the number {plain}{how}"
            case str():
                return f"the string {_quoted(value)}"
            case list():
                return "a list"
            case _:
                return "a map"


_VISITS: dict[type, Callable[[_Walker, Any, Any], Any]] = {
    shape.Record: _Walker.record,
    shape.ListOf: _Walker.list_of,
    shape.MapOf: _Walker.map_of,
    shape.Whole: _Walker.whole,
    shape.Flag: _Walker.flag,
    shape.IntOrText: _Walker.int_or_text,
    shape.Amount: _Walker.amount,
    shape.Moment: _Walker.moment,
    shape.Bytes: _Walker.blob,
    shape.Anything: _Walker.anything,
}


@functools.lru_cache(maxsize=1024)
def _is_amount(text: str) -> bool:
    try:
        quantity.parse(text)
    except quantity.InvalidQuantityError:
        return False
    return True


def _zero(wanted: shape.Shape) -> Any:
    """What Go makes of a null inside a list or map."""
    match wanted:
        case shape.Record() | shape.MapOf():
            return {}
        case shape.ListOf():
            return []
        case shape.Whole():
            return 0
        case shape.Flag():
            return False
        case shape.Amount():
            return "0"
        case _:
            return ""


def _quoted(text: str) -> str:
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
    return json.dumps(short, ensure_ascii=False)


def _unlist(value: Any) -> str:
    return '; remove the "- "' if isinstance(value, list) and len(value) == 1 else ""


def _enlist(value: Any) -> str:
    match value:
        case str():
            return f"; write [{_quoted(value)}]"
        case dict():
            return '; begin each item with "- "'
        case _:
            return ""
