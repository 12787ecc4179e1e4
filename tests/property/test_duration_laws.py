"""Laws of durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staticlet.kube import duration


@given(st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1))
def test_what_is_written_reads_back_the_same(nanoseconds):
    assert duration.parse(duration.render(nanoseconds)) == nanoseconds


@given(st.text(alphabet="0123456789.-+hmsnuµ d", max_size=20))
def test_any_text_is_read_or_refused_in_words(text):
    words = ""
    nanoseconds = 0
    try:
        nanoseconds = duration.parse(text)
    except duration.DurationError as error:
        words = str(error)
    assert text in words if words else -(1 << 63) <= nanoseconds < 1 << 63


@given(st.integers(0, 10_000), st.integers(0, 59), st.integers(0, 59))
def test_terms_add_up_in_any_order(hours, minutes, secs):
    total = (hours * 3600 + minutes * 60 + secs) * duration.SECOND
    assert duration.parse(f"{hours}h{minutes}m{secs}s") == total
    assert duration.parse(f"{secs}s{hours}h{minutes}m") == total


@given(st.integers(1, 1 << 70))
def test_a_number_without_a_unit_is_never_taken(number):
    with pytest.raises(duration.DurationError):
        duration.parse(str(number))
