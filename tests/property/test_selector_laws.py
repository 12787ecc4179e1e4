"""Laws of label selectors, for any labels and any text."""

import contextlib
import string

from hypothesis import given
from hypothesis import strategies as st

from staticlet.kube import fieldselector, selector

KEYS = st.text(string.ascii_lowercase, min_size=1, max_size=3)
VALUES = st.text(string.ascii_letters + string.digits, max_size=3)
LABELS = st.dictionaries(KEYS, VALUES, max_size=4)


@st.composite
def requirements(draw):
    operator = draw(st.sampled_from(selector.Operator))
    key = draw(KEYS)
    values = frozenset()
    if operator in (selector.Operator.IN, selector.Operator.NOT_IN):
        values = frozenset(draw(st.sets(VALUES, min_size=1, max_size=3)))
    elif operator in (selector.Operator.GREATER, selector.Operator.LESS):
        values = frozenset({str(draw(st.integers(0, 99)))})
    return selector.Requirement(key=key, operator=operator, values=values)


SELECTORS = st.builds(selector.Selector, st.lists(requirements(), max_size=4).map(tuple))


@given(SELECTORS)
def test_what_a_selector_is_written_as_reads_as_the_same_selector(made):
    assert selector.parse(str(made)) == made


@given(SELECTORS, LABELS)
def test_blanks_between_words_and_signs_change_nothing(made, labels):
    spaced = str(made)
    for sign in ("!=", ",", "(", ")", ">", "<"):
        spaced = spaced.replace(sign, f" {sign} ")
    assert selector.parse(spaced).matches(labels) == made.matches(labels)


@given(SELECTORS, SELECTORS, LABELS)
def test_a_comma_means_and(one, other, labels):
    both = selector.parse(",".join(part for part in (str(one), str(other)) if part))
    assert both.matches(labels) == (one.matches(labels) and other.matches(labels))


@given(KEYS, st.sets(VALUES.filter(bool), min_size=1, max_size=3), LABELS)
def test_in_and_notin_are_opposites(key, values, labels):
    listed = ",".join(values)
    among = selector.parse(f"{key} in ({listed})").matches(labels)
    assert selector.parse(f"{key} notin ({listed})").matches(labels) is not among


@given(st.text(string.ascii_letters + " ,=!()<>-./'\"\\\n", max_size=20))
def test_any_text_is_read_or_refused_in_words(text):
    for parse in (selector.parse, fieldselector.parse):
        with contextlib.suppress(selector.SelectorError):
            parse(text)
