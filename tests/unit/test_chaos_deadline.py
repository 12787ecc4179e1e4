"""A run of faults ends in time, whatever it waits for."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chaos import deadline

SOON_S = 0.02


@contextmanager
def _hanging_clean_up() -> Iterator[None]:
    try:
        yield
    finally:
        signal.pause()


def test_a_run_that_hangs_ends_and_says_what_was_under_way():
    with (
        pytest.raises(deadline.OutOfTime, match=r"not done after 0\.02 s; under way: a rest"),
        deadline.within(SOON_S, lambda: "a rest"),
    ):
        signal.pause()


def test_one_whose_clean_up_hangs_too_is_given_up(capfd):
    given_up: list[str] = []
    with (
        pytest.raises(deadline.OutOfTime),
        deadline.within(SOON_S, lambda: "", tidy_s=SOON_S, give_up=lambda: given_up.append("now")),
        _hanging_clean_up(),
    ):
        signal.pause()
    assert given_up == ["now"]
    assert "_hanging_clean_up" in capfd.readouterr().err  # where it hangs


def test_one_that_is_done_in_time_hears_nothing():
    before = signal.getsignal(signal.SIGALRM)
    with deadline.within(60, lambda: ""):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before
