"""`kubectl get` prints what it prints on a cluster."""

from __future__ import annotations

import time

import pytest

from staticlet.testing import apiobjects
from staticlet.testing.kubectl import rows as rows_of
from staticlet.testing.until import until

pytestmark = pytest.mark.usefixtures("node")


@pytest.fixture
def two(make, api, ns):
    """A pod that runs and one that waits for its container."""
    make("pods", apiobjects.pod("web", node="n1", labels={"app": "web", "tier": "front"}))
    make("pods", apiobjects.pod("db", node="n1", labels={"app": "db"}))
    api.patch(f"/api/v1/namespaces/{ns}/pods/web/status", apiobjects.running(restarts=2))


def names(printed):
    return printed.split()


@pytest.mark.usefixtures("two")
def test_pods_are_a_table(each_kubectl):
    rows = rows_of(each_kubectl("get", "pods"))
    assert [{**row, "AGE": ""} for row in rows] == [
        {"NAME": "db", "READY": "0/1", "STATUS": "Pending", "RESTARTS": "0", "AGE": ""},
        {"NAME": "web", "READY": "1/1", "STATUS": "Running", "RESTARTS": "2", "AGE": ""},
    ]
    assert rows[0]["AGE"].endswith("s")


@pytest.mark.usefixtures("two")
def test_wide_adds_columns(kubectl):
    row = rows_of(kubectl("get", "pods", "web", "-o", "wide"))[0]
    assert (row["IP"], row["NODE"]) == ("10.0.0.9", "n1")
    assert (row["NOMINATED NODE"], row["READINESS GATES"]) == ("<none>", "<none>")


@pytest.mark.usefixtures("two")
def test_all_namespaces_have_a_column(kubectl, ns):
    printed = kubectl("get", "pods", "-A")
    assert printed.splitlines()[0].split()[:2] == ["NAMESPACE", "NAME"]
    assert any(line.split()[:2] == [ns, "web"] for line in printed.splitlines())


@pytest.mark.usefixtures("two")
def test_yaml_and_json_are_the_object(each_kubectl, ns):
    whole = each_kubectl.json("get", "pod", "web")
    assert (whole["apiVersion"], whole["kind"]) == ("v1", "Pod")
    assert "managedFields" not in whole["metadata"]
    assert whole["spec"]["tolerations"]
    assert whole["spec"]["dnsPolicy"] == "ClusterFirst"
    printed = each_kubectl("get", "pod", "web", "-o", "yaml")
    assert printed.startswith("apiVersion: v1\nkind: Pod\nmetadata:\n")
    assert f"  namespace: {ns}\n" in printed
    listed = each_kubectl.json("get", "pods")
    assert (listed["kind"], [item["kind"] for item in listed["items"]]) == ("List", ["Pod", "Pod"])


@pytest.mark.usefixtures("two")
def test_jsonpath_and_custom_columns(kubectl):
    assert names(kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.name}")) == [
        "db",
        "web",
    ]
    printed = kubectl(
        "get", "pods", "-o", "custom-columns=POD:.metadata.name,IMAGE:.spec.containers[0].image"
    )
    assert [line.split() for line in printed.splitlines()] == [
        ["POD", "IMAGE"],
        ["db", "busybox:1"],
        ["web", "busybox:1"],
    ]


@pytest.mark.usefixtures("two")
def test_labels_are_shown_and_selected(kubectl):
    shown = kubectl("get", "pods", "--show-labels")
    assert "app=web,tier=front" in shown
    column = kubectl("get", "pods", "-L", "app")
    assert column.splitlines()[0].split()[-1] == "APP"
    selected = kubectl("get", "pods", "-l", "app in (web),tier", "-o", "name")
    assert names(selected) == ["pod/web"]
    assert names(kubectl("get", "pods", "-l", "app!=web", "-o", "name")) == ["pod/db"]


@pytest.mark.usefixtures("two")
def test_fields_are_selected(kubectl):
    running = kubectl("get", "pods", "--field-selector", "status.phase=Running", "-o", "name")
    assert names(running) == ["pod/web"]
    other = kubectl("get", "pods", "--field-selector", "metadata.name!=web", "-o", "name")
    assert names(other) == ["pod/db"]
    said = kubectl.refused("get", "pods", "--field-selector", "spec.colour=red")
    assert "field label not supported: spec.colour" in said


@pytest.mark.usefixtures("two")
def test_rows_are_sorted_by_a_field(kubectl):
    ordered = kubectl("get", "pods", "--sort-by", ".status.phase", "-o", "name")
    assert names(ordered) == ["pod/db", "pod/web"]
    printed = kubectl("get", "pods", "--sort-by", ".status.containerStatuses[0].restartCount")
    assert len(printed.splitlines()) == 3


@pytest.mark.usefixtures("two")
def test_a_page_at_a_time_gives_everything(kubectl):
    assert names(kubectl("get", "pods", "--chunk-size=1", "-o", "name")) == ["pod/db", "pod/web"]


def test_what_is_absent_is_said(each_kubectl, ns):
    said = each_kubectl.refused("get", "pod", "ghost")
    assert said == 'Error from server (NotFound): pods "ghost" not found\n'
    assert each_kubectl("get", "pod", "ghost", "--ignore-not-found") == ""
    nothing = each_kubectl.run("get", "pods", status=0)
    assert (nothing.out, nothing.err) == ("", f"No resources found in {ns} namespace.\n")
    assert "the server doesn't have a resource type" in each_kubectl.refused("get", "gadgets")


def test_nodes_are_a_table(each_kubectl):
    row = rows_of(each_kubectl("get", "nodes", "-o", "wide"))[0]
    assert (row["NAME"], row["STATUS"], row["ROLES"]) == ("n1", "Ready", "<none>")
    assert (row["VERSION"], row["INTERNAL-IP"]) == ("v1.36.2", "192.0.2.7")
    assert row["CONTAINER-RUNTIME"] == "containerd://1.6.20"


@pytest.mark.parametrize(
    ("resource", "head"),
    [
        ("namespaces", ["NAME", "STATUS", "AGE"]),
        ("configmaps", ["NAME", "DATA", "AGE"]),
        ("serviceaccounts", ["NAME", "AGE"]),
        ("leases", ["NAME", "HOLDER", "AGE"]),
        ("secrets", ["NAME", "TYPE", "DATA", "AGE"]),
    ],
)
def test_every_kind_has_its_columns(kubectl, api, ns, make, resource, head):
    make("configmaps", apiobjects.config_map("cm", a="1"))
    make("secrets", {**apiobjects.head("v1", "Secret", "s"), "stringData": {"k": "v"}})
    lease = apiobjects.head("coordination.k8s.io/v1", "Lease", "l")
    api.create(f"/apis/coordination.k8s.io/v1/namespaces/{ns}/leases", lease)
    printed = until(lambda: kubectl("get", resource), f"{resource} are listed")
    assert printed.splitlines()[0].split() == head


def test_several_kinds_come_one_after_the_other(kubectl, make):
    make("configmaps", apiobjects.config_map("cm"))
    make("pods", apiobjects.pod("web", node="n1"))
    printed = kubectl("get", "configmap/cm", "pod/web", "-o", "name")
    assert names(printed) == ["configmap/cm", "pod/web"]
    assert "pod/web" in kubectl("get", "pods,configmaps")


def test_a_watch_prints_what_happens(kubectl, api, make, ns):
    make("configmaps", apiobjects.config_map("first", a="1"))
    selected = ("--field-selector", "metadata.name=first", "--output-watch-events")
    watching = kubectl.start("get", "configmaps", "-w", "--request-timeout=4s", *selected)
    lines = iter(watching.stdout.readline, "")
    try:
        assert next(lines).split()[:3] == ["EVENT", "NAME", "DATA"]
        assert next(lines).split()[:3] == ["ADDED", "first", "1"]
        api.patch(f"/api/v1/namespaces/{ns}/configmaps/first", {"data": {"b": "2"}})
        assert next(lines).split()[:3] == ["MODIFIED", "first", "2"]
        api.delete(f"/api/v1/namespaces/{ns}/configmaps/first")
        assert next(lines).split()[:3] == ["DELETED", "first", "2"]
    finally:
        watching.kill()
        watching.communicate()


def test_an_age_is_that_of_the_object(kubectl, make):
    began = time.monotonic()
    make("configmaps", apiobjects.config_map("cm"))
    age = kubectl("get", "configmap", "cm", "--no-headers").split()[-1]
    assert int(age.removesuffix("s")) <= time.monotonic() - began + 1
