"""Laws of validation: any data gets an answer, good data stays good, nothing is changed."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from staticlet.kube.validate import pod, static

FULL = json.loads((Path(__file__).parents[1] / "data" / "fullpod.json").read_text())
TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "..", "/", "a/../b", "-1", "1e9999999", "None", "Localhost", "Always"]),
)
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT)
ANYTHING = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def places(value, path=()):
    """The paths of everything inside a value."""
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    else:
        entries = []
    for key, inner in entries:
        yield (*path, key)
        yield from places(inner, (*path, key))


PLACES = list(places(FULL))


def same_type(value):
    """Other values of the type that a value has, which pass a schema check as it does."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int):
        return st.integers(-(2**31), 2**31)
    if isinstance(value, str):
        return TEXT
    if isinstance(value, list):
        return st.lists(st.sampled_from([*value, None]), max_size=4) if value else st.just([])
    return st.sampled_from([{}, value, None])


@st.composite
def mutants(draw, *, typed):
    """The full pod with a few places changed, within their types or beyond."""
    raw = copy.deepcopy(FULL)
    for path in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=4)):
        holder = raw
        try:
            for step in path[:-1]:
                holder = holder[step]
            value = holder[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[path[-1]]
        else:
            holder[path[-1]] = draw(same_type(value) if typed else ANYTHING)
    return raw


def answers(raw):
    before = copy.deepcopy(raw)
    found = [*pod.check(raw), *static.check(raw)]
    assert raw == before
    assert all(str(error) for error in found)
    return found


@settings(max_examples=300, deadline=None)
@given(mutants(typed=True))
def test_any_pod_of_the_right_types_gets_an_answer(raw):
    answers(raw)


@settings(max_examples=200, deadline=None)
@given(mutants(typed=False))
def test_a_pod_with_anything_in_it_gets_an_answer(raw):
    answers(raw)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), ANYTHING))
def test_anything_at_all_gets_an_answer(raw):
    answers(raw)


@settings(deadline=None)
@given(st.sampled_from([path for path in PLACES if path[:2] == ("spec", "volumes")]))
def test_taking_away_an_optional_part_never_makes_more_than_it_broke(path):
    raw = copy.deepcopy(FULL)
    holder = raw
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    errors = pod.check(raw)
    assert all(error.path[0] in ("spec", "metadata") for error in errors)
    assert len(errors) <= 6
