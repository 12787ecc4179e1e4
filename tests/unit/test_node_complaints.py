"""What is wrong is told once, and only where it lasts."""

from __future__ import annotations

import pytest

from staticlet.node import complaints
from staticlet.testing import fakes


class Told:
    """Complaints at a clock that stands still."""

    def __init__(self) -> None:
        self.clock = fakes.ManualClock()
        self.told: list[str] = []
        self.it = complaints.Complaints[str](
            self.clock, lambda key, words: self.told.append(f"{key}: {words}")
        )

    def after(self, seconds: float, words: str, key: str = "a") -> float:
        self.clock.advance(seconds)
        return self.it.wrong(key, words)


@pytest.fixture
def told() -> Told:
    return Told()


def test_what_mends_itself_soon_is_not_told(told):
    told.after(0, "no class")
    told.after(2.9, "no class")
    told.it.right("a")
    told.after(0.2, "no class")
    assert told.told == []


def test_what_lasts_is_told_once(told):
    told.after(0, "no class")
    for _ in range(100):
        told.after(1, "no class")
    assert told.told == ["a: no class"]


def test_it_is_known_when_it_will_be_told(told):
    assert told.after(0, "no class") == 3
    assert told.after(1, "no class") == 2
    assert told.after(2, "no class") == 0
    assert told.told == ["a: no class"]


def test_other_words_are_told_at_once_where_it_is_wrong_for_long(told):
    told.after(0, "no class")
    told.after(2, "no quota")
    assert told.told == []
    told.after(1, "no quota")
    told.after(0, "no class")
    assert told.told == ["a: no quota", "a: no class"]


def test_what_is_wrong_again_is_told_again(told):
    told.after(0, "no class")
    told.after(3, "no class")
    told.it.right("a")
    told.after(9, "no class")
    told.after(3, "no class")
    assert told.told == ["a: no class"] * 2


def test_each_thing_has_its_own_time(told):
    told.after(0, "no class")
    told.after(3, "no class", key="b")
    told.after(0, "no class")
    assert told.told == ["a: no class"]
