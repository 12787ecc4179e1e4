"""The API as OpenAPI describes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from staticlet.apiserver.openapi import gnostic, serve
from staticlet.apiserver.resources import registry
from staticlet.kube import refusal

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
GVK = "x-kubernetes-group-version-kind"
POD = {"group": "", "kind": "Pod", "version": "v1"}
_OPENAPI = serve.OpenApi(registry.kinds())


def body(path: str, accepted: str = "application/json") -> Any:
    found = _OPENAPI.answer(path, accepted)
    assert found is not None
    return msgspec.json.decode(found.body())


@pytest.fixture(scope="module")
def core() -> Any:
    return body("/openapi/v3/api/v1")


@pytest.fixture(scope="module")
def swagger() -> Any:
    return body("/openapi/v2")


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "$ref" and isinstance(one, str):
                yield one
            else:
                yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def schema(document: Any, name: str) -> Any:
    return document["components"]["schemas"][f"io.k8s.api.core.v1.{name}"]


def test_the_index_leads_to_every_version_by_its_hash() -> None:
    paths = body("/openapi/v3")["paths"]
    assert {"api/v1", "apis/coordination.k8s.io/v1", "apis/events.k8s.io/v1"} <= set(paths)
    for root, where in paths.items():
        found = _OPENAPI.answer(f"/openapi/v3/{root}", "")
        assert found is not None
        assert where["serverRelativeURL"] == f"/openapi/v3/{root}?hash={found.hash}"


def test_nothing_refers_to_a_type_that_is_not_there(core: Any, swagger: Any) -> None:
    types = core["components"]["schemas"]
    assert {one.rpartition("/")[2] for one in references(core)} <= set(types)
    named = {one.removeprefix("#/definitions/") for one in references(swagger)}
    assert named <= set(swagger["definitions"])


def test_a_kind_is_found_by_its_group_version_and_kind(core: Any) -> None:
    assert schema(core, "Pod")[GVK] == [POD]
    assert schema(core, "PodList")[GVK] == [POD | {"kind": "PodList"}]


def test_fields_tell_their_types(core: Any) -> None:
    container = schema(core, "Container")
    assert container["required"] == ["name"]
    assert "name" in container["properties"]["image"]["description"]
    port = schema(core, "ContainerPort")["properties"]["containerPort"]
    assert (port["type"], port["format"]) == ("integer", "int32")
    spec = schema(core, "PodSpec")["properties"]
    assert spec["activeDeadlineSeconds"]["format"] == "int64"
    assert spec["nodeSelector"]["additionalProperties"] == {"type": "string"}
    data = schema(core, "Secret")["properties"]["data"]
    assert data["additionalProperties"] == {"type": "string", "format": "byte"}


def test_quantities_and_ports_by_name_are_types_of_their_own(core: Any) -> None:
    limits = schema(core, "ResourceRequirements")["properties"]["limits"]
    assert limits["additionalProperties"]["$ref"].endswith("api.resource.Quantity")
    port = schema(core, "HTTPGetAction")["properties"]["port"]
    assert port["allOf"][0]["$ref"].endswith("util.intstr.IntOrString")


def test_lists_tell_how_they_merge(core: Any) -> None:
    ports = schema(core, "Container")["properties"]["ports"]
    assert ports["x-kubernetes-list-type"] == "map"
    assert ports["x-kubernetes-list-map-keys"] == ["containerPort", "protocol"]
    assert ports["x-kubernetes-patch-merge-key"] == "containerPort"
    assert ports["x-kubernetes-patch-strategy"] == "merge"
    assert schema(core, "Container")["properties"]["args"]["x-kubernetes-list-type"] == "atomic"


def test_values_that_are_taken_whole_tell_so(core: Any) -> None:
    assert schema(core, "LocalObjectReference")["x-kubernetes-map-type"] == "atomic"
    selector = schema(core, "PodSpec")["properties"]["nodeSelector"]
    assert selector["x-kubernetes-map-type"] == "atomic"


def test_every_patch_takes_field_validation_and_strategic_merges(core: Any) -> None:
    patches = [item["patch"] for item in core["paths"].values() if "patch" in item]
    assert POD in [one[GVK] for one in patches]
    for patch in patches:
        asked = {(one["name"], one["in"]) for one in patch["parameters"]}
        assert {("fieldValidation", "query"), ("force", "query")} <= asked
        media = patch["requestBody"]["content"]
        assert "application/strategic-merge-patch+json" in media


def test_paths_tell_what_is_done_and_no_more(core: Any) -> None:
    one = core["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]
    assert set(one) == {"get", "put", "patch", "delete", "parameters"}
    assert set(core["paths"]["/api/v1/services"]) == {"get", "parameters"}
    eviction = core["paths"]["/api/v1/namespaces/{namespace}/pods/{name}/eviction"]["post"]
    assert eviction[GVK] == {"group": "policy", "kind": "Eviction", "version": "v1"}


def test_every_operation_has_a_name_of_its_own(swagger: Any) -> None:
    names = [
        operation["operationId"]
        for item in swagger["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names))


def test_every_name_in_a_path_is_a_parameter(core: Any, swagger: Any) -> None:
    for document in (core, swagger):
        for path, item in document["paths"].items():
            named = {one["name"] for one in item["parameters"] if one["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))


def test_swagger_has_the_types_of_all_groups_without_unions(swagger: Any) -> None:
    types = swagger["definitions"]
    assert "io.k8s.api.coordination.v1.Lease" in types
    assert types["io.k8s.apimachinery.pkg.api.resource.Quantity"]["type"] == "string"
    assert "oneOf" not in str(types)
    assert "allOf" not in str(types)
    spec = types["io.k8s.api.core.v1.Pod"]["properties"]["spec"]
    assert spec["$ref"] == "#/definitions/io.k8s.api.core.v1.PodSpec"


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protobuf message, undecoded."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = varint()
        yield key >> 3, message[at : at + size]
        at += size
    assert at == len(message)


def entries(message: bytes, number: int) -> dict[str, bytes]:
    """A repeated field of names and values."""
    pairs = [dict(fields(one)) for found, one in fields(message) if found == number]
    return {pair[1].decode(): pair.get(2, b"") for pair in pairs}


def test_kubectl_gets_swagger_as_protobuf(swagger: Any) -> None:
    found = _OPENAPI.answer("/openapi/v2", PROTOBUF)
    assert found is not None
    assert found.content_type == gnostic.MEDIA
    document = dict(fields(found.body()))
    assert document[1] == b"2.0"
    types = entries(document[9], 1)
    assert set(types) == set(swagger["definitions"])
    assert set(entries(document[8], 2)) == set(swagger["paths"])
    pod = types["io.k8s.api.core.v1.Pod"]
    properties = entries(dict(fields(pod))[25], 1)
    assert dict(fields(properties["spec"]))[1] == b"#/definitions/io.k8s.api.core.v1.PodSpec"
    (told,) = entries(pod, 31).items()
    assert (told[0], msgspec.json.decode(dict(fields(told[1]))[2])) == (GVK, [POD])


@pytest.mark.parametrize(
    ("path", "accepted"),
    [("/openapi/v2", "text/html"), ("/openapi/v3", PROTOBUF), ("/openapi/v3/api/v1", "text/csv")],
)
def test_a_form_that_is_not_made_is_refused(path: str, accepted: str) -> None:
    with pytest.raises(refusal.Refusal) as refused:
        _OPENAPI.answer(path, accepted)
    assert refused.value.code == 406


@pytest.mark.parametrize("path", ["/openapi", "/openapi/v3/apis/apps/v1", "/openapi/v3/", "/x"])
def test_other_paths_have_no_document(path: str) -> None:
    assert (_OPENAPI.answer(path, "") is None) == (path != "/openapi/v3/")


def test_a_document_is_made_when_it_is_first_asked_for() -> None:
    fresh = serve.OpenApi(registry.kinds())
    assert not fresh.is_made("/openapi/v3", "")
    assert fresh.answer("/openapi/v3", "") is fresh.answer("/openapi/v3", "*/*")
    assert fresh.is_made("/openapi/v3", "")
    assert not fresh.is_made("/openapi/v2", PROTOBUF)
