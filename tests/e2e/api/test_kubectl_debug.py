"""`kubectl debug`, which sends the pods that it makes as protobuf and knows no other way."""

from __future__ import annotations

import json

from staticlet.testing import apiobjects

FULL = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "full"},
    "spec": {
        "securityContext": {"runAsUser": 0, "supplementalGroups": [1, 2]},
        "tolerations": [
            {"key": "a", "effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 0}
        ],
        "containers": [
            {
                "name": "c",
                "image": "busybox:1",
                "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}},
                "ports": [{"name": "http", "containerPort": 80}],
                "readinessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 3},
                "volumeMounts": [{"name": "own", "mountPath": "/own", "readOnly": True}],
            }
        ],
        "volumes": [{"name": "own", "emptyDir": {"sizeLimit": "1Mi"}}],
    },
}


def test_a_copy_of_a_pod_has_all_that_the_pod_has(each_kubectl, ns):
    each_kubectl("apply", "-f", "-", stdin=json.dumps(FULL))
    each_kubectl(
        *("debug", "full", "--copy-to=copy", "--image=busybox:2", "--container=look"),
        *("--keep-readiness", "--profile=general", "--attach=false"),
    )
    original, copy = (each_kubectl.json("get", "pod", name)["spec"] for name in ("full", "copy"))
    *kept, added = copy.pop("containers")
    assert (added["name"], added["image"]) == ("look", "busybox:2")
    assert kept == original.pop("containers")
    assert copy.pop("shareProcessNamespace") is True
    original.pop("nodeName", None)
    copy.pop("nodeName", None)
    assert copy == original


def test_a_node_is_looked_at_from_a_pod_on_it(each_kubectl, ns, node):
    each_kubectl("debug", f"node/{apiobjects.NODE}", "--image=busybox:1", "--attach=false")
    (pod,) = each_kubectl.json("get", "pods")["items"]
    assert pod["spec"]["nodeName"] == apiobjects.NODE
    assert pod["spec"]["hostPID"] is True
    assert pod["spec"]["tolerations"][0] == {"operator": "Exists"}
    assert {"hostPath": {"path": "/", "type": ""}}.items() <= pod["spec"]["volumes"][0].items()
