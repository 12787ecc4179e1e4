"""What clients are told that the server can do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from staticlet.apiserver.discovery import serve
from staticlet.apiserver.resources import registry
from staticlet.kube import refusal

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data/apicheck/golden/discovery.json").read_text()
)
V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2BETA1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
KUBECTL = f"{V2},{V2BETA1},application/json"


@pytest.fixture
def discovery() -> serve.Discovery:
    return serve.Discovery(registry.kinds(), address="127.0.0.1:6443")


def body(discovery: serve.Discovery, path: str, accepted: str = "application/json") -> Any:
    found = discovery.answer(path, accepted)
    assert found is not None
    return msgspec.json.decode(found.body())


def test_the_core_versions_are_as_recorded(discovery: serve.Discovery) -> None:
    assert body(discovery, "/api")["versions"] == GOLDEN["api versions"]["body"]


def test_leases_are_told_as_recorded(discovery: serve.Discovery) -> None:
    told = body(discovery, "/apis/coordination.k8s.io/v1")
    assert told["resources"][0] == GOLDEN["group coordination"]["body"]


def test_subresources_are_told_after_their_resource(discovery: serve.Discovery) -> None:
    names = [one["name"] for one in body(discovery, "/api/v1")["resources"]]
    assert names.index("pods") < names.index("pods/eviction") < names.index("pods/status")
    assert {"pods/log", "pods/exec", "pods/binding", "nodes/proxy"} <= set(names)


def test_evictions_are_told_with_their_own_group(discovery: serve.Discovery) -> None:
    resources = body(discovery, "/api/v1")["resources"]
    eviction = next(one for one in resources if one["name"] == "pods/eviction")
    assert (eviction["group"], eviction["version"]) == ("policy", "v1")


def test_groups_are_listed_with_a_preferred_version(discovery: serve.Discovery) -> None:
    groups = {one["name"]: one for one in body(discovery, "/apis")["groups"]}
    lease = groups["coordination.k8s.io"]
    assert lease["preferredVersion"]["groupVersion"] == "coordination.k8s.io/v1"
    assert "" not in groups
    assert body(discovery, "/apis/coordination.k8s.io") == {
        "kind": "APIGroup",
        "apiVersion": "v1",
        **lease,
    }


@pytest.mark.parametrize(
    "path",
    ["/apis/nope.example", "/apis/nope.example/v1", "/api/v2", "/apis//v1", "/openapi/v3", "/"],
)
def test_what_is_not_there_is_not_told(discovery: serve.Discovery, path: str) -> None:
    assert discovery.answer(path, "application/json") is None


@pytest.mark.parametrize(
    ("accepted", "version"),
    [(KUBECTL, "v2"), (V2BETA1, "v2beta1"), (f"{V2};profile=nopeer,{V2}", "v2")],
)
def test_everything_is_told_at_once_to_who_asks_for_it(
    discovery: serve.Discovery, accepted: str, version: str
) -> None:
    found = discovery.answer("/apis", accepted)
    assert found is not None
    assert found.content_type.endswith(f"v={version};as=APIGroupDiscoveryList")
    told = msgspec.json.decode(found.body())
    assert told["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    versions = {one["metadata"]["name"]: one["versions"] for one in told["items"]}
    assert versions["coordination.k8s.io"][0]["resources"][0] == {
        "resource": "leases",
        "responseKind": {"group": "coordination.k8s.io", "version": "v1", "kind": "Lease"},
        "scope": "Namespaced",
        "singularResource": "lease",
        "verbs": GOLDEN["group coordination"]["body"]["verbs"],
    }


def test_the_core_group_told_at_once_has_no_name(discovery: serve.Discovery) -> None:
    (core,) = body(discovery, "/api", KUBECTL)["items"]
    assert core["metadata"] == {}
    pods = next(one for one in core["versions"][0]["resources"] if one["resource"] == "pods")
    below = {one["subresource"]: one for one in pods["subresources"]}
    assert below["eviction"]["responseKind"]["group"] == "policy"
    assert pods["shortNames"] == ["po"]


@pytest.mark.parametrize("accepted", ["", "*/*", "application/*", "text/html, application/json"])
def test_any_other_client_gets_plain_discovery(discovery: serve.Discovery, accepted: str) -> None:
    found = discovery.answer("/apis", accepted)
    assert found is not None
    assert found.content_type == "application/json"


def test_a_client_that_takes_neither_is_refused(discovery: serve.Discovery) -> None:
    with pytest.raises(refusal.Refusal) as refused:
        discovery.answer("/apis", "text/csv")
    assert refused.value.code == 406


def test_an_answer_is_made_once_and_known_by_its_hash(discovery: serve.Discovery) -> None:
    first, plain = discovery.answer("/apis", KUBECTL), discovery.answer("/apis", "")
    again = discovery.answer("/apis/", KUBECTL)
    other = serve.Discovery(registry.kinds()).answer("/apis", KUBECTL)
    assert first is again
    assert first is not None
    assert plain is not None
    assert other is not None
    assert first.etag == other.etag != plain.etag
