"""Durations, read and written as Go does."""

from __future__ import annotations

import pytest

from staticlet.kube import duration

S = duration.SECOND


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("+0", 0),
        ("0s", 0),
        ("5s", 5 * S),
        ("-5s", -5 * S),
        ("+5s", 5 * S),
        ("5.0s", 5 * S),
        ("5.6s", 5 * S + 600_000_000),
        ("5.s", 5 * S),
        (".5s", S // 2),
        ("1.5h", 5400 * S),
        ("1m30s", 90 * S),
        ("3h30m", 12_600 * S),
        ("30m3h", 12_600 * S),
        ("300ms", 300_000_000),
        ("12us", 12_000),
        ("12µs", 12_000),
        ("12\u03bcs", 12_000),
        ("13ns", 13),
        ("0.3333333333333333333h", 1200 * S),
        ("0.100000000000000000000h", 360 * S),
        ("9223372036854775807ns", (1 << 63) - 1),
        ("9223372036854775.807us", (1 << 63) - 1),
        ("-9223372036854775808ns", -(1 << 63)),
        ("0" * 5000 + "1s", S),
    ],
)
def test_reads_what_go_reads(text, nanoseconds):
    assert duration.parse(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            '"" is not a duration: write a number with a unit, such as "30s", "1m30s" or "500ms"',
        ),
        ("-", '"-" is not a duration'),
        (".", '"." is not a duration'),
        (".s", '".s" is not a duration'),
        ("s", '"s" is not a duration'),
        ("3", '"3" has a number without a unit'),
        ("1m30", '"1m30" has a number without a unit'),
        (
            "1d",
            '"1d" has an unknown unit "d": the units are ns, us, ms, s, m and h; write days as',
        ),
        ("1 s", '"1 s" has an unknown unit " s"'),
        ("1S", '"1S" has an unknown unit "S"'),
        ("1h-2m", '"1h-2m" has an unknown unit "h-"'),
        ("--1s", '"--1s" is not a duration'),
        ("9223372036854775808ns", "is out of range: at most 2562047h47m16.854775807s"),
        ("3000000h", '"3000000h" is out of range'),
        ("9" * 5000 + "s", "is out of range"),
    ],
)
def test_refuses_what_go_refuses_and_says_what_to_write(text, message):
    with pytest.raises(duration.DurationError) as caught:
        duration.parse(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (500_000_000, "500ms"),
        (3_300_000_000, "3.3s"),
        (60 * S, "1m0s"),
        (300 * S, "5m0s"),
        (3600 * S + 500_000_000, "1h0m0.5s"),
        (4 * 60 * S + 5 * S + 1_000_000, "4m5.001s"),
        (-90 * S, "-1m30s"),
        ((1 << 63) - 1, "2562047h47m16.854775807s"),
        (-(1 << 63), "-2562047h47m16.854775808s"),
    ],
)
def test_writes_what_go_writes(nanoseconds, text):
    assert duration.render(nanoseconds) == text


def test_seconds_and_back():
    assert duration.seconds(duration.parse("1.5s")) == 1.5
    assert duration.render(duration.from_seconds(0.3)) == "300ms"
