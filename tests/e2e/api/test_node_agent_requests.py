"""What a kubelet of today asks, in its words and with its certificate, and must be answered.

The kubelet that the machine can build is an old one; later ones stream their lists, sweep resource
slices and have tokens made for pods. Their requests are played here by hand.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from staticlet.testing import apiclient, apiloop, apiobjects, apirun, apiserver
from staticlet.testing.until import until

NODE = apiserver.NODE
POD_LIST = "/api/v1/pods"
OF_NODE = {"fieldSelector": f"spec.nodeName={NODE}"}
ITSELF = {"fieldSelector": f"metadata.name={NODE}"}
BOTH = {"Accept": "application/vnd.kubernetes.protobuf,application/json"}
STREAMED = {
    "allowWatchBookmarks": "true",
    "resourceVersionMatch": "NotOlderThan",
    "sendInitialEvents": "true",
    "timeoutSeconds": "300",
}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
CSI_NODES = "/apis/storage.k8s.io/v1/csinodes"
REVIEWS = "/apis/authentication.k8s.io/v1"
WATCHED = [
    (POD_LIST, OF_NODE),
    ("/api/v1/nodes", ITSELF),
    ("/api/v1/services", {}),
    ("/apis/node.k8s.io/v1/runtimeclasses", {}),
    ("/apis/storage.k8s.io/v1/csidrivers", {}),
]
"""What it keeps a copy of."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def kubelet(server: apiserver.ApiProcess) -> Iterator[apiclient.Client]:
    """The node's client: by its certificate, as node.conf has it."""
    trust = apiloop.trusting(server.options.state_dir, server.node_kubeconfig)
    client = apiclient.Client(host="127.0.0.1", port=apirun.port(server), tls=trust)
    yield client
    client.close()


@pytest.fixture(scope="module")
def itself(kubelet: apiclient.Client) -> dict[str, Any]:
    """The node, registered and ready."""
    kubelet.create("/api/v1/nodes", apiobjects.head("v1", "Node", NODE, labels=labels()))
    status = {"status": apiobjects.NODE_STATUS}
    made: dict[str, Any] = kubelet.patch(
        f"/api/v1/nodes/{NODE}/status", status, kind="strategic-merge"
    )
    return made


@pytest.fixture
def bound(api, itself, ns):
    """Makes pods on the node, as the scheduler would have bound them."""

    def made(**spec: Any) -> Any:
        body = apiobjects.pod(f"p{next(_numbers)}", node=NODE)
        body["spec"] |= spec
        return api.create(f"/api/v1/namespaces/{ns}/pods", body)

    return made


def labels():
    return {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}


def path_of(pod):
    meta = pod["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"


def until_initial_end(events):
    """The events up to the bookmark that ends what was there already, and that bookmark."""
    told = []
    for event in events:
        if event["type"] == "BOOKMARK":
            return told, event["object"]
        told.append(event)
    raise AssertionError(f"no bookmark after {told}")


def refused(reply, code, reason):
    assert (reply.code, reply.body["kind"], reply.body["reason"]) == (code, "Status", reason)
    return reply.body["message"]


@pytest.mark.parametrize(("path", "query"), WATCHED, ids=[path for path, _ in WATCHED])
def test_lists_are_streamed(kubelet, itself, path, query):
    with kubelet.watching(path, **query, **STREAMED) as events:
        told, bookmark = until_initial_end(events)
    assert all(event["type"] == "ADDED" for event in told)
    assert bookmark["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"
    assert int(bookmark["metadata"]["resourceVersion"]) > 0
    if "nodes" in path:
        assert [event["object"]["metadata"]["name"] for event in told] == [NODE]


@pytest.mark.parametrize(("path", "query"), WATCHED, ids=[path for path, _ in WATCHED])
def test_lists_are_answered_in_one_piece_too_and_watched_from_there(kubelet, itself, path, query):
    page = {"limit": "500", "resourceVersion": "0"}
    reply = kubelet.ask("GET", path, headers=BOTH, query={**query, **page})
    assert reply.code == 200
    assert reply.headers["content-type"] == "application/json"
    assert isinstance(reply.body["items"], list)
    after = {"resourceVersion": reply.version, "allowWatchBookmarks": "true"}
    with kubelet.watching(path, **query, **after, timeoutSeconds="1") as events:
        assert {event["type"] for event in events} <= {"ADDED", "MODIFIED", "BOOKMARK"}


def test_a_pod_that_is_bound_to_the_node_comes_over_its_watch(kubelet, bound):
    with kubelet.watching(POD_LIST, **OF_NODE, **STREAMED) as events:
        until_initial_end(events)
        pod = bound()
        event = next(event for event in events if event["type"] != "BOOKMARK")
    assert event["type"] == "ADDED"
    assert event["object"]["metadata"]["uid"] == pod["metadata"]["uid"]


def test_all_pods_and_all_nodes_are_not_shown_to_it(kubelet, itself):
    said = refused(kubelet.ask("GET", POD_LIST), 403, "Forbidden")
    assert "can only list/watch pods with spec.nodeName field selector" in said
    refused(kubelet.ask("GET", "/api/v1/nodes"), 403, "Forbidden")


def test_a_node_that_is_there_is_taken_up_again(kubelet, itself):
    again = apiobjects.head("v1", "Node", NODE, labels=labels())
    refused(kubelet.ask("POST", "/api/v1/nodes", again), 409, "AlreadyExists")
    path = f"/api/v1/nodes/{NODE}"
    found = kubelet.ask("GET", path, query={"resourceVersion": "0"}).body
    assert found["metadata"]["uid"] == itself["metadata"]["uid"]
    beat = "2026-02-01T00:00:00Z"
    patch = {
        "status": {
            "$setElementOrder/conditions": [{"type": "Ready"}],
            "conditions": [{"type": "Ready", "lastHeartbeatTime": beat}],
            "runtimeHandlers": [{"name": "", "features": {"userNamespaces": True}}],
            "features": {"supplementalGroupsPolicy": True},
        }
    }
    patched = kubelet.patch(f"{path}/status", patch, kind="strategic-merge")
    (condition,) = patched["status"]["conditions"]
    assert (condition["lastHeartbeatTime"], condition["status"]) == (beat, "True")
    assert patched["status"]["features"] == {"supplementalGroupsPolicy": True}


def test_a_lease_is_made_and_renewed(kubelet, itself):
    path = f"{LEASES}/{NODE}"
    refused(kubelet.ask("GET", path), 404, "NotFound")
    owner = {"apiVersion": "v1", "kind": "Node", "name": NODE, "uid": itself["metadata"]["uid"]}
    lease = apiobjects.head("coordination.k8s.io/v1", "Lease", NODE, ownerReferences=[owner])
    lease["spec"] = {
        "holderIdentity": NODE,
        "leaseDurationSeconds": 40,
        "renewTime": "2026-01-01T00:00:00.000000Z",
    }
    first = kubelet.create(LEASES, lease)
    renewed = {**first, "spec": {**first["spec"], "renewTime": "2026-01-01T00:00:10.000000Z"}}
    second = kubelet.ask("PUT", path, renewed)
    assert second.code == 200
    assert second.body["spec"] == renewed["spec"]
    assert second.version != first["metadata"]["resourceVersion"]
    refused(kubelet.ask("PUT", path, renewed), 409, "Conflict")


def test_its_csi_node_is_made_and_changed(kubelet, itself):
    refused(kubelet.ask("GET", f"{CSI_NODES}/{NODE}"), 404, "NotFound")
    owner = {"apiVersion": "v1", "kind": "Node", "name": NODE, "uid": itself["metadata"]["uid"]}
    body = apiobjects.head("storage.k8s.io/v1", "CSINode", NODE, ownerReferences=[owner])
    made = kubelet.create(CSI_NODES, {**body, "spec": {"drivers": None}})
    driver = {"name": "csi.example.com", "nodeID": NODE, "topologyKeys": None}
    changed = kubelet.ask("PUT", f"{CSI_NODES}/{NODE}", {**made, "spec": {"drivers": [driver]}})
    assert changed.code == 200
    assert changed.body["spec"]["drivers"][0]["name"] == "csi.example.com"


def test_resource_slices_of_the_node_are_swept_away(kubelet, itself):
    path = "/apis/resource.k8s.io/v1/resourceslices"
    reply = kubelet.ask("DELETE", path, query=OF_NODE)
    assert reply.code == 200
    refused(kubelet.ask("DELETE", path), 403, "Forbidden")


def test_a_status_is_written_to_the_pod_that_was_meant(kubelet, bound):
    pod = bound()
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    patch = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
    path = f"{path_of(pod)}/status"
    patched = kubelet.patch(path, patch, kind="strategic-merge")
    assert patched["status"]["phase"] == "Running"
    other = {"metadata": {"uid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}, "status": status}
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    reply = kubelet.ask("PATCH", path, other, headers=headers)
    assert "Precondition failed: UID in precondition" in refused(reply, 409, "Conflict")


def test_a_pod_that_has_ended_is_removed_by_its_node(kubelet, api, bound):
    pod = bound()
    uid = {"uid": pod["metadata"]["uid"]}
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
    wrong = {**options, "preconditions": {"uid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}}
    api.delete(path_of(pod))
    refused(kubelet.ask("DELETE", path_of(pod), wrong), 409, "Conflict")
    assert kubelet.ask("DELETE", path_of(pod), {**options, "preconditions": uid}).code == 200
    assert api.ask("GET", path_of(pod)).code == 404


def test_a_token_is_made_for_a_pod_and_ends_with_it(kubelet, api, bound, server):
    source = {"serviceAccountToken": {"path": "token", "audience": "vault"}}
    pod = bound(volumes=[{"name": "token", "projected": {"sources": [source]}}])
    meta = pod["metadata"]
    account = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/default"
    ref = {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]}
    spec = {"audiences": ["vault"], "expirationSeconds": 3607, "boundObjectRef": ref}
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    reply = kubelet.ask("POST", f"{account}/token", asked)
    assert reply.code == 201
    assert reply.body["status"]["expirationTimestamp"]

    def review() -> dict[str, Any]:
        body = {"spec": {"token": reply.body["status"]["token"], "audiences": ["vault"]}}
        head = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
        found = kubelet.create(f"{REVIEWS}/tokenreviews", {**head, **body})
        return dict(found["status"])

    status = review()
    assert status["authenticated"] is True
    assert status["user"]["username"] == f"system:serviceaccount:{meta['namespace']}:default"
    assert status["user"]["extra"]["authentication.kubernetes.io/pod-name"] == [meta["name"]]
    elsewhere = {**asked, "spec": {**spec, "audiences": ["bank"]}}
    refused(kubelet.ask("POST", f"{account}/token", elsewhere), 403, "Forbidden")
    api.delete(path_of(pod), gracePeriodSeconds="0")
    until(lambda: not review().get("authenticated"), "the token ends with the pod")


def test_what_its_pods_refer_to_is_read_and_watched_by_name(kubelet, make, bound, ns):
    make("configmaps", apiobjects.config_map("settings", color="blue"))
    make("configmaps", apiobjects.config_map("private"))
    path = f"/api/v1/namespaces/{ns}/configmaps"
    one = {"fieldSelector": "metadata.name=settings"}
    refused(kubelet.ask("GET", f"{path}/settings"), 403, "Forbidden")
    bound(volumes=[{"name": "v", "configMap": {"name": "settings"}}])
    with kubelet.watching(path, **one, **STREAMED) as events:
        told, _ = until_initial_end(events)
    assert [event["object"]["data"] for event in told] == [{"color": "blue"}]
    assert kubelet.ask("GET", path, query=one).body["items"][0]["data"] == {"color": "blue"}
    refused(kubelet.ask("GET", f"{path}/private"), 403, "Forbidden")
    refused(kubelet.ask("GET", path), 403, "Forbidden")


def test_events_are_recorded_and_counted_up(kubelet, bound, ns):
    pod = bound()
    path = f"/api/v1/namespaces/{ns}/events"
    made = kubelet.create(path, apiobjects.event("e.1", pod, "Pulled", "it is here"))
    name = made["metadata"]["name"]
    again = {"count": 2, "lastTimestamp": "2026-01-01T00:00:09Z", "message": "it is here"}
    patched = kubelet.patch(f"{path}/{name}", again, kind="strategic-merge")
    assert patched["count"] == 2
    absent = kubelet.ask(
        "PATCH",
        f"{path}/forgotten",
        again,
        headers={"Content-Type": "application/strategic-merge-patch+json"},
    )
    refused(absent, 404, "NotFound")
    newer = {
        **apiobjects.head("events.k8s.io/v1", "Event", "e.2", namespace=ns),
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "kubelet",
        "reportingInstance": NODE,
        "action": "Pulling",
        "reason": "Pulled",
        "note": "it is here",
        "type": "Normal",
        "regarding": made["involvedObject"],
    }
    kubelet.create(f"/apis/events.k8s.io/v1/namespaces/{ns}/events", newer)


def test_it_asks_who_may_use_its_own_api(kubelet, server):
    asked = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "admin",
            "groups": ["system:masters"],
            "resourceAttributes": {
                "verb": "get",
                "version": "v1",
                "resource": "nodes",
                "subresource": "pods",
                "name": NODE,
            },
        },
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert kubelet.create(path, asked)["status"]["allowed"] is True
    asked["spec"] |= {"user": "nobody", "groups": []}
    assert kubelet.create(path, asked)["status"]["allowed"] is False
