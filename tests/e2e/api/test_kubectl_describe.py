"""`kubectl describe` of every kind, with the events of the object."""

from __future__ import annotations

import pytest

from staticlet.testing import apiobjects
from staticlet.testing.kubectl import section


def line(described, key):
    """The value of a line of the description."""
    for one in described.splitlines():
        name, colon, value = one.partition(":")
        if colon and name == key:
            return value.strip()
    raise AssertionError(f"no {key} in\n{described}")


@pytest.mark.usefixtures("node")
def test_a_pod_with_its_containers_and_events(each_kubectl, api, make, ns):
    made = make("pods", apiobjects.pod("web", node="n1", labels={"app": "web"}))
    api.patch(f"/api/v1/namespaces/{ns}/pods/web/status", apiobjects.running(restarts=3))
    make("events", apiobjects.event("web.1", made, "Started", "Started container c"))
    described = each_kubectl("describe", "pod", "web")
    assert line(described, "Namespace") == ns
    assert line(described, "Service Account") == "default"
    assert line(described, "Status") == "Running"
    assert line(described, "Labels") == "app=web"
    assert line(described, "Node").startswith("n1/")
    assert line(described, "QoS Class") == "BestEffort"
    containers = section(described, "Containers")
    assert line(containers, "    Restart Count") == "3"
    assert line(containers, "    State") == "Running"
    assert "node.kubernetes.io/not-ready:NoExecute op=Exists for 300s" in described
    assert section(described, "Events").splitlines()[-1].split()[0:2] == ["Normal", "Started"]
    assert "Started container c" in section(described, "Events")


def test_a_node_with_its_pods(kubectl, api):
    node = apiobjects.head("v1", "Node", "n2", labels={"kubernetes.io/hostname": "n2"})
    api.create("/api/v1/nodes", {**node, "status": apiobjects.NODE_STATUS})
    api.patch("/api/v1/nodes/n2/status", {"status": apiobjects.NODE_STATUS})
    body = apiobjects.pod("on-n2", node="n2")
    body["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "500m"}}
    api.create("/api/v1/namespaces/default/pods", body)
    described = kubectl("describe", "node", "n2")
    assert line(described, "Roles") == "<none>"
    assert line(described, "Unschedulable") == "false"
    assert "KubeletReady" in section(described, "Conditions")
    assert "InternalIP:  192.0.2.7" in described
    assert "on-n2" in section(described, "Non-terminated Pods")
    assert "500m (25%)" in section(described, "Allocated resources")


def test_a_config_map_shows_its_data(each_kubectl, make):
    make("configmaps", apiobjects.config_map("cm", colour="blue"))
    described = each_kubectl("describe", "configmap", "cm")
    assert "colour:\n----\nblue\n" in described
    assert "BinaryData" in described


def test_a_secret_hides_its_data(kubectl, make):
    make("secrets", {**apiobjects.head("v1", "Secret", "s"), "stringData": {"key": "hidden"}})
    described = kubectl("describe", "secret", "s")
    assert line(described, "Type") == "Opaque"
    assert "key:  6 bytes" in described
    assert "hidden" not in described


def test_a_namespace_and_its_account(kubectl, ns):
    described = kubectl("describe", "namespace", ns)
    assert line(described, "Labels") == f"kubernetes.io/metadata.name={ns}"
    assert line(described, "Status") == "Active"
    described = kubectl("describe", "serviceaccount", "default")
    assert line(described, "Mountable secrets") == "<none>"
    assert line(described, "Tokens") == "<none>"


def test_a_lease_and_an_event(kubectl, api, make, ns):
    lease = apiobjects.head("coordination.k8s.io/v1", "Lease", "l")
    path = f"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases"
    made = api.create(path, {**lease, "spec": {"holderIdentity": "me"}})
    assert line(kubectl("describe", "lease", "l"), "  Holder Identity") == "me"
    make("events", apiobjects.event("e", made, "Held", "somebody holds it"))
    described = kubectl("describe", "event", "e")
    assert line(described, "Reason") == "Held"
    assert line(described, "Message") == "somebody holds it"


def test_describing_what_is_absent_is_an_error(kubectl):
    assert kubectl.refused("describe", "pod", "ghost") == (
        'Error from server (NotFound): pods "ghost" not found\n'
    )


@pytest.mark.usefixtures("ns")
def test_events_are_listed_in_their_order(kubectl, make):
    made = make("configmaps", apiobjects.config_map("cm"))
    make("events", apiobjects.event("a", made, "First", "one"))
    make("events", apiobjects.event("b", made, "Second", "two"))
    head, *rows = kubectl("get", "events").splitlines()
    assert head.split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert {row.split()[2] for row in rows} == {"First", "Second"}
    head, *rows = kubectl("events", "--for", "configmap/cm").splitlines()
    assert head.split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert {row.split()[3] for row in rows} == {"ConfigMap/cm"}
    assert "No events found" in kubectl.run("events", "--for", "pod/ghost").err
    assert "two" in kubectl("get", "events", "--field-selector", "reason=Second")
    v1 = kubectl.json("get", "events.v1.events.k8s.io", "a")
    assert (v1["note"], v1["regarding"]["name"]) == ("one", "cm")
