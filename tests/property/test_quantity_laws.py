"""Laws of quantities."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from staticlet.kube import quantity

SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
SUFFIXES += ["e3", "E-2", "e+1", "e0"]
WRITTEN = st.builds(
    lambda sign, whole, part, suffix: f"{sign}{whole}{part}{suffix}",
    st.sampled_from(["", "+", "-"]),
    st.integers(0, 10**12),
    st.one_of(st.just(""), st.integers(0, 10**10).map(lambda number: f".{number}")),
    st.sampled_from(SUFFIXES),
)


@given(WRITTEN)
def test_the_canonical_way_reads_back_as_the_same_amount_and_stays(text):
    amount = quantity.parse(text)
    again = quantity.parse(amount.canonical())
    assert again == amount
    assert again.canonical() == amount.canonical()


@given(WRITTEN, WRITTEN)
def test_order_is_the_order_of_the_amounts(left, right):
    one, other = quantity.parse(left), quantity.parse(right)
    assert (one < other) == (one.amount < other.amount)
    assert (one <= other) == (not other < one)
    assert (one == other) == (hash(one) == hash(other) and one.amount == other.amount)


@given(WRITTEN)
def test_rounding_never_comes_nearer_to_zero(text):
    amount = quantity.parse(text)
    assert abs(amount.value()) >= abs(amount.amount) > abs(amount.value()) - 1
    assert abs(amount.milli()) >= abs(amount.amount * 1000) > abs(amount.milli()) - 1


@given(st.text(alphabet="0123456789.+-eEinumkKMGTP xé", max_size=300))
def test_any_text_is_read_or_refused_in_words(text):
    words, amount = "", Fraction(0)
    try:
        amount = quantity.parse(text).amount
    except quantity.InvalidQuantityError as error:
        words = str(error)
    assert words or abs(amount) < 2**63
