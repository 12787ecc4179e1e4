"""What a request line asks for, as kube-apiserver takes it apart."""

from __future__ import annotations

import pytest

from staticlet.apiserver.http import path
from staticlet.kube import refusal


def asked(method: str, raw: str) -> tuple[str, ...]:
    one = path.ask(method, raw).target
    return (
        one.verb,
        one.group,
        one.version,
        one.resource,
        one.subresource,
        one.namespace,
        one.name,
    )


@pytest.mark.parametrize(
    ("method", "raw", "expected"),
    [
        ("GET", "/api/v1/pods", ("list", "", "v1", "pods", "", "", "")),
        ("GET", "/api/v1/pods/", ("list", "", "v1", "pods", "", "", "")),
        ("HEAD", "/api/v1/namespaces/a/pods/b", ("get", "", "v1", "pods", "", "a", "b")),
        ("POST", "/api/v1/namespaces/a/pods", ("create", "", "v1", "pods", "", "a", "")),
        ("PUT", "/api/v1/nodes/n/status", ("update", "", "v1", "nodes", "status", "", "n")),
        ("DELETE", "/api/v1/nodes", ("deletecollection", "", "v1", "nodes", "", "", "")),
        ("DELETE", "/api/v1/nodes/n", ("delete", "", "v1", "nodes", "", "", "n")),
        (
            "PATCH",
            "/apis/coordination.k8s.io/v1/namespaces/a/leases/b",
            ("patch", "coordination.k8s.io", "v1", "leases", "", "a", "b"),
        ),
        (
            "POST",
            "/api/v1/namespaces/a/pods/b/eviction",
            ("create", "", "v1", "pods", "eviction", "a", "b"),
        ),
        ("GET", "/api/v1/pods?watch=true", ("watch", "", "v1", "pods", "", "", "")),
        ("GET", "/api/v1/pods?watch", ("watch", "", "v1", "pods", "", "", "")),
        ("GET", "/api/v1/pods?watch=0", ("list", "", "v1", "pods", "", "", "")),
        ("GET", "/api/v1/pods?watch=FALSE", ("list", "", "v1", "pods", "", "", "")),
        ("GET", "/api/v1/watch/pods", ("watch", "", "v1", "pods", "", "", "")),
        ("OPTIONS", "/api/v1/pods", ("options", "", "v1", "pods", "", "", "")),
    ],
)
def test_a_path_names_a_resource_and_its_method_the_verb(method, raw, expected):
    assert asked(method, raw) == expected


def test_a_namespace_itself_lies_in_no_namespace():
    assert asked("GET", "/api/v1/namespaces/a") == ("get", "", "v1", "namespaces", "", "", "a")
    below = ("update", "", "v1", "namespaces", "finalize", "", "a")
    assert asked("PUT", "/api/v1/namespaces/a/finalize") == below
    assert asked("GET", "/api/v1/namespaces/a/status")[4] == "status"


@pytest.mark.parametrize(
    "raw", ["/", "/api", "/api/v1", "/apis", "/apis/g", "/apis/g/v1", "/nope/x"]
)
def test_other_paths_are_no_resource(raw):
    target = path.ask("GET", raw).target
    assert not target.is_resource
    assert (target.verb, target.path) == ("get", raw)


def test_what_follows_a_subresource_is_kept():
    found = path.ask("GET", "/api/v1/nodes/n/proxy/logs/x")
    assert (found.target.subresource, found.rest) == ("proxy", "logs/x")


def test_an_old_watch_of_one_object_selects_it_by_its_name():
    found = path.ask("GET", "/api/v1/watch/namespaces/a/pods/b?fieldSelector=spec.nodeName%3Dn")
    assert (found.target.verb, found.target.name) == ("watch", "")
    assert found.query["fieldSelector"] == "spec.nodeName=n,metadata.name=b"
    assert found.target.field_selector == "spec.nodeName=n,metadata.name=b"


def test_percent_signs_are_decoded_before_segments_are_split():
    assert asked("GET", "/api/v1/namespaces/a/pods/b%2Fstatus")[4:] == ("status", "a", "b")
    assert path.ask("GET", "/api/v1/pods?labelSelector=a%3Db+c").query["labelSelector"] == "a=b c"


def test_the_first_of_repeated_parameters_counts():
    assert path.ask("GET", "/api/v1/pods?limit=1&limit=2").query["limit"] == "1"


def test_a_line_with_scheme_and_host_is_its_path():
    assert asked("GET", "https://127.0.0.1:6443/api/v1/pods")[3] == "pods"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("/api/v1/namespaces/a/pods/%ff", 400),
        ("/api/v1/namespaces/a/pods/%00", 400),
        ("/api/v1/pods?labelSelector=%ff", 400),
        ("/api/v1/pods?" + "&".join(f"a{n}=1" for n in range(101)), 400),
        ("ftp://x/api", 400),
        ("*", 400),
        ("/api/v1//pods", 404),
        ("/api/v1/namespaces/../secrets", 404),
        ("/api/v1/namespaces/%2e%2e/secrets", 404),
        ("/api/v1/watch", 400),
    ],
)
def test_what_makes_no_sense_is_refused(raw, code):
    with pytest.raises(refusal.Refusal) as refused:
        path.ask("GET", raw)
    assert refused.value.code == code


def test_an_old_watch_is_only_read():
    with pytest.raises(refusal.Refusal) as refused:
        path.ask("POST", "/api/v1/watch/pods")
    assert refused.value.code == 405


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("metadata.name%3Dx", "x"),
        ("metadata.name%3D%3Dx", "x"),
        ("spec.nodeName%3Dn,metadata.name%3Dx", "x"),
        ("metadata.name!%3Dx", ""),
        ("metadata.name%3Da%2Fb", ""),
        ("spec.nodeName%3Dn", ""),
    ],
)
def test_rights_on_a_list_by_name_are_those_on_the_object(selector, name):
    found = path.ask("GET", f"/api/v1/secrets?fieldSelector={selector}")
    assert found.target.name == ""
    assert path.for_authorization(found).name == name
