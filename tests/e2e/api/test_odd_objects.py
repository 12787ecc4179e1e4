"""Objects that are right but for something, and patches of every sort: taken or refused in words.

The examples are the same in every run; `MORE_EXAMPLES=20` tries others, and so many times more.
"""

from __future__ import annotations

import copy
import json
import os

import hypothesis
import pytest
from hypothesis import strategies as st

from staticlet.testing import apiobjects, apirun

MORE = int(os.environ.get("MORE_EXAMPLES", "1"))
COMMON = hypothesis.settings(
    derandomize=MORE == 1,
    deadline=None,
    database=None,
    suppress_health_check=[*hypothesis.HealthCheck],
)
NS = "/api/v1/namespaces/default"
FULL_POD = {
    **apiobjects.head("v1", "Pod", "web", labels={"a": "b"}, annotations={"n": "1"}),
    "spec": {
        "containers": [
            {
                "name": "c",
                "image": "busybox:1",
                "env": [
                    {"name": "A", "value": "1"},
                    {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
                "ports": [{"containerPort": 80, "hostPort": 80, "name": "http"}],
                "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "1Gi"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 3},
                "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
                "securityContext": {"runAsUser": 1, "capabilities": {"add": ["SYS_TIME"]}},
                "volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "s"}],
            }
        ],
        "initContainers": [{"name": "i", "image": "busybox:1", "restartPolicy": "Always"}],
        "volumes": [
            {"name": "v", "emptyDir": {"sizeLimit": "1Mi"}},
            {"name": "p", "projected": {"sources": [{"configMap": {"name": "m"}}]}},
        ],
        "tolerations": [{"key": "k", "operator": "Exists", "tolerationSeconds": 3}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [
                {"key": "x", "operator": "In", "values": ["y"]}]}]}}},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["h"]}],
        "dnsConfig": {"nameservers": ["10.0.0.1"], "options": [{"name": "ndots", "value": "1"}]},
        "terminationGracePeriodSeconds": 5,
        "activeDeadlineSeconds": 10,
    },
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "podIPs": [{"ip": "10.0.0.2"}],
        "containerStatuses": [{"name": "c", "ready": True, "restartCount": 1, "image": "x",
                               "imageID": "y", "state": {"running": {}}}],
    },
}  # fmt: skip
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
OBJECTS = {
    f"{NS}/pods": FULL_POD,
    f"{NS}/configmaps": apiobjects.config_map("web", a="1") | {"binaryData": {"b": "AAEC"}},
    f"{NS}/secrets": {**apiobjects.head("v1", "Secret", "web"), "stringData": {"a": "b"},
                      "data": {"c": "YQ=="}, "type": "Opaque", "immutable": False},
    f"{NS}/serviceaccounts": {**apiobjects.head("v1", "ServiceAccount", "web"),
                              "secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "p"}]},
    f"{NS}/events": {**apiobjects.head("v1", "Event", "web"), "reason": "R", "message": "m",
                     "involvedObject": {"kind": "Pod", "name": "web", "namespace": "default"},
                     "firstTimestamp": "2026-01-01T00:00:00Z", "count": 1, "type": "Normal"},
    LEASES: {**apiobjects.head("coordination.k8s.io/v1", "Lease", "web"),
             "spec": {"holderIdentity": "me", "leaseDurationSeconds": 40,
                      "renewTime": "2026-01-01T00:00:00.000000Z"}},
    "/api/v1/nodes": {**apiobjects.head("v1", "Node", "web"), "status": apiobjects.NODE_STATUS,
                      "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}},
    "/api/v1/namespaces": apiobjects.head("v1", "Namespace", "web"),
    f"{NS}/pods/web/binding": {**apiobjects.head("v1", "Binding", "web"),
                               "target": {"kind": "Node", "name": "n1"}},
    f"{NS}/pods/web/eviction": {**apiobjects.head("policy/v1", "Eviction", "web"),
                                "deleteOptions": {"gracePeriodSeconds": 1}},
    f"{NS}/serviceaccounts/default/token": {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"expirationSeconds": 600, "audiences": ["a"],
                 "boundObjectRef": {"kind": "Pod", "name": "web"}}},
    "/apis/authorization.k8s.io/v1/subjectaccessreviews": {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": "u", "groups": ["g"],
                 "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "d"}}},
    "/apis/authentication.k8s.io/v1/tokenreviews": {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {"token": "x.y.z", "audiences": ["a"]}},
}  # fmt: skip
"""An object that is right for each place where objects are made."""

STORED = [path for path, body in OBJECTS.items() if path.count("/web/") == 0 and path in {
    *(f"{NS}/{name}" for name in ("pods", "configmaps", "secrets", "serviceaccounts", "events")),
    LEASES, "/api/v1/nodes", "/api/v1/namespaces"}]  # fmt: skip
ODD = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([2**31, 2**63, -(2**70)])
    | st.floats() | st.text(max_size=6)
    | st.sampled_from(["", "x" * 300, "1Ei", "-1", "../..", "True", "web", "2026-13-01T00:00:00Z"])
    | st.sampled_from([[], {}, [[]], [None], [{}], {"": None}, {"a": {}}, [1, "a", {}]])
)  # fmt: skip
DIRECTIVES = st.sampled_from(
    [
        {"$patch": "delete"}, {"$patch": "replace"}, {"$patch": "merge"}, {"$patch": 1},
        {"$retainKeys": ["a"]}, {"$setElementOrder/containers": [{"name": "c"}, {"name": "z"}]},
        {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"$unknown": True},
        {"$setElementOrder/env": "x"}, {"$patch": "delete", "name": "c"},
    ]
)  # fmt: skip


def places(value, at=()):
    """Every path in a value."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(
        value, list) else ()  # fmt: skip
    for key, one in inner:
        yield from places(one, (*at, key))


@st.composite
def spoilt(draw, body):
    """The object with one to three things otherwise."""
    made = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from([*places(made)][1:]))
        parent = made
        for key in at[:-1]:
            parent = parent[key]
        match draw(st.sampled_from(["replace", "replace", "remove", "add", "twice"])):
            case "replace":
                parent[at[-1]] = copy.deepcopy(draw(ODD))
            case "remove":
                del parent[at[-1]]
            case "add" if isinstance(parent, dict):
                parent[draw(st.sampled_from(["colour", "name", "", "a/b", "uid"]))] = (
                    copy.deepcopy(draw(ODD))
                )
            case _ if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[at[-1]]))
        if not made:
            break
    return made


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A server on which nothing changes by itself."""
    with apirun.running(tmp_path_factory.mktemp("odd"), controllers="none") as running:
        yield running


@pytest.fixture(scope="module")
def client(still):
    made = apirun.client(still)
    for path in STORED:
        made.ask("POST", path, OBJECTS[path])
    yield made
    made.close()


def judged(client, still, method, path, body, media="application/json"):
    """Send it; what is stored changes only where it is taken, and an object stays readable."""
    before = client.get(f"{NS}/configmaps", limit="1")["metadata"]["resourceVersion"]
    reply = client.ask(method, path, body, headers={"Content-Type": media})
    told = f"{method} {path} {media} {body}: {reply.code} {reply.raw[:600]!r}"
    assert reply.code < 500, told + still.story()
    if reply.code >= 400:
        after = client.get(f"{NS}/configmaps", limit="1")["metadata"]["resourceVersion"]
        assert after == before, f"refused, and yet something changed: {told}"
        status = reply.body
        assert (status["kind"], status["code"]) == ("Status", reply.code), told
        assert status["message"], told
    hypothesis.event(f"{method} {reply.code}")
    return reply


@pytest.mark.parametrize("path", OBJECTS)
@hypothesis.settings(COMMON, max_examples=20 * MORE)
@hypothesis.given(st.data())
def test_what_is_made_is_right_or_refused(client, still, path, data):
    body = data.draw(spoilt(OBJECTS[path]))
    query = data.draw(st.sampled_from(["", "?dryRun=All", "?fieldValidation=Strict"]))
    reply = judged(client, still, "POST", path + query, json.dumps(body))
    if reply.code == 201 and path in STORED and not query:
        client.ask("DELETE", f"{path}/{reply.name}", query={"gracePeriodSeconds": "0"})
        client.ask("POST", path, OBJECTS[path])


@pytest.mark.parametrize("path", STORED)
@hypothesis.settings(COMMON, max_examples=10 * MORE)
@hypothesis.given(st.data())
def test_what_is_replaced_is_right_or_refused(client, still, path, data):
    below = data.draw(st.sampled_from(["", "", "/status"]))
    body = data.draw(spoilt(OBJECTS[path]))
    judged(client, still, "PUT", f"{path}/web{below}", json.dumps(body))


@pytest.mark.parametrize("path", STORED)
@pytest.mark.parametrize("kind", ["merge-patch+json", "strategic-merge-patch+json"])
@hypothesis.settings(COMMON, max_examples=10 * MORE)
@hypothesis.given(st.data())
def test_patches_are_right_or_refused(client, still, path, kind, data):
    body = data.draw(spoilt(OBJECTS[path]))
    if data.draw(st.booleans()):
        inner = [one for _, one in _maps(body)]
        data.draw(st.sampled_from(inner)).update(copy.deepcopy(data.draw(DIRECTIVES)))
    below = data.draw(st.sampled_from(["", "/status"]))
    judged(client, still, "PATCH", f"{path}/web{below}", json.dumps(body), f"application/{kind}")
    assert client.ask("GET", path).code == 200


def _maps(value, at=()):
    if isinstance(value, dict):
        yield at, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(
        value, list) else ()  # fmt: skip
    for key, one in inner:
        yield from _maps(one, (*at, key))


@hypothesis.settings(COMMON, max_examples=60 * MORE)
@hypothesis.given(st.data())
def test_json_patches_are_right_or_refused(client, still, data):
    path = data.draw(st.sampled_from(STORED))
    paths = ["/" + "/".join(map(str, at)) for at in places(OBJECTS[path])]
    pointer = st.sampled_from(paths) | st.sampled_from(
        ["", "/", "x", "/spec/containers/-", "/spec/containers/7", "/metadata/labels/a~1b", "/~2"]
    )
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "jump"]),
         "path": pointer},
        optional={"value": ODD, "from": pointer},
    )  # fmt: skip
    body = data.draw(st.lists(operation, max_size=4))
    media = "application/json-patch+json"
    judged(client, still, "PATCH", f"{path}/web", json.dumps(body), media)


@hypothesis.settings(COMMON, max_examples=60 * MORE)
@hypothesis.given(st.data())
def test_applied_objects_are_right_or_refused(client, still, data):
    path = data.draw(st.sampled_from(STORED))
    body = data.draw(spoilt(OBJECTS[path]))
    manager = data.draw(st.sampled_from(["fieldManager=me", "fieldManager=you&force=true", ""]))
    media = "application/apply-patch+yaml"
    judged(client, still, "PATCH", f"{path}/web?{manager}", json.dumps(body), media)


def test_all_of_it_can_still_be_read(client):
    table = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    for path in STORED:
        assert client.ask("GET", path).code == 200
        assert client.ask("GET", path, headers=table).body["kind"] == "Table"
