"""Edits are undone at once at first, then ever more slowly."""

from __future__ import annotations

from staticlet.node import undoing
from staticlet.testing import fakes


def begun() -> tuple[undoing.Undoing[str], fakes.ManualClock]:
    clock = fakes.ManualClock()
    return undoing.Undoing[str](clock, lambda: 1.0), clock


def test_the_first_edit_is_undone_at_once():
    edits, _ = begun()
    assert edits.left_s("a") == 0


def test_those_after_it_are_undone_ever_more_slowly():
    edits, clock = begun()
    waited = []
    for _ in range(4):
        edits.undone("a")
        waited.append(edits.left_s("a"))
        clock.advance(waited[-1])
        assert edits.left_s("a") == 0
    assert waited == [1, 2, 4, 8]


def test_edits_of_one_thing_keep_no_other_waiting():
    edits, _ = begun()
    edits.undone("a")
    assert edits.left_s("b") == 0


def test_after_a_long_quiet_the_pauses_begin_anew():
    edits, clock = begun()
    for _ in range(4):
        edits.undone("a")
        clock.advance(edits.left_s("a"))
    clock.advance(undoing.QUIET_S + 1)
    edits.undone("a")
    assert edits.left_s("a") == 1


def test_what_is_forgotten_has_never_been_edited():
    edits, _ = begun()
    edits.undone("a")
    edits.forget("a")
    assert edits.left_s("a") == 0
