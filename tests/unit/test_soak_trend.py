"""The soak's verdict: what grows is told, what jumps about is not."""

from __future__ import annotations

import pytest

from chaos import trend

MARGIN = trend.Margin(unit="MB", share=0.05, more=1.0)


def row(series: list[float]) -> trend.Row:
    (found,) = trend.rows({"RSS": series}, {"RSS": MARGIN})
    return found


def test_what_jumps_about_and_comes_back_is_flat() -> None:
    assert row([60.0, 90.0, 61.0, 60.0, 60.5, 80.0] * 10).flat


def test_what_grows_slowly_is_seen() -> None:
    assert not row([60 + 0.1 * number for number in range(200)]).flat


def test_what_is_met_for_the_first_time_is_left_out() -> None:
    assert row([1.0] * 60 + [60.0] * 300).first == 60.0
    assert row([1.0] * 15 + [60.0] * 15).first == 60.0


def test_growth_within_the_margin_is_flat_and_beyond_it_is_not() -> None:
    assert row([60.0] * 100 + [63.9] * 100).flat
    assert not row([60.0] * 100 + [64.1] * 100).flat


def test_too_few_samples_say_nothing() -> None:
    with pytest.raises(trend.TooFew, match="3 samples of RSS"):
        row([60.0] * 3)


def test_the_table_names_what_grows() -> None:
    found = [row([60.0] * 50), row([60.0] * 100 + [70.0] * 100)]
    lines = trend.table(found).splitlines()
    assert lines[1].endswith("flat")
    assert lines[2].endswith("GROWS")
