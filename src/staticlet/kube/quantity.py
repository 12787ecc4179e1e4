"""Resource quantities: `100m`, `1.5Gi`, `2e3`, exactly as Kubernetes reads and writes them.

A quantity is a rational number and the family of suffixes that it was written with. It is kept
exact; only when a whole number of units is asked for is it rounded, and then up, away from zero,
so that a pod that asks for something gets something.

Follows apimachinery's `resource.Quantity`: nothing finer than a nano unit, nothing larger than
2**63-1 units, one canonical way of writing each value. Two of its parser's accidents are left
out: text without any digit (`+`, `m`) is refused here, as the error message promises.
"""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass
from fractions import Fraction

FORMAT_MESSAGE = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
SUFFIX_MESSAGE = "unable to parse quantity's suffix"
NUMBER_MESSAGE = "unable to parse numeric part of quantity"

_GRAMMAR = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?"
    r"(?P<suffix>[eEinumkKMGTP]*[-+]?[0-9]*)"
)
_EXPONENT = re.compile(r"[eE](?P<power>[-+]?[0-9]+)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY_SUFFIX = {0: "", **{power // 10: suffix for suffix, power in _BINARY.items()}}
_NANO = Fraction(1, 10**9)
_LARGEST = 2**63 - 1
_LONGEST_TEXT = 256
_FARTHEST_POWER = 300


class InvalidQuantityError(ValueError):
    """Text that is no quantity; the message is what the API server says of it."""


class Format(enum.Enum):
    """The family of suffixes a quantity is written with."""

    DECIMAL = "DecimalSI"
    BINARY = "BinarySI"
    EXPONENT = "DecimalExponent"


@functools.total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """An exact amount. Equality and order look at the amount alone, never at how it is written.

    Attributes:
        amount: The value in units: cores, bytes, pieces.
        form: How it was written, which decides how `canonical` writes it.
    """

    amount: Fraction
    form: Format = Format.DECIMAL

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self.amount == other.amount

    def __lt__(self, other: Quantity) -> bool:
        return self.amount < other.amount

    def __hash__(self) -> int:
        return hash(self.amount)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.amount + other.amount, self.form)

    def __str__(self) -> str:
        return self.canonical()

    @property
    def is_zero(self) -> bool:
        """Whether the amount is exactly zero."""
        return not self.amount

    @property
    def sign(self) -> int:
        """-1, 0 or 1."""
        return (self.amount > 0) - (self.amount < 0)

    def value(self) -> int:
        """The amount in whole units, rounded away from zero (`Value`)."""
        return _round_away(self.amount)

    def milli(self) -> int:
        """The amount in thousandths, rounded away from zero (`MilliValue`)."""
        return _round_away(self.amount * 1000)

    def to_units(self, divisor: Quantity) -> int:
        """How many divisors the amount takes, rounded up, as `resourceFieldRef` reports it.

        An unset divisor, which is zero, counts as one.
        """
        return _round_away(self.amount / (divisor.amount or 1))

    def canonical(self) -> str:
        """The one way Kubernetes writes this amount: no fraction, the largest exact suffix."""
        if self.is_zero:
            return "0"
        if (
            self.form is Format.BINARY
            and self.amount.denominator == 1
            and abs(self.amount) >= 1024
        ):
            return _write_binary(int(self.amount))
        return _write_decimal(self.amount, exponents=self.form is Format.EXPONENT)


ZERO = Quantity(Fraction(0))


@functools.lru_cache(maxsize=1024)  # manifests of one machine use few different ones
def parse(text: str) -> Quantity:
    """Read a quantity.

    Raises:
        InvalidQuantityError: The text is no quantity.
    """
    match = _GRAMMAR.fullmatch(text)
    if match is None or not (match["whole"] or match["part"]):
        raise InvalidQuantityError(FORMAT_MESSAGE)
    if len(text) > _LONGEST_TEXT:
        raise InvalidQuantityError(NUMBER_MESSAGE)
    base, power, form = _scale(match["suffix"])
    part = match["part"] or ""
    digits = int((match["whole"] or "") + part)
    amount = _bounded(Fraction(digits, 10 ** len(part)), base, power)
    if form is Format.BINARY and 0 < amount < 1:
        form = Format.DECIMAL
    return Quantity(-amount if match["sign"] == "-" else amount, form)


def canonical(text: str) -> str:
    """An amount as Kubernetes keeps it: `0.5` is `500m`; what is none stays as it is."""
    try:
        return parse(text).canonical()
    except InvalidQuantityError:
        return text


def _scale(suffix: str) -> tuple[int, int, Format]:
    """What a suffix multiplies by, as base and power, and the family that it belongs to."""
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], Format.DECIMAL
    if suffix in _BINARY:
        return 2, _BINARY[suffix], Format.BINARY
    if match := _EXPONENT.fullmatch(suffix):
        return 10, int(match["power"]), Format.EXPONENT
    raise InvalidQuantityError(SUFFIX_MESSAGE)


def _bounded(amount: Fraction, base: int, power: int) -> Fraction:
    """The amount times base**power within what Kubernetes can count; powers stay computable."""
    if not amount:
        return amount
    reach = _FARTHEST_POWER + _LONGEST_TEXT
    amount *= Fraction(base) ** max(-reach, min(power, reach))
    if amount > _LARGEST:
        return Fraction(_LARGEST)
    return _round_away(amount / _NANO) * _NANO


def _round_away(amount: Fraction) -> int:
    whole = -(-abs(amount.numerator) // amount.denominator)
    return whole if amount >= 0 else -whole


def _write_binary(number: int) -> str:
    power = 0
    while number % 1024 == 0:
        number //= 1024
        power += 1
    return f"{number}{_BINARY_SUFFIX[power]}"


def _write_decimal(amount: Fraction, *, exponents: bool) -> str:
    number = _round_away(amount / _NANO)
    power = -9
    while number % 1000 == 0 and power < 18:
        number //= 1000
        power += 3
    if exponents:
        return f"{number}e{power}" if power else str(number)
    return f"{number}{_DECIMAL_SUFFIX[power]}"
