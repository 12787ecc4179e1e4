"""No request line and no header harms the server: what it cannot read it refuses."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from staticlet.apiserver.http import dispatch, forms, path
from staticlet.kube import refusal

SEGMENT = st.sampled_from(
    [
        "api",
        "apis",
        "v1",
        "namespaces",
        "watch",
        "pods",
        "a",
        "",
        ".",
        "..",
        "%2F",
        "%ff",
        "é",
        "status",
    ]
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])


def refused_with(work: Callable[[], object]) -> int:
    """The code of the refusal; 0 where there is none."""
    try:
        work()
    except refusal.Refusal as refused:
        return refused.code
    return 0


@given(METHODS, st.lists(SEGMENT, max_size=9), st.text(max_size=30))
def test_any_path_is_read_or_refused(method, segments, query):
    raw = "/" + "/".join(segments) + "?" + query
    code = refused_with(lambda: path.ask(method, raw))
    assert code in (0, 400, 404, 405)
    if not code:
        asked = path.ask(method, raw)
        parts = (asked.target.namespace, asked.target.resource, asked.target.name)
        assert not any("/" in part or part in (".", "..") for part in parts)
        assert path.for_authorization(asked).resource == asked.target.resource


@given(st.text(max_size=60))
def test_any_text_after_the_first_slash_is_read_or_refused(text):
    assert refused_with(lambda: path.ask("GET", "/" + text)) in (0, 400, 404)


@given(st.text(max_size=200), st.booleans())
def test_any_accept_header_gives_a_form_or_406(header, stream):
    code = refused_with(lambda: forms.choose({"Accept": header}, {}, stream=stream))
    assert code in (0, 406)


@given(st.text(max_size=300))
def test_no_warning_breaks_out_of_its_header(text):
    header = dispatch.warning(text)
    inner = header.removeprefix('299 - "').removesuffix('"')
    assert "\r" not in header
    assert "\n" not in header
    assert '"' not in inner.replace("\\\\", "").replace('\\"', "")
