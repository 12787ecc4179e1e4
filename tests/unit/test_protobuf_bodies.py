"""Bodies as kubectl's typed commands send them: recorded ones, and what is none."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from staticlet.apiserver.http import protobody
from staticlet.kube import refusal
from staticlet.kube.protobuf import body

RECORDED = json.loads((Path(__file__).parents[1] / "data/kubectl-bodies.json").read_text())


def field(number: int, value: bytes | int) -> bytes:
    """A field of a message short enough for lengths of one byte."""
    if isinstance(value, int):
        return bytes((number << 3, value))
    return bytes((number << 3 | 2, len(value))) + value


def envelope(api_version: str, kind: str, raw: bytes, *more: bytes) -> bytes:
    told = field(1, api_version.encode()) + field(2, kind.encode())
    return b"k8s\x00" + field(1, told) + field(2, raw) + b"".join(more)


def decoded(sent: bytes) -> dict[str, Any]:
    read = body.decode(sent)
    assert read.warnings == ()
    return read.object


@pytest.mark.parametrize("one", RECORDED, ids=lambda one: one["command"])
def test_what_kubectl_sends_is_read_as_the_object_it_means(one: dict[str, Any]) -> None:
    assert body.decode(base64.b64decode(one["body"])) == body.Read(one["object"])


def test_a_zero_that_is_set_is_kept_and_a_zero_that_is_not_is_left_out() -> None:
    assert decoded(envelope("v1", "DeleteOptions", field(1, 0) + field(3, 0))) == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "orphanDependents": False,
    }
    meta = field(1, b"") + field(7, 0) + field(8, b"")
    assert decoded(envelope("v1", "Namespace", field(1, meta)))["metadata"] == {}


def test_deletions_are_read_in_any_group() -> None:
    found = decoded(envelope("coordination.k8s.io/v1", "DeleteOptions", field(5, b"All")))
    assert found["dryRun"] == ["All"]


def test_times_numbers_and_owners_are_read() -> None:
    owner = field(1, b"Node") + field(3, b"n1") + field(4, b"u") + field(6, 1)
    seconds = bytes((1 << 3, 0x80, 0xF2, 0xD6, 0xCA, 0x06))  # 1767225600
    meta = field(9, seconds + field(2, 5)) + field(13, owner)
    found = decoded(envelope("v1", "ConfigMap", field(1, meta) + field(4, 0)))
    assert found["metadata"] == {
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "ownerReferences": [{"kind": "Node", "name": "n1", "uid": "u", "controller": True}],
    }
    assert found["immutable"] is False


def test_a_review_of_another_user_is_read_with_extra() -> None:
    entry = field(1, b"scopes") + field(2, field(1, b"a") + field(1, b""))
    spec = field(3, b"jane") + field(4, b"dev") + field(4, b"ops") + field(5, entry)
    found = decoded(envelope("authorization.k8s.io/v1", "SubjectAccessReview", field(2, spec)))
    assert found["spec"] == {
        "user": "jane",
        "groups": ["dev", "ops"],
        "extra": {"scopes": ["a", ""]},
    }


def test_a_negative_number_is_read_as_one() -> None:
    minus_one = bytes((1 << 3,)) + b"\xff" * 9 + b"\x01"
    assert decoded(envelope("v1", "DeleteOptions", minus_one))["gracePeriodSeconds"] == -1


def test_fields_that_are_not_known_are_left_out_and_told() -> None:
    odd = bytes((15 << 3 | 1,)) + bytes(8) + bytes((14 << 3 | 5,)) + bytes(4)
    spec = field(12, b"x") + field(12, b"y") + field(13, 1)
    read = body.decode(envelope("v1", "Namespace", odd + field(2, spec)))
    assert read.object == {"apiVersion": "v1", "kind": "Namespace", "spec": {}}
    assert read.warnings == (
        "field 15 of Namespace is not known here and was left out",
        "field 14 of Namespace is not known here and was left out",
        "field 12 of NamespaceSpec is not known here and was left out",
        "field 13 of NamespaceSpec is not known here and was left out",
    )


def test_fields_that_are_not_known_and_empty_are_nothing_to_tell() -> None:
    """Go writes what is empty: so an older client writes what is long gone."""
    assert "data" not in decoded(envelope("v1", "ConfigMap", field(15, b"") + field(14, 0)))


def test_of_many_fields_that_are_not_known_ten_are_told() -> None:
    many = b"".join(field(number, 1) for number in range(3, 15))
    warnings = body.decode(envelope("v1", "Binding", many)).warnings
    assert len(warnings) == 11
    assert warnings[-1] == "2 more fields are not known here and were left out"


def test_a_kind_that_is_not_read_is_named() -> None:
    with pytest.raises(body.UnknownKindError, match="Deployment in apps/v1"):
        body.decode(envelope("apps/v1", "Deployment", b""))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{}",
        b"k8s\x00\x0a\x7f",
        b"k8s\x00\x0b",
        b"k8s\x00\x08" + b"\xff" * 11,
        envelope("v1", "Namespace", field(1, 1)),
        envelope("v1", "Namespace", field(1, field(1, b"\xff"))),
        envelope("v1", "DeleteOptions", field(1, b"x")),
        envelope("v1", "ConfigMap", b"", field(3, b"gzip")),
        envelope("v1", "ConfigMap", field(1, field(8, bytes((1 << 3,)) + b"\xff" * 8 + b"\x7f"))),
    ],
)
def test_what_is_broken_is_refused(broken: bytes) -> None:
    with pytest.raises(body.BodyError):
        body.decode(broken)


def test_over_http_protobuf_becomes_json() -> None:
    sent = envelope("v1", "DeleteOptions", field(1, 0))
    told = protobody.as_json(sent, f"{protobody.MEDIA}; charset=utf-8")
    assert told.media == "application/json"
    assert json.loads(told.text)["gracePeriodSeconds"] == 0
    empty = protobody.as_json(b"", protobody.MEDIA)
    assert empty == protobody.Sent(b"", "application/json")


def test_over_http_other_bodies_stay_as_they_are() -> None:
    unknown = envelope("apps/v1", "Deployment", b"")
    for sent, media in ((b"{}", "application/json"), (unknown, protobody.MEDIA)):
        assert protobody.as_json(sent, media) == protobody.Sent(sent, media)


def test_over_http_a_broken_body_is_a_bad_request() -> None:
    with pytest.raises(refusal.Refusal) as refused:
        protobody.as_json(b"{}", protobody.MEDIA)
    assert refused.value.code == 400
