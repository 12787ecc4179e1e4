"""Laws of `$(NAME)` expansion and of scores."""

from hypothesis import given
from hypothesis import strategies as st

from staticlet.pods import env, resources
from staticlet.testing import wantedpods

TEXT = st.text(alphabet="$()AB x", max_size=30)
VALUES = st.dictionaries(st.sampled_from(["A", "B", "AB", ""]), TEXT)


@given(TEXT, VALUES)
def test_text_whose_dollars_are_doubled_comes_back_as_it_was(text, values):
    assert env.expand(text.replace("$", "$$"), values) == text


@given(TEXT)
def test_without_values_only_doubled_dollars_change(text):
    assert env.expand(text, {}).count("$") <= text.count("$")
    assert env.expand(text, {}).replace("$", "") == text.replace("$", "")


@given(st.text(alphabet="()AB x"), VALUES)
def test_text_without_dollars_stays_as_it_is(text, values):
    assert env.expand(text, values) == text


@given(TEXT, TEXT)
def test_values_are_put_in_as_they_are_and_never_expanded_again(before, value):
    plain = before.replace("$", "")
    assert env.expand(f"{plain}$(A)", {"A": value}) == plain + value


@given(st.integers(0, 2**50), st.integers(0, 2**50))
def test_a_burstable_score_lies_between_guaranteed_and_best_effort(asked, machine):
    raw = wantedpods.container(resources={"requests": {"memory": str(asked), "cpu": "1"}})
    pod = wantedpods.wanted(raw).pod
    score = resources.oom_score(pod, pod.spec.containers[0], memory_bytes=machine)
    assert 3 <= score <= 999


@given(st.integers(0, 2**40))
def test_shares_grow_with_the_request_and_stay_in_range(milli):
    assert 2 <= resources.shares(milli) <= resources.shares(milli + 1) <= 262_144
