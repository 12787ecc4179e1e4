"""What controllers do, seen from outside: by kubectl and plain requests, with nodes by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from staticlet.apiserver.controllers import registry
from staticlet.testing import apiobjects, apirun, apiserver
from staticlet.testing.kubectl import rows, section
from staticlet.testing.until import lasts, until

NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
HOLD = "example.com/hold"


def owned_by(kind, owner, **more):
    meta = owner["metadata"]
    return {"apiVersion": "v1", "kind": kind, "name": meta["name"], "uid": meta["uid"], **more}


def patched_status(api, name, ready):
    (said,) = apiobjects.NODE_STATUS["conditions"]
    status = {**apiobjects.NODE_STATUS, "conditions": [{**said, "status": ready}]}
    api.patch(f"{NODES}/{name}/status", {"status": status})


@pytest.fixture
def bare_node(api):
    """A node that has said nothing yet, and is the only one."""
    api.create(NODES, apiobjects.head("v1", "Node", "later"))
    yield "later"
    api.ask("DELETE", f"{NODES}/later")


@pytest.fixture
def node1(server):
    """What the agent of node1 is allowed."""
    client = apirun.client(server, apiserver.TOKENS["node"])
    yield client
    client.close()


def test_a_pod_is_bound_once_its_node_is_ready(kubectl, api, bare_node):
    patched_status(api, bare_node, "False")
    kubectl("run", "web", "--image=busybox:1")
    why = "0/1 nodes are available"
    until(lambda: why in kubectl("describe", "pod", "web"), "an event says why it waits")
    assert kubectl.json("get", "pod", "web")["spec"].get("nodeName", "") == ""
    patched_status(api, bare_node, "True")
    until(lambda: kubectl.json("get", "pod", "web")["spec"].get("nodeName"), "web is bound")
    told = section(kubectl("describe", "pod", "web"), "Events").splitlines()
    reasons = [line.split()[1] for line in told[3:]]
    assert reasons == ["FailedScheduling", "Scheduled"]
    (condition,) = kubectl.json("get", "pod", "web")["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("PodScheduled", "True")


def test_scheduling_is_told_as_kube_scheduler_tells_it(kubectl, api, bare_node):
    patched_status(api, bare_node, "True")
    kubectl("run", "web", "--image=busybox:1")
    query = ("get", "events.v1.events.k8s.io", "--field-selector=reason=Scheduled")
    (event,) = until(lambda: kubectl.json(*query)["items"], "the event of the binding")
    assert event["action"] == "Binding"
    assert event["reportingController"] == "default-scheduler"
    assert event["eventTime"]
    assert event["deprecatedFirstTimestamp"] is None
    assert "deprecatedCount" not in event
    (row,) = rows(kubectl("get", "events", "--field-selector=reason=Scheduled"))
    assert (row["TYPE"], row["OBJECT"]) == ("Normal", "pod/web")
    assert row["LAST SEEN"][0].isdigit()
    assert "default-scheduler" in section(kubectl("describe", "pod", "web"), "Events")


def test_a_namespace_is_held_by_what_has_a_finalizer(kubectl, make, api, ns):
    held = apiobjects.config_map("held")
    held["metadata"]["finalizers"] = [HOLD]
    make("configmaps", held)
    make("secrets", apiobjects.head("v1", "Secret", "free"))
    kubectl("delete", "namespace", ns, "--wait=false")
    until(lambda: api.ask("GET", f"/api/v1/namespaces/{ns}/secrets/free").code == 404, "free goes")
    row = kubectl("get", "namespace", ns, "--no-headers").split()
    assert row[1] == "Terminating"
    said = kubectl.refused("create", "configmap", "more")
    assert f"unable to create new content in namespace {ns}" in said
    assert api.get(f"/api/v1/namespaces/{ns}")["spec"]["finalizers"] == ["kubernetes"]
    why = f"Some content in the namespace has finalizers remaining: {HOLD} in 1 resource instances"
    until(lambda: why in kubectl("describe", "namespace", ns), "a condition says what holds it")
    kubectl(
        "patch",
        "configmap",
        "held",
        "--type=json",
        "-p",
        '[{"op":"remove","path":"/metadata/finalizers"}]',
    )
    kubectl("wait", "--for=delete", f"namespace/{ns}", "--timeout=10s")


def test_a_namespace_waits_for_the_nodes_to_end_its_pods(kubectl, make, api, ns):
    make("pods", apiobjects.pod("web", node="elsewhere"))
    deleting = kubectl.start("delete", "namespace", ns, "--timeout=15s")
    pod = f"/api/v1/namespaces/{ns}/pods/web"
    until(lambda: api.get(pod)["metadata"].get("deletionTimestamp"), "the pod is to end")
    assert deleting.poll() is None
    api.delete(pod, gracePeriodSeconds="0")
    said, _ = deleting.communicate(timeout=15)
    assert deleting.returncode == 0, said


def test_the_default_account_comes_back(kubectl, ns):
    before = kubectl.json("get", "serviceaccount", "default")["metadata"]["uid"]
    kubectl("delete", "serviceaccount", "default")
    listed = ("get", "serviceaccounts", "-o", "name")
    until(lambda: kubectl(*listed) == "serviceaccount/default\n", "there is one again")
    assert kubectl.json("get", "serviceaccount", "default")["metadata"]["uid"] != before


def test_what_a_node_owns_goes_with_it(kubectl, api, node1, make, ns):
    node = node1.create(NODES, apiobjects.head("v1", "Node", apiserver.NODE))
    of_node = owned_by("Node", node, controller=True)
    mirror = apiobjects.pod("static-node1", node=apiserver.NODE, ownerReferences=[of_node])
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "h"}
    node1.create(f"/api/v1/namespaces/{ns}/pods", mirror)
    lease = apiobjects.head(
        "coordination.k8s.io/v1",
        "Lease",
        apiserver.NODE,
        ownerReferences=[owned_by("Node", node)],
    )
    node1.create(LEASES, lease)
    make("pods", apiobjects.pod("plain", node=apiserver.NODE))
    kubectl("delete", "node", apiserver.NODE)
    until(lambda: kubectl("get", "pods", "-o", "name") == "pod/plain\n", "the mirror pod is gone")
    until(lambda: api.ask("GET", f"{LEASES}/{apiserver.NODE}").code == 404, "the lease is gone")


def test_what_is_owned_goes_when_its_last_owner_does(kubectl, make):
    owners = [make("configmaps", apiobjects.config_map(name)) for name in ("one", "two")]
    owned = apiobjects.config_map("owned")
    owned["metadata"]["ownerReferences"] = [owned_by("ConfigMap", owner) for owner in owners]
    make("configmaps", owned)
    there = ("get", "configmap", "owned", "-o", "name", "--ignore-not-found")
    kubectl("delete", "configmap", "one")
    lasts(lambda: bool(kubectl(*there)), "it has another owner", for_s=0.5)
    kubectl("delete", "configmap", "two")
    until(lambda: not kubectl(*there), "it is gone")


def test_what_is_owned_stays_when_its_owner_is_to_leave_orphans(kubectl, make):
    owner = make("configmaps", apiobjects.config_map("owner"))
    owned = apiobjects.config_map("owned")
    owned["metadata"]["ownerReferences"] = [owned_by("ConfigMap", owner)]
    make("configmaps", owned)
    kubectl("delete", "configmap", "owner", "--cascade=orphan")
    there = ("get", "configmap", "owned", "--ignore-not-found", "-o", "name")
    lasts(lambda: bool(kubectl(*there)), "it stays", for_s=0.5)
    assert "ownerReferences" not in kubectl.json("get", "configmap", "owned")["metadata"]


@pytest.mark.parametrize("off", registry.NAMES)
def test_with_one_controller_off_the_others_go_on(off, tmp_path):
    with apirun.running(tmp_path, controllers=f"*,-{off}") as server:
        api = apirun.client(server)
        try:
            seen = what_controllers_do(api, off)
        finally:
            api.close()
    assert seen == {name: name != off for name in seen}


def what_controllers_do(api, off):
    """Of each controller whose work shows soon, whether it was done."""
    shop = "/api/v1/namespaces/shop"
    api.create("/api/v1/namespaces", apiobjects.head("v1", "Namespace", "shop"))
    if off == "serviceaccount":
        reply = api.ask("POST", f"{shop}/pods", apiobjects.pod("web"))
        assert reply.code == 403
        assert 'serviceaccount "default" not found' in reply.body["message"]
        mine = apiobjects.head("v1", "ServiceAccount", "mine")
        api.create(f"{shop}/serviceaccounts", mine)
    api.create(NODES, apiobjects.head("v1", "Node", apiobjects.NODE))
    api.patch(f"{NODES}/{apiobjects.NODE}/status", {"status": apiobjects.NODE_STATUS})
    owner = api.create(f"{shop}/configmaps", apiobjects.config_map("owner"))
    owned = apiobjects.config_map("owned")
    owned["metadata"]["ownerReferences"] = [owned_by("ConfigMap", owner)]
    api.create(f"{shop}/configmaps", owned)
    pod = apiobjects.pod("web")
    pod["spec"]["serviceAccountName"] = "mine" if off == "serviceaccount" else "default"
    api.create(f"{shop}/pods", pod)
    api.delete(f"{shop}/configmaps/owner")
    api.create("/api/v1/namespaces", apiobjects.head("v1", "Namespace", "leaving"))
    api.delete("/api/v1/namespaces/leaving")
    looks = {
        "serviceaccount": lambda: api.ask("GET", f"{shop}/serviceaccounts/default").code == 200,
        "garbagecollector": lambda: api.ask("GET", f"{shop}/configmaps/owned").code == 404,
        "scheduler": lambda: bool(api.get(f"{shop}/pods/web")["spec"].get("nodeName")),
        "namespace": lambda: api.ask("GET", "/api/v1/namespaces/leaving").code == 404,
    }
    for name, look in looks.items():
        if name != off:
            until(look, f"{name} does its part")
    return {name: look() for name, look in looks.items()}


def test_a_namespace_and_its_pod_are_applied_in_one_go(kubectl):
    both = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                apiobjects.head("v1", "Namespace", "at-once"),
                apiobjects.pod("web", namespace="at-once"),
            ],
        }
    )
    printed = replace(kubectl, namespace="")("apply", "-f", "-", stdin=both)
    assert printed == "namespace/at-once created\npod/web created\n"
