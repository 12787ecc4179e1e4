"""What bodies may be, and how they are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from staticlet.apiserver import calls
from staticlet.apiserver.resources import registry
from staticlet.apiserver.verbs import body
from staticlet.kube import refusal
from staticlet.testing import verbcalls

POD: dict[str, Any] = {"spec": {"containers": [{"name": "c", "image": "nginx"}]}}


def call() -> calls.Call:
    target = calls.Target(verb="create", path="/")
    return calls.Call(user=verbcalls.ADMIN, target=target, query={}, now=verbcalls.NOW)


def wanted(plural: str = "pods") -> body.Wanted:
    kind = registry.kinds().find("", "v1", plural)
    assert kind is not None
    return body.wanted(kind)


def read(
    text: object,
    *,
    media: str = body.JSON,
    validation: str = "Warn",
    what: str = "pods",
    by: calls.Call | None = None,
) -> dict[str, Any]:
    data = text if isinstance(text, bytes) else json.dumps(text).encode()
    return body.decoded(by or call(), data, media, wanted(what), validation=validation)


def refused(text: object, **rest: Any) -> refusal.Refusal:
    with pytest.raises(refusal.Refusal) as caught:
        read(text, **rest)
    return caught.value


def test_what_is_not_said_is_filled_in_from_the_path() -> None:
    assert read(POD) == {"apiVersion": "v1", "kind": "Pod", "metadata": {}, **POD}
    assert [*read(POD)][:2] == ["apiVersion", "kind"]


def test_nulls_are_as_if_not_given() -> None:
    assert "metadata" in read({"metadata": None, "spec": {"nodeName": None}})
    assert read({"spec": {"nodeName": None}})["spec"] == {}


@pytest.mark.parametrize("media", ["text/plain", "application/vnd.kubernetes.protobuf", "x"])
def test_other_media_types_are_not_read(media: str) -> None:
    found = refused(POD, media=media)
    assert (found.code, found.reason) == (415, "UnsupportedMediaType")
    assert "application/json" in found.message


def test_a_media_type_may_have_parameters_or_be_left_out() -> None:
    assert read(POD, media="application/json; charset=utf-8")["kind"] == "Pod"
    assert read(POD, media="")["kind"] == "Pod"


def test_yaml_is_read() -> None:
    text = b"kind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: yes}\n"
    assert read(text, media="application/yaml")["spec"] == {"hostNetwork": True}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"{}{}",
        b'{"metadata": NaN}',
        b'{"metadata": {"name": "\xff"}}',
        b'{"spec":' * 150 + b"1" + b"}" * 150,
        b"[" * 100_000,
        b'{"metadata": {"generation": ' + b"9" * 5000 + b"}}",
    ],
)
def test_what_is_no_object_is_a_bad_request(text: bytes) -> None:
    found = refused(text)
    assert (found.code, found.reason) == (400, "BadRequest")
    assert len(found.message) < 400


@pytest.mark.parametrize("text", [b"a: 1\n---\nb: 2\n", b"", b"a: [", b"a: &x [*x]"])
def test_yaml_must_be_one_document(text: bytes) -> None:
    assert refused(text, media="application/yaml").code == 400


def test_another_kind_or_version_is_a_bad_request() -> None:
    kind = refused({"kind": "Node"})
    assert (kind.code, "cannot be handled as a Pod" in kind.message) == (400, True)
    version = refused({"apiVersion": "apps/v1", "kind": "Pod"})
    assert version.message == (
        "the API version in the data (apps/v1) does not match the expected API version (v1)"
    )


def test_a_wrong_type_is_a_bad_request_even_where_unknown_fields_are_ignored() -> None:
    found = refused({"spec": {"hostNetwork": "yes"}}, validation="Ignore")
    assert found.message.startswith('Pod in version "v1" cannot be handled as a Pod: ')
    assert "spec.hostNetwork: must be true or false" in found.message
    assert refused({"data": {"a": 1}}, what="configmaps").code == 400
    assert refused({"data": {"a": "!!"}}, what="secrets").code == 400


@pytest.mark.parametrize(
    "part",
    [{"data": {"a": "hunter2"}}, {"data": "hunter2"}, {"stringData": {"a": 4111}}, {"type": [1]}],
)
def test_what_may_be_a_secret_is_not_quoted(part: dict[str, Any]) -> None:
    found = refused(part, what="secrets")
    assert found.code == 400
    assert "must be a" in found.message or "must be bytes in base64" in found.message
    assert "hunter2" not in found.message
    assert "4111" not in found.message


def test_strict_refuses_unknown_fields_in_the_words_of_the_recording() -> None:
    spec = {"colour": "red", "containers": [{"name": "c", "image": "nginx", "imagge": "x"}]}
    found = refused({"spec": spec}, validation="Strict")
    assert found.message == (
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: '
        'unknown field "spec.colour", unknown field "spec.containers[0].imagge"'
    )


def test_by_default_the_client_is_warned_of_unknown_and_duplicate_fields() -> None:
    asked = call()
    text = b'{"spec": {"colour": "red", "nodeName": "a", "nodeName": "b"}}'
    assert read(text, by=asked)["spec"] == {"nodeName": "b"}
    assert asked.warnings == [
        'duplicate field "spec.nodeName"',
        'unknown field "spec.colour"',
    ]


def test_ignored_fields_are_not_spoken_of() -> None:
    asked = call()
    read(b'{"a": 1, "a": 2}', validation="Ignore", by=asked)
    assert asked.warnings == []


def test_labels_given_twice_are_told_as_keys() -> None:
    asked = call()
    read(b'{"metadata": {"labels": {"a/b": "1", "a/b": "2"}}}', by=asked)
    assert asked.warnings == ['duplicate field "metadata.labels[a/b]"']


def test_half_a_surrogate_pair_cannot_break_what_is_stored() -> None:
    found = read(b'{"metadata": {"annotations": {"a": "\\ud800", "b": "\\ud83d\\ude00"}}}')
    assert found["metadata"]["annotations"] == {"a": "\ufffd", "b": "\U0001f600"}


def test_delete_options_may_be_absent_but_not_something_else() -> None:
    assert body.deletion(b"", "") == {}
    assert body.deletion(b'{"gracePeriodSeconds": 3, "x": 1}', "") == {"gracePeriodSeconds": 3}
    for text in (b"[]", b'{"kind": "Pod"}', b'{"gracePeriodSeconds": "x"}', b"{"):
        with pytest.raises(refusal.Refusal) as caught:
            body.deletion(text, body.JSON)
        assert caught.value.code == 400
