"""Laws of JSON merge patch."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from staticlet.kube.patch import merge

KEYS = st.sampled_from(["a", "b", "c"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x"])
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def without_nulls(value):
    """The value as a patch leaves it: no null members, at any depth of maps."""
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(item) for key, item in value.items() if item is not None}


@given(ANY, ANY)
def test_a_second_application_changes_nothing(target, patch):
    once = merge.apply(target, patch)
    assert merge.apply(once, patch) == once


@given(ANY)
def test_the_empty_patch_changes_no_map(target):
    assert merge.apply(target, {}) == (target if isinstance(target, dict) else {})


@given(ANY)
def test_patching_nothing_gives_the_patch_without_its_nulls(patch):
    assert merge.apply({}, patch) == without_nulls(patch)


@given(ANY, ANY)
def test_every_value_of_the_patch_is_in_the_result(target, patch):
    result = merge.apply(target, patch)
    stack = [(result, patch)]
    while stack:
        have, want = stack.pop()
        if not isinstance(want, dict):
            assert have == want
            continue
        for key, value in want.items():
            if value is None:
                assert key not in have
            else:
                stack.append((have[key], value))


@given(ANY, ANY)
def test_the_inputs_are_never_changed(target, patch):
    before = copy.deepcopy((target, patch))
    merge.apply(target, patch)
    assert (target, patch) == before
