"""Whatever is sent to the API server, it answers, refuses in words, and changes nothing by it."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import hypothesis
import pytest
from hypothesis import strategies as st

from staticlet.testing import apiobjects, apirun

COMMON = hypothesis.settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[*hypothesis.HealthCheck],
)
MIB = 1 << 20
TIMEOUT = 504  # "too large resource version" is answered with it, as everywhere
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"

words = st.sampled_from(
    [
        *("api", "apis", "v1", "v2", "namespaces", "default", "pods", "configmaps", "nodes"),
        *("status", "binding", "eviction", "token", "serviceaccounts", "leases", "events"),
        *("coordination.k8s.io", "policy", "events.k8s.io", "openapi", "v3", "version", "web"),
        *("authentication.k8s.io", "tokenreviews", "metrics", "healthz", "readyz", "..", "."),
        *("log", "exec", "proxy", "services", "secrets", "watch", "", "default%20", "%00"),
    ]
)
names = st.text(max_size=12).map(lambda text: quote(text.encode("utf-8", "ignore"), safe=""))
paths = st.lists(words | names, max_size=7).map(lambda parts: "/" + "/".join(parts))
options = st.sampled_from(
    [
        *("limit", "continue", "labelSelector", "fieldSelector", "resourceVersion", "dryRun"),
        *("resourceVersionMatch", "fieldValidation", "fieldManager", "force", "pretty"),
        *("gracePeriodSeconds", "propagationPolicy", "timeoutSeconds", "includeObject", "timeout"),
    ]
)
values = st.sampled_from(["", "0", "-1", "1", "All", "true", "x=y,a!=b", "a in (b", "99999999999"])
queries = st.dictionaries(options, values | st.text(max_size=8), max_size=3)
methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"])
media = st.sampled_from(
    [
        *("application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "x"),
        *("application/merge-patch+json", "application/strategic-merge-patch+json", "text/html"),
        *("application/json-patch+json", "application/apply-patch+yaml", "*/*", "a/b;q=x", ""),
        "application/json;as=Table;v=v1;g=meta.k8s.io",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
fields = st.sampled_from(
    [
        *("apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations", "spec"),
        *("containers", "image", "data", "status", "ownerReferences", "finalizers", "uid"),
        *("resourceVersion", "generateName", "managedFields", "op", "path", "value", "env"),
        *("volumes", "tolerations", "resources", "limits", "target", "involvedObject"),
        *("$patch", "$setElementOrder/containers", "$retainKeys", "deletionTimestamp"),
    ]
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=5),
    max_leaves=20,
)
kinds = st.sampled_from(["Pod", "ConfigMap", "Secret", "Namespace", "Node", "Event", "Lease"])
shaped = st.builds(
    lambda kind, rest: {**rest, "apiVersion": "v1", "kind": kind, "metadata": {"name": "fuzz"}},
    kinds,
    st.dictionaries(fields, trees, max_size=5),
)
bodies = (
    (trees | shaped).map(lambda tree: json.dumps(tree).encode())
    | shaped.map(lambda tree: json.dumps({**tree, "spec": {"containers": [tree]}}).encode())
    | st.binary(max_size=60)
)


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A server on which nothing changes by itself."""
    with apirun.running(tmp_path_factory.mktemp("bad"), controllers="none") as running:
        yield running


@pytest.fixture(scope="module")
def client(still):
    made = apirun.client(still)
    made.create(CONFIG_MAPS, apiobjects.config_map("web", a="1"))
    yield made
    made.close()


def revision(client):
    return client.get(CONFIG_MAPS, limit="1")["metadata"]["resourceVersion"]


def judged(client, still, method, path, body=None, headers=None):
    """Send it; the answer, which must be one that a client can live with."""
    before = revision(client)
    sent = {name: value for name, value in (headers or {}).items() if value.isprintable()}
    reply = client.ask(method, path, body, headers=sent)
    told = f"{method} {path} {sent} {body!r}: {reply.code} {reply.raw[:400]!r}"
    assert reply.code < 500 or reply.code == TIMEOUT, told + still.story()
    if reply.code >= 400:
        assert revision(client) == before, f"refused, and yet something changed: {told}"
        if reply.headers.get("content-type", "").startswith("application/json"):
            assert json.loads(reply.raw or b'{"code":0}').get("code") in {reply.code, 0}, told
    return reply


@hypothesis.settings(COMMON, max_examples=400)
@hypothesis.given(
    methods, paths, queries, st.dictionaries(st.sampled_from(["Accept", "Content-Type"]), media),
    st.none() | bodies,
)  # fmt: skip
def test_nonsense_is_refused(client, still, method, path, query, headers, body):
    query.pop("watch", None)
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    judged(client, still, method, f"{path}?{asked}" if asked else path, body, headers)


@hypothesis.settings(COMMON, max_examples=300)
@hypothesis.given(
    st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]),
    st.sampled_from(
        [
            *("pods", "configmaps", "secrets", "events", "serviceaccounts", "pods/web/status"),
            *("pods/web", "configmaps/web", "pods/web/eviction", "pods/web/binding"),
            *("pods/web/ephemeralcontainers", "serviceaccounts/default/token"),
        ]
    ),
    media,
    bodies,
)
def test_odd_objects_are_taken_or_refused(client, still, method, resource, type_, body):
    path = f"/api/v1/namespaces/default/{resource}"
    judged(client, still, method, path, body, {"Content-Type": type_})


@hypothesis.settings(COMMON, max_examples=60)
@hypothesis.given(st.binary(max_size=30))
def test_tokens_of_any_bytes_are_refused(still, token):
    clean = token.decode("latin-1").translate({**dict.fromkeys(range(32)), 127: None}).strip()
    stranger = apirun.client(still, token="")
    header = {"Authorization": f"Bearer {clean}"}
    reply = stranger.ask("GET", CONFIG_MAPS, headers=header)
    stranger.close()
    assert reply.code in {401, 403} if clean else {400, 401, 403}, (clean, reply)


def test_a_body_may_not_be_larger_than_three_mib(client, still):
    data = {**apiobjects.config_map("big"), "data": {"a": "x" * (4 * MIB)}}
    other = apirun.client(still)
    assert other.ask("POST", CONFIG_MAPS, data).code == 413
    other.close()
    assert client.ask("GET", f"{CONFIG_MAPS}/big").code == 404
    fits = {**apiobjects.config_map("fits"), "data": {"a": "x" * (MIB + 1)}}
    assert judged(client, still, "POST", CONFIG_MAPS, json.dumps(fits)).code == 422
    half = {**apiobjects.config_map("half"), "data": {"a": "x" * (MIB // 2)}}
    assert judged(client, still, "POST", CONFIG_MAPS, json.dumps(half)).code == 201


@pytest.mark.parametrize(
    ("opens", "closes", "depth"), [("[", "]", 100_000), ('{"a":', "}", 50_000)]
)
def test_deep_nesting_is_refused(client, still, opens, closes, depth):
    deep = opens * depth + "0" + closes * depth
    body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":' + deep + "}"
    assert judged(client, still, "POST", CONFIG_MAPS, body).code in {400, 422}
    patch = {"Content-Type": "application/merge-patch+json"}
    assert 400 <= judged(client, still, "PATCH", f"{CONFIG_MAPS}/web", deep, patch).code < 500


@pytest.mark.parametrize(
    "body",
    [
        b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\xff\xfe"}}',
        b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\\ud800"}}',
        b"\xef\xbb\xbf{}",
        b"\x00" * 100,
        b"null",
        b"[]",
        b"",
    ],
)
def test_what_is_no_object_is_refused(client, still, body):
    assert 400 <= judged(client, still, "POST", CONFIG_MAPS, body).code < 500


def test_a_yaml_bomb_is_refused_quickly(client, still):
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    bomb = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: bomb}}\na0: &a0 [x]\n{levels}"
    began = time.monotonic()
    yaml = {"Content-Type": "application/yaml"}
    assert 400 <= judged(client, still, "POST", CONFIG_MAPS, bomb, yaml).code < 500
    assert time.monotonic() - began < 2


def test_a_stranger_may_ask_for_little(still):
    stranger = apirun.client(still, token="")
    for path in ("/api/v1/pods", "/metrics", "/api", "/openapi/v2", CONFIG_MAPS):
        assert stranger.ask("GET", path).code in {401, 403}, path
    assert stranger.ask("GET", "/livez").code == 200
    assert stranger.ask("POST", CONFIG_MAPS, b"{").code in {401, 403}
    stranger.close()


def test_a_request_to_watch_that_makes_no_sense_is_refused(client, still):
    for query in (
        "resourceVersion=banana",
        "resourceVersion=-1",
        "labelSelector=a%20in%20(",
        "fieldSelector=spec.colour%3Dred",
        "sendInitialEvents=true",
        "timeoutSeconds=x",
    ):
        reply = judged(client, still, "GET", f"{CONFIG_MAPS}?watch=true&timeoutSeconds=1&{query}")
        assert reply.code in {400, 422} or b'"ERROR"' in reply.raw or reply.code == 200, query


def test_the_server_still_serves(client):
    assert client.ask("GET", "/readyz").raw == b"ok"
