"""`kubectl delete` in all its ways, and `kubectl wait`."""

from __future__ import annotations

import json

import pytest

from staticlet.testing import apiobjects
from staticlet.testing.until import until

HELD = {"finalizers": ["example.com/hold"]}


def test_what_is_deleted_is_gone(each_kubectl, make):
    make("configmaps", apiobjects.config_map("cm"))
    printed = each_kubectl("delete", "configmap", "cm")
    assert printed.startswith('configmap "cm" deleted')
    said = each_kubectl.refused("delete", "configmap", "cm")
    assert said == 'Error from server (NotFound): configmaps "cm" not found\n'
    assert each_kubectl("delete", "configmap", "cm", "--ignore-not-found") == ""


def test_a_pod_that_no_node_has_goes_at_once(each_kubectl, make):
    make("pods", apiobjects.homeless("web"))
    each_kubectl("delete", "pod", "web", "--now")
    make("pods", apiobjects.homeless("web"))
    forced = each_kubectl.run("delete", "pod", "web", "--force", status=0)
    assert "Immediate deletion does not wait for confirmation" in forced.err
    assert forced.out.startswith('pod "web" force deleted')
    assert "not found" in each_kubectl.refused("get", "pod", "web")


@pytest.mark.usefixtures("node")
def test_a_pod_of_a_node_waits_for_its_node(kubectl, api, make, ns):
    make("pods", apiobjects.pod("web", node="n1"))
    kubectl("delete", "pod", "web", "--grace-period=20", "--wait=false")
    waiting = kubectl.json("get", "pod", "web")["metadata"]
    assert waiting["deletionGracePeriodSeconds"] == 20
    assert waiting["deletionTimestamp"]
    assert kubectl("get", "pod", "web", "--no-headers").split()[2] == "Terminating"
    deleting = kubectl.start("delete", "pod", "web", "--now")
    until(
        lambda: kubectl.json("get", "pod", "web")["metadata"]["deletionGracePeriodSeconds"] == 1,
        "the grace is shortened to a second",
    )
    assert deleting.poll() is None
    api.delete(f"/api/v1/namespaces/{ns}/pods/web", gracePeriodSeconds="0")
    said, _ = deleting.communicate(timeout=10)
    assert said.startswith('pod "web" deleted')
    assert deleting.returncode == 0


def test_all_of_a_kind_and_by_label(each_kubectl, make):
    for name, colour in (("a", "red"), ("b", "red"), ("c", "blue")):
        body = apiobjects.config_map(name)
        body["metadata"]["labels"] = {"colour": colour}
        make("configmaps", body)
    each_kubectl("delete", "configmaps", "-l", "colour=red")
    left = each_kubectl("get", "configmaps", "-l", "colour", "-o", "name")
    assert left == "configmap/c\n"
    each_kubectl("delete", "configmaps", "--all")
    assert each_kubectl("get", "configmaps", "-l", "colour", "-o", "name") == ""


def test_every_cascade_is_taken(kubectl, make):
    for cascade in ("background", "foreground", "orphan"):
        make("configmaps", apiobjects.config_map("cm"))
        kubectl("delete", "configmap", "cm", f"--cascade={cascade}", "--timeout=10s")
        assert "not found" in kubectl.refused("get", "configmap", "cm")


def test_an_owner_in_the_foreground_goes_last(kubectl, api, make, ns):
    owner = make("configmaps", apiobjects.config_map("owner"))["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    owned = apiobjects.config_map("owned")
    owned["metadata"] |= {"ownerReferences": [{**reference, "blockOwnerDeletion": True}], **HELD}
    make("configmaps", owned)
    kubectl("delete", "configmap", "owner", "--cascade=foreground", "--wait=false")
    path = f"/api/v1/namespaces/{ns}/configmaps"
    until(lambda: "deletionTimestamp" in api.get(f"{path}/owned")["metadata"], "it is to go, too")
    assert api.get(f"{path}/owner")["metadata"]["finalizers"] == ["foregroundDeletion"]
    waiting = kubectl.start("wait", "--for=delete", "configmap/owner", "--timeout=10s")
    kubectl(
        "patch", "configmap", "owned", "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )
    waiting.communicate(timeout=20)
    assert waiting.returncode == 0
    assert api.ask("GET", f"{path}/owned").code == 404


def test_what_is_left_behind_has_no_owner_any_more(kubectl, api, make, ns):
    owner = make("configmaps", apiobjects.config_map("owner"))["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    owned = apiobjects.config_map("owned")
    make("configmaps", {**owned, "metadata": {"name": "owned", "ownerReferences": [reference]}})
    kubectl("delete", "configmap", "owner", "--cascade=orphan", "--timeout=10s")
    assert "ownerReferences" not in kubectl.json("get", "configmap", "owned")["metadata"]


def test_what_has_a_finalizer_stays_until_it_is_let_go(kubectl, make):
    body = apiobjects.config_map("held")
    make("configmaps", {**body, "metadata": {"name": "held", **HELD}})
    kubectl("delete", "configmap", "held", "--wait=false")
    assert kubectl.json("get", "configmap", "held")["metadata"]["deletionTimestamp"]
    said = kubectl.refused("wait", "--for=delete", "configmap/held", "--timeout=1s")
    assert "timed out waiting for the condition" in said
    kubectl("patch", "configmap", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert "not found" in kubectl.refused("get", "configmap", "held")


def test_a_namespace_takes_its_content_along(kubectl, api, make, ns):
    make("configmaps", apiobjects.config_map("cm"))
    make("pods", apiobjects.homeless("web"))
    kubectl("delete", "namespace", ns, "--timeout=20s")
    assert api.ask("GET", f"/api/v1/namespaces/{ns}/configmaps/cm").code == 404
    assert api.ask("GET", f"/api/v1/namespaces/{ns}/pods/web").code == 404
    said = kubectl.refused("delete", "namespace", "kube-system")
    assert "(Forbidden)" in said
    assert "this namespace may not be deleted" in said


def test_wait_sees_a_condition(each_kubectl, api, make, ns):
    make("pods", apiobjects.pod("web"))
    path = f"/api/v1/namespaces/{ns}/pods/web/status"
    said = each_kubectl.refused("wait", "--for=condition=Ready", "pod/web", "--timeout=1s")
    assert "timed out waiting for the condition on pods/web" in said
    waiting = each_kubectl.start("wait", "--for=condition=Ready", "pod/web", "--timeout=20s")
    api.patch(path, apiobjects.running())
    assert waiting.communicate(timeout=20)[0] == "pod/web condition met\n"
    assert each_kubectl("wait", "--for=jsonpath={.status.phase}=Running", "pod/web") == (
        "pod/web condition met\n"
    )


def test_wait_sees_a_deletion_and_a_creation(kubectl, api, make, ns):
    make("pods", apiobjects.homeless("web"))
    waiting = kubectl.start("wait", "--for=delete", "pod/web", "--timeout=20s")
    until(lambda: waiting.poll() is None, "kubectl waits")
    api.delete(f"/api/v1/namespaces/{ns}/pods/web")
    said = waiting.communicate(timeout=20)[0]
    assert waiting.returncode == 0
    assert said in {"pod/web condition met\n", ""}
    waiting = kubectl.start("wait", "--for=create", "configmap/later", "--timeout=20s")
    make("configmaps", apiobjects.config_map("later"))
    assert waiting.communicate(timeout=20)[0] == "configmap/later condition met\n"


def test_deleting_by_file_names_each(kubectl):
    both = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [apiobjects.config_map("a"), apiobjects.homeless("b")],
    }
    kubectl("create", "-f", "-", stdin=json.dumps(both))
    printed = kubectl("delete", "-f", "-", stdin=json.dumps(both))
    assert [line.split()[:2] for line in printed.splitlines()] == [
        ["configmap", '"a"'],
        ["pod", '"b"'],
    ]
