"""Bodies as kubectl's typed commands and a kubelet send them: recorded ones, and what is none.

Nobody records all kinds with all fields. So there are bodies, too, that Google's runtime wrote by
the descriptors that a kubectl 1.32 carries: all fields of that version, but most of pods' specs.

The pods that `kubectl debug --copy-to` sent were handed to it as JSON with a value in each field,
or with each message and nothing in it; what it must mean is that JSON, as kubectl prints it.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from staticlet.apiserver.http import protobody
from staticlet.kube import refusal
from staticlet.kube.protobuf import body

DATA = Path(__file__).parents[1] / "data"
OF_KUBECTL = json.loads((DATA / "kubectl-bodies.json").read_text())
OF_DESCRIPTORS = json.loads((DATA / "every-field-bodies.json").read_text())
OF_A_KUBELET = json.loads((DATA / "kubelet-bodies.json").read_text())


def field(number: int, value: bytes | int) -> bytes:
    """A field of a message short enough for lengths of one byte."""
    if isinstance(value, int):
        return bytes((number << 3, value))
    return bytes((number << 3 | 2, len(value))) + value


def envelope(api_version: str, kind: str, raw: bytes, *more: bytes) -> bytes:
    told = field(1, api_version.encode()) + field(2, kind.encode())
    return b"k8s\x00" + field(1, told) + field(2, raw) + b"".join(more)


def port(of_type: int) -> bytes:
    return field(1, field(1, of_type))


def managed(fields: bytes) -> bytes:
    """ObjectMeta with managed fields."""
    entry = field(7, field(1, fields))
    return bytes((0x8A, 1, len(entry))) + entry


def decoded(sent: bytes) -> dict[str, Any]:
    read = body.decode(sent)
    assert read.warnings == ()
    return read.object


@pytest.mark.parametrize("one", OF_KUBECTL, ids=lambda one: one["command"])
def test_what_kubectl_sends_is_read_as_the_object_it_means(one: dict[str, Any]) -> None:
    assert body.decode(base64.b64decode(one["body"])) == body.Read(one["object"])


@pytest.mark.parametrize("one", OF_A_KUBELET, ids=lambda one: one["kind"])
def test_what_a_kubelet_sends_is_read_as_the_object_it_means(one: dict[str, Any]) -> None:
    assert body.decode(base64.b64decode(one["body"])) == body.Read(one["object"])


@pytest.mark.parametrize("one", OF_DESCRIPTORS, ids=lambda one: one["kind"])
def test_every_field_of_every_kind_is_read(one: dict[str, Any]) -> None:
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
    assert warnings[-1] == "more fields are not known here and were left out"


def test_a_kind_that_is_not_read_is_named() -> None:
    with pytest.raises(body.UnknownKindError, match="Deployment in apps/v1"):
        body.decode(envelope("apps/v1", "Deployment", b""))


def test_ports_are_numbers_or_names() -> None:
    by_name = field(2, field(1, 1) + field(2, 7) + field(3, b"http"))
    by_number = field(2, field(2, 80) + field(3, b"http"))
    handlers = field(1, field(2, by_name)) + field(2, field(2, by_number))
    container = field(12, handlers)
    found = decoded(envelope("v1", "Pod", field(2, field(2, container))))
    lifecycle = found["spec"]["containers"][0]["lifecycle"]
    assert lifecycle["postStart"]["httpGet"] == {"port": "http"}
    assert lifecycle["preStop"]["httpGet"] == {"port": 80}


def test_a_lease_is_renewed_to_the_microsecond_and_a_pod_starts_to_the_second() -> None:
    at = field(1, 1) + bytes((2 << 3, 0xB9, 0x60))  # 12345 ns
    lease = decoded(envelope("coordination.k8s.io/v1", "Lease", field(2, field(4, at))))
    assert lease["spec"] == {"renewTime": "1970-01-01T00:00:01.000012Z"}
    pod = decoded(envelope("v1", "Pod", field(3, field(7, at))))
    assert pod["status"] == {"startTime": "1970-01-01T00:00:01Z"}


def test_what_was_the_zero_time_of_go_is_left_out_in_either_form() -> None:
    year_1 = bytes((1 << 3,)) + bytes((0x80, 0x92, 0xB8, 0xC3, 0x98, 0xFE, 0xFF, 0xFF, 0xFF, 1))
    for zero in (b"", year_1):
        found = decoded(envelope("v1", "Pod", field(3, field(7, zero))))
        assert found["status"] == {}


def test_managed_fields_hold_json_as_it_is() -> None:
    meta = managed(b'{"f:data":{}}') + managed(b"{}") + managed(b"")
    found = decoded(envelope("v1", "ConfigMap", field(1, meta)))
    assert found["metadata"]["managedFields"] == [
        {"fieldsV1": {"f:data": {}}},
        {"fieldsV1": {}},
        {},
    ]


def test_managed_fields_that_are_nested_without_end_are_refused() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    sent = deep
    for number in (1, 7, 17, 1):
        sent = long(number, sent)
    told = field(1, field(1, b"v1") + field(2, b"Pod"))
    with pytest.raises(body.BodyError, match="too deep"):
        body.decode(b"k8s\x00" + told + long(2, sent))


def long(number: int, value: bytes) -> bytes:
    """A field of up to 2 MiB."""
    size = len(value)
    key = number << 3 | 2
    return bytes((key & 0x7F | 0x80, key >> 7, size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80)) + (
        bytes((size >> 14,)) + value
    )


def test_lists_of_numbers_may_be_packed() -> None:
    context = field(4, bytes((1, 0x80, 1))) + field(4, 2)
    found = decoded(envelope("v1", "Pod", field(2, field(14, context))))
    assert found["spec"]["securityContext"] == {"supplementalGroups": [1, 128, 2]}


def test_a_message_that_comes_in_pieces_is_one() -> None:
    pieces = field(2, field(10, b"n1") + field(11, 1)) + field(2, field(11, 0) + field(12, 1))
    found = decoded(envelope("v1", "Pod", pieces))
    assert found["spec"] == {"nodeName": "n1", "hostPID": True}


def test_amounts_are_read_and_none_at_all_is_zero() -> None:
    capacity = [field(1, name) + field(2, field(1, b"2")) for name in (b"cpu",)]
    capacity += [field(1, b"pods") + field(2, b""), field(1, b"memory")]
    status = b"".join(field(1, entry) for entry in capacity)
    found = decoded(envelope("v1", "Node", field(3, status)))
    assert found["status"]["capacity"] == {"cpu": "2", "pods": "0", "memory": "0"}


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
        envelope("v1", "Pod", field(2, field(2, field(1, 1)))),
        envelope("v1", "Pod", field(2, field(2, b"\x0a\x05ab"))),
        envelope("v1", "Pod", field(2, field(14, field(4, b"\x80")))),
        envelope("v1", "Pod", field(2, field(2, field(12, field(1, field(3, port(2))))))),
        envelope("v1", "Pod", field(1, managed(b"{"))),
        envelope("v1", "Pod", field(1, managed(b'{}, "a": 1'))),
        envelope("v1", "Pod", field(1, managed(b"[" * 100))),
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


def large(number: int, value: bytes) -> bytes:
    """A field of a message of up to 3 MiB."""
    size = len(value)
    length = bytes((size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14))
    return bytes((number << 3 | 2,)) + length + value


def large_envelope(kind: str, raw: bytes) -> bytes:
    return b"k8s\x00" + field(1, field(1, b"v1") + field(2, kind.encode())) + large(2, raw)


METADATA, DATA_OF_MAP, SPEC, CONTAINERS, ARGS, ENV = 1, 2, 2, 2, 4, 7


@pytest.mark.parametrize(
    "raw",
    [
        b"\x78\x01" * 1_000_000,
        large(METADATA, b"\x78\x01" * 1_000_000),
        field(DATA_OF_MAP, b"") * 1_000_000,
        field(DATA_OF_MAP, field(1, b"") + field(2, b"")) * 200_000,
    ],
    ids=["unknown", "unknown below", "entries", "keys and values"],
)
def test_a_body_of_far_too_many_fields_is_too_large(raw: bytes) -> None:
    with pytest.raises(refusal.Refusal) as refused:
        protobody.as_json(large_envelope("ConfigMap", raw), protobody.MEDIA)
    assert (refused.value.code, refused.value.reason) == (413, "RequestEntityTooLarge")
    assert refused.value.message == (
        "cannot read the body: the body has more than 250,000 fields: send JSON"
    )


@pytest.mark.parametrize(
    "spec",
    [
        large(14, large(4, b"\x01" * 300_000)),  # numbers that are packed into one field
        large(CONTAINERS, field(ARGS, b"") * 300_000),
        large(CONTAINERS, field(ENV, field(1, b"")) * 150_000),
    ],
    ids=["group numbers", "arguments", "variables"],
)
def test_fields_count_wherever_they_are(spec: bytes) -> None:
    with pytest.raises(body.TooLargeError):
        body.decode(large_envelope("Pod", large(SPEC, spec)))


def test_the_largest_config_map_is_read() -> None:
    entries = [(b"key-%06d" % number, b"x" * 3) for number in range(80_000)]
    raw = b"".join(field(DATA_OF_MAP, field(1, key) + field(2, text)) for key, text in entries)
    read = decoded(large_envelope("ConfigMap", raw))
    assert sum(len(key) + len(text) for key, text in entries) > 1_000_000
    assert len(read["data"]) == 80_000


def test_a_pod_of_a_thousand_variables_with_long_managed_fields_is_read() -> None:
    env = b"".join(
        field(ENV, field(1, b"VARIABLE_%04d" % number) + field(2, b"value"))
        for number in range(1000)
    )
    managers = json.dumps({f"f:{number}": {} for number in range(50_000)}).encode()
    entry = large(7, large(1, managers))
    metadata = large(METADATA, b"\x8a\x01" + large(1, entry)[1:])
    spec = large(SPEC, large(CONTAINERS, field(1, b"main") + env))
    read = decoded(large_envelope("Pod", metadata + spec))
    assert len(read["spec"]["containers"][0]["env"]) == 1000
    assert len(read["metadata"]["managedFields"][0]["fieldsV1"]) == 50_000
