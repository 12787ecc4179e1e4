"""The form in which a client wants its answer."""

from __future__ import annotations

import pytest

from staticlet.apiserver.http import forms
from staticlet.kube import refusal
from staticlet.web import accept

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


def chosen(header: str | None, *, stream: bool = False, **query: str) -> forms.Form:
    headers = {} if header is None else {"Accept": header}
    return forms.choose(headers, query, stream=stream)


@pytest.mark.parametrize(
    ("header", "media", "shape"),
    [
        (None, forms.JSON, forms.Shape.FULL),
        ("", forms.JSON, forms.Shape.FULL),
        ("*/*", forms.JSON, forms.Shape.FULL),
        ("application/*", forms.JSON, forms.Shape.FULL),
        ("application/json", forms.JSON, forms.Shape.FULL),
        ("Application/JSON; charset=utf-8", forms.JSON, forms.Shape.FULL),
        ("application/yaml", forms.YAML, forms.Shape.FULL),
        (TABLE, forms.JSON, forms.Shape.TABLE),
        (f"{TABLE},application/json", forms.JSON, forms.Shape.TABLE),
        (PARTIAL, forms.JSON, forms.Shape.METADATA),
        (PARTIAL.replace("Metadata;", "MetadataList;"), forms.JSON, forms.Shape.METADATA),
        ("application/vnd.kubernetes.protobuf,application/json", forms.JSON, forms.Shape.FULL),
        ("application/vnd.kubernetes.protobuf, */*", forms.JSON, forms.Shape.FULL),
        ("application/json;as=Nonsense,application/yaml", forms.YAML, forms.Shape.FULL),
        ("application/json;q=0.1,application/yaml", forms.YAML, forms.Shape.FULL),
    ],
)
def test_the_first_form_that_can_be_made_is_taken(header, media, shape):
    form = chosen(header)
    assert (form.media, form.shape) == (media, shape)


@pytest.mark.parametrize(
    "header",
    [
        "text/csv",
        "application/vnd.kubernetes.protobuf",
        "application/json;as=Table;v=v9;g=meta.k8s.io",
        "application/json;q=0",
        "nonsense",
    ],
)
def test_a_form_that_cannot_be_made_is_not_acceptable(header):
    with pytest.raises(refusal.Refusal) as refused:
        chosen(header)
    assert refused.value.code == 406


def test_a_watch_is_never_yaml():
    with pytest.raises(refusal.Refusal):
        chosen("application/yaml", stream=True)
    assert chosen("application/yaml,application/json", stream=True).media == forms.JSON


def test_people_get_indented_json_and_programs_do_not():
    assert forms.choose({"User-Agent": "curl/8.0"}, {}, stream=False).pretty
    assert not forms.choose({"User-Agent": "kubectl/v1.32"}, {}, stream=False).pretty
    assert not forms.choose({"User-Agent": "curl/8.0"}, {"pretty": "false"}, stream=False).pretty
    assert chosen("application/json", pretty="true").pretty
    assert chosen("application/json;pretty=1").pretty
    assert not chosen("application/json", stream=True, pretty="true").pretty


def test_only_the_plain_form_sends_what_is_stored():
    assert chosen("*/*").plain
    assert not chosen(TABLE).plain
    assert not chosen("application/yaml").plain


def test_rows_carry_what_is_asked_for():
    assert chosen(TABLE).include == "Metadata"
    assert chosen(TABLE, includeObject="None").include == "None"
    with pytest.raises(refusal.Refusal) as refused:
        chosen(TABLE, includeObject="Everything")
    assert refused.value.code == 400


def test_a_header_of_any_length_is_read_in_part():
    assert len(accept.parse(",".join(f"a/b{n}" for n in range(10_000)))) == accept.MOST


def test_a_content_type_is_told_without_its_parameters():
    assert accept.content_type("Application/JSON; charset=utf-8") == "application/json"
    assert accept.content_type("") == ""
