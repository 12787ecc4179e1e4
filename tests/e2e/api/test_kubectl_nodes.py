"""`kubectl cordon`, `taint` and `drain`, and what they do to new pods."""

from __future__ import annotations

import pytest

from staticlet.testing import apiobjects
from staticlet.testing.until import lasts, until


@pytest.fixture(autouse=True)
def _ready(node, api):
    """Every test begins with a node that takes pods."""
    api.patch("/api/v1/nodes/n1", {"spec": {"unschedulable": None, "taints": None}})


def bound(kubectl, name):
    return kubectl.json("get", "pod", name)["spec"].get("nodeName", "")


def unscheduled(kubectl, name):
    """Why the scheduler left a pod; empty while it did not say."""
    conditions = kubectl.json("get", "pod", name)["status"].get("conditions", [])
    found = [one for one in conditions if one["type"] == "PodScheduled"]
    return found[0].get("message", "") if found else ""


def test_a_cordoned_node_takes_no_new_pods(each_kubectl):
    assert each_kubectl("cordon", "n1") == "node/n1 cordoned\n"
    assert each_kubectl("cordon", "n1") == "node/n1 already cordoned\n"
    row = each_kubectl("get", "node", "n1", "--no-headers").split()
    assert row[1] == "Ready,SchedulingDisabled"
    each_kubectl("run", "web", "--image=busybox:1")
    why = until(lambda: unscheduled(each_kubectl, "web"), "web is left, with a reason")
    assert why.startswith("0/1 nodes are available: 1 node(s) were unschedulable.")
    assert each_kubectl("uncordon", "n1") == "node/n1 uncordoned\n"
    until(lambda: bound(each_kubectl, "web") == "n1", "web is bound once the node takes pods")


def test_a_taint_keeps_pods_away_that_do_not_tolerate_it(kubectl, make):
    assert kubectl("taint", "node", "n1", "only=gpu:NoSchedule") == "node/n1 tainted\n"
    kubectl("run", "web", "--image=busybox:1")
    why = until(lambda: unscheduled(kubectl, "web"), "web is left, with a reason")
    assert "1 node(s) had untolerated taint {only: gpu}" in why
    tolerant = apiobjects.pod("tolerant")
    tolerant["spec"]["tolerations"] = [{"key": "only", "operator": "Exists"}]
    make("pods", tolerant)
    until(lambda: bound(kubectl, "tolerant") == "n1", "a pod that tolerates it is bound")
    assert kubectl("taint", "node", "n1", "only-") == "node/n1 untainted\n"
    until(lambda: bound(kubectl, "web") == "n1", "web is bound once the taint is gone")


def test_a_selector_must_fit_the_node(kubectl, make):
    picky = apiobjects.pod("picky")
    picky["spec"]["nodeSelector"] = {"disk": "fast"}
    make("pods", picky)
    why = until(lambda: unscheduled(kubectl, "picky"), "picky is left, with a reason")
    assert "1 node(s) didn't match Pod's node affinity/selector" in why
    kubectl("label", "node", "n1", "disk=fast")
    until(lambda: bound(kubectl, "picky") == "n1", "picky is bound once the label is there")
    kubectl("label", "node", "n1", "disk-")


def test_drain_evicts_the_pods_of_the_node(kubectl, api, make, ns):
    make("pods", apiobjects.pod("web", node="n1"))
    body = apiobjects.pod("go", node="n1")
    body["metadata"]["labels"] = {"app": "drained"}
    make("pods", body)
    drain = ("drain", "n1", "--pod-selector=app=drained", "--timeout=20s")
    assert "declare no controller" in kubectl.refused(*drain)
    tried = kubectl(*drain, "--force", "--dry-run=server")
    assert tried.splitlines()[-1] == "node/n1 drained (server dry run)"
    assert bound(kubectl, "go") == "n1"
    draining = kubectl.start(*drain, "--force", "--grace-period=1")
    path = f"/api/v1/namespaces/{ns}/pods/go"
    until(
        lambda: "deletionTimestamp" in api.get(path)["metadata"],
        "go is evicted",
        story=lambda: str(draining.poll()),
    )
    api.delete(path, gracePeriodSeconds="0")
    said, _ = draining.communicate(timeout=20)
    assert draining.returncode == 0, said
    assert f"evicting pod {ns}/go" in said
    assert "pod/go evicted" in said
    assert "node/n1 drained" in said
    assert bound(kubectl, "web") == "n1"


def test_drain_leaves_mirror_pods_alone(kubectl, api, make, node, ns):
    mirror = apiobjects.pod("static-n1", node="n1", labels={"app": "static"})
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "h"}
    mirror["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "name": "n1",
            "uid": node["metadata"]["uid"],
            "controller": True,
        }
    ]
    assert api.ask("POST", f"/api/v1/namespaces/{ns}/pods", mirror).code == 201
    kubectl("drain", "n1", "--pod-selector=app=static", "--timeout=10s")
    lasts(lambda: bound(kubectl, "static-n1") == "n1", "the mirror pod stays", for_s=0.3)
