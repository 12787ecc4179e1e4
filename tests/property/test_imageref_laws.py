"""Laws of image references."""

import string

from hypothesis import given
from hypothesis import strategies as st

from staticlet.kube import imageref

WORD = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
COMPONENT = st.builds("".join, st.tuples(WORD, st.sampled_from([".", "_", "__", "-", "--"]), WORD))
REPOSITORY = st.lists(st.one_of(WORD, COMPONENT), min_size=1, max_size=4).map("/".join)
HOST = st.sampled_from(["localhost", "quay.io", "127.0.0.1:5000", "[::1]:80", "reg.example.com:1"])
TAG = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=20)
DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:".__add__)
NONE = st.just("")

REFERENCES = st.builds(
    imageref.Reference,
    host=HOST,
    repository=REPOSITORY,
    tag=st.one_of(NONE, TAG),
    digest=st.one_of(NONE, DIGEST),
)


@given(REFERENCES)
def test_a_written_reference_reads_back(reference):
    assert imageref.parse(str(reference)) == reference


@given(REFERENCES)
def test_normalising_twice_changes_nothing_more(reference):
    once = imageref.normalise(str(reference))
    assert imageref.normalise(once) == once


@given(REFERENCES)
def test_the_default_tag_is_added_only_to_a_bare_name(reference):
    added = imageref.with_default_tag(str(reference)) != str(reference)
    assert added == (not reference.tag and not reference.digest)


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_invalid(text):
    try:
        reference = imageref.parse(text)
    except imageref.Invalid:
        return
    assert reference.host
    assert reference.repository
    assert imageref.parse(str(reference)) == reference
