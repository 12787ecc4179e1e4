"""Times as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from staticlet.kube import rfc3339

NOON = datetime(2026, 1, 31, 12, 0, 0, 250_999, tzinfo=UTC)


def test_a_time_is_told_to_the_second_and_never_rounded_up():
    assert rfc3339.text(NOON.replace(microsecond=999_999)) == "2026-01-31T12:00:00Z"


def test_a_micro_time_has_six_digits_always():
    assert rfc3339.micro(NOON) == "2026-01-31T12:00:00.250999Z"
    assert rfc3339.micro(NOON.replace(microsecond=0)) == "2026-01-31T12:00:00.000000Z"


def test_times_of_other_zones_are_told_in_utc():
    tokyo = timezone(timedelta(hours=9))
    assert rfc3339.text(datetime(2026, 1, 31, 3, 0, tzinfo=tokyo)) == "2026-01-30T18:00:00Z"


@pytest.mark.parametrize("year", [1, 99, 999])
def test_early_years_keep_their_four_digits(year: int):
    written = rfc3339.text(datetime(year, 1, 1, tzinfo=UTC))
    assert written == f"{year:04}-01-01T00:00:00Z"
    assert rfc3339.micro(datetime(year, 1, 1, tzinfo=UTC)).startswith(f"{year:04}-")


def test_small_letters_tell_a_time_too():
    assert rfc3339.moment("2026-01-31t12:00:00.250999z") == NOON
