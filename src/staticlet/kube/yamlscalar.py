"""What a plain YAML scalar means to Kubernetes.

Kubernetes reads YAML with go-yaml version 2, which follows YAML 1.1 with departures of its own:
`y` and `n` are booleans, `0644` and `0o644` are octal, an underscore may stand in any number,
numbers to base 60 are strings, and so are timestamps. Whole numbers that are written as floats
(`1.0`, `1e3`) become whole on the way through JSON.
"""

from __future__ import annotations

import functools
import math
import re
import struct

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(
        ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True
    ),
    **dict.fromkeys(
        ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False
    ),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMBERLIKE = frozenset("+-.0123456789")
_INTEGER = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_BASES = (16, 2, 8, 10)
_LEAST, _MOST = -(2**63), 2**64 - 1
_EXACT = 1e21  # from here on Go's JSON writes an exponent, and no integer field takes that

Scalar = str | int | float | bool | None


@functools.lru_cache(maxsize=4096, typed=True)
def resolve(text: str) -> Scalar:
    """The value of a plain scalar; NaN and the infinities come out as floats."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBERLIKE:
        return text
    digits = text if text[0] == "." else text.replace("_", "")
    integer = _integer(digits)
    if integer is not None:
        return integer
    if _FLOAT.fullmatch(digits) and math.isfinite(number := float(digits)):
        return whole(number)
    return text  # also what is too large for a float


def whole(number: float) -> int | float:
    """A float without a fraction as an integer, as JSON writes it; others unchanged."""
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def key_text(key: Scalar) -> str:
    """How a map key that is no string is written in JSON.

    Floats come out with the digits of a 32-bit float, as the Kubernetes YAML library has it.
    """
    match key:
        case str():
            return key
        case bool():
            return "true" if key else "false"
        case float():
            return _short(key)
        case _:
            return str(key)


def _integer(digits: str) -> int | None:
    match = _INTEGER.fullmatch(digits)
    if match is None or len(digits) > 70:  # longer than 64 binary digits
        return None
    sign, *bodies = match.groups()
    number = next(int(body, base) for body, base in zip(bodies, _BASES, strict=True) if body)
    number = -number if sign == "-" else number
    return number if _LEAST <= number <= _MOST else None


def _short(number: float) -> str:
    if math.isnan(number):
        return ".nan"
    if math.isinf(number):
        return ".inf" if number > 0 else "-.inf"
    try:
        wanted = struct.pack("<f", number)
    except OverflowError:
        return ".inf" if number > 0 else "-.inf"
    for precision in range(1, 10):
        text = f"{number:.{precision}g}"
        if struct.pack("<f", float(text)) == wanted:
            return text
    return repr(number)
