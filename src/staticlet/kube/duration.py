"""Durations as Go reads and writes them: `1m30s`, `300ms`, `1.5h`.

Kubernetes keeps a duration (`metav1.Duration`) as a signed 64-bit count of nanoseconds, reads it
with `time.ParseDuration` and writes it with `Duration.String`. Here it is an `int` of nanoseconds
with the same reading, the same writing and the same limits. Days and weeks are no units in Go.
"""

from __future__ import annotations

import re

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_UNITS = {
    "ns": NANOSECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,  # U+00B5, the micro sign
    "\u03bcs": MICROSECOND,  # the Greek letter, which Go takes too
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_TERM = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?P<unit>[^.0-9]*)")
_MOST = (1 << 63) - 1
_DIGITS = len(str(_MOST))
_EXAMPLE = 'write a number with a unit, such as "30s", "1m30s" or "500ms"'


class DurationError(ValueError):
    """A text is no duration; the message says which text, what is wrong and what to write."""


def parse(text: str) -> int:
    """Read a duration the way `time.ParseDuration` does.

    A fraction is scaled in floating point and then cut to whole nanoseconds, as Go does it, so
    that `0.3333333333333333333h` is twenty minutes here too.

    Returns:
        Nanoseconds, negative for a text that starts with `-`.

    Raises:
        DurationError: it is empty, lacks a unit, has an unknown one, or is out of range
            (about 292 years either way).
    """
    sign, rest = (text[0], text[1:]) if text[:1] in {"-", "+"} else ("", text)
    if rest == "0":
        return 0
    if not rest:
        raise DurationError(f"{_quoted(text)} is not a duration: {_EXAMPLE}")
    total = 0
    at = 0
    while at < len(rest):
        at, count = _term(rest, at, text)
        total += count
    if total > _MOST + (sign == "-"):
        raise DurationError(_out_of_range(text))
    return -total if sign == "-" else total


def _term(rest: str, at: int, text: str) -> tuple[int, int]:
    """Read one number with its unit; returns where it ends and its nanoseconds."""
    term = _TERM.match(rest, at)
    if term is None or not (term["whole"] or term["part"]):
        raise DurationError(f"{_quoted(text)} is not a duration: {_EXAMPLE}")
    whole, part, unit = term["whole"], term["part"] or "", term["unit"]
    if not unit:
        raise DurationError(f"{_quoted(text)} has a number without a unit: {_EXAMPLE}")
    if unit not in _UNITS:
        hint = "; write days as hours" if unit in {"d", "w"} else ""
        raise DurationError(
            f"{_quoted(text)} has an unknown unit {_quoted(unit)}:"
            f" the units are ns, us, ms, s, m and h{hint}"
        )
    if len(whole.lstrip("0")) > _DIGITS:
        raise DurationError(_out_of_range(text))
    scale = _UNITS[unit]
    return term.end(), int(whole.lstrip("0") or "0") * scale + _fraction(part, scale)


def _fraction(digits: str, scale: int) -> int:
    """The nanoseconds of a decimal fraction of a unit; digits beyond 63 bits count for nothing."""
    value, divisor = 0, 1.0
    for digit in digits:
        if value > _MOST // 10 or value * 10 + int(digit) > _MOST + 1:
            break
        value = value * 10 + int(digit)
        divisor *= 10
    return int(float(value) * (float(scale) / divisor))


def render(nanoseconds: int) -> str:
    """Write a duration the way Go does: `1m0s`, `1h0m0.5s`, `500ms`, `0s`."""
    if nanoseconds == 0:
        return "0s"
    sign = "-" if nanoseconds < 0 else ""
    return sign + _render_positive(abs(nanoseconds))


def _render_positive(nanoseconds: int) -> str:
    for unit, scale in (("ns", MICROSECOND), ("µs", MILLISECOND), ("ms", SECOND)):
        if nanoseconds < scale:
            return _decimal(nanoseconds, scale // 1000) + unit
    minutes, rest = divmod(nanoseconds, MINUTE)
    text = _decimal(rest, SECOND) + "s"
    if not minutes:
        return text
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}"


def _decimal(count: int, scale: int) -> str:
    """Write `count / scale`, a power of ten, without trailing zeros."""
    whole, rest = divmod(count, scale)
    if not rest:
        return str(whole)
    digits = str(rest).rjust(len(str(scale)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}"


def seconds(nanoseconds: int) -> float:
    """Nanoseconds as seconds, the unit of Python's own clocks."""
    return nanoseconds / SECOND


def from_seconds(count_s: float) -> int:
    """Seconds as nanoseconds, rounded to the nearest."""
    return round(count_s * SECOND)


def _out_of_range(text: str) -> str:
    return f"{_quoted(text)} is out of range: at most {render(_MOST)}"


def _quoted(text: str) -> str:
    """A text in double quotes, cut where someone pasted a whole file."""
    return f'"{text}"' if len(text) <= 64 else f'"{text[:64]}…"'
