"""`kubectl create`, `run` and `replace`."""

from __future__ import annotations

import base64
import json

import pytest

from staticlet.testing import apiobjects
from staticlet.testing.until import until

MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: one
data:
  k: v
---
apiVersion: v1
kind: Pod
metadata:
  name: two
spec:
  containers:
  - name: c
    image: busybox:1
"""
UNKNOWN = """\
apiVersion: v1
kind: Pod
metadata:
  name: odd
spec:
  colour: red
  containers:
  - name: c
    image: busybox:1
    imagge: busybox:2
"""


def test_small_things_are_created_by_command(each_kubectl, ns):
    made = each_kubectl("create", "configmap", "cm", "--from-literal=a=1", "--from-literal=b=2")
    assert made == "configmap/cm created\n"
    assert each_kubectl.json("get", "configmap", "cm")["data"] == {"a": "1", "b": "2"}
    each_kubectl("create", "secret", "generic", "s", "--from-literal=password=swordfish")
    data = each_kubectl.json("get", "secret", "s")["data"]
    assert base64.b64decode(data["password"]) == b"swordfish"
    assert each_kubectl("create", "serviceaccount", "robot") == "serviceaccount/robot created\n"
    assert each_kubectl("create", "namespace", f"{ns}-b") == f"namespace/{ns}-b created\n"
    said = each_kubectl.refused("create", "configmap", "cm")
    assert said == ('error: failed to create configmap: configmaps "cm" already exists\n')


def test_secrets_of_every_sort(kubectl):
    kubectl(
        *("create", "secret", "docker-registry", "pull", "--docker-server=registry.invalid"),
        *("--docker-username=u", "--docker-password=p"),
    )
    assert kubectl.json("get", "secret", "pull")["type"] == "kubernetes.io/dockerconfigjson"
    said = kubectl.refused(
        "create", "secret", "generic", "bad", "--type=kubernetes.io/tls", "--from-literal=a=b"
    )
    assert "data[tls.crt]: Required value" in said


def test_manifests_of_several_documents_are_created(each_kubectl):
    made = each_kubectl("create", "-f", "-", stdin=MANIFEST)
    assert made == "configmap/one created\npod/two created\n"
    said = each_kubectl.refused("create", "-f", "-", stdin=MANIFEST)
    there = 'Error from server (AlreadyExists): error when creating "STDIN": '
    assert said == f'{there}configmaps "one" already exists\n{there}pods "two" already exists\n'


def test_unknown_fields_are_refused(each_kubectl):
    said = each_kubectl.refused("create", "-f", "-", stdin=UNKNOWN)
    assert 'strict decoding error: unknown field "spec.colour"' in said
    assert 'unknown field "spec.containers[0].imagge"' in said
    assert "not found" in each_kubectl.refused("get", "pod", "odd")


def test_unknown_fields_are_warned_of_when_asked(kubectl):
    said = kubectl.run("create", "--validate=warn", "-f", "-", stdin=UNKNOWN, status=0)
    assert said.out == "pod/odd created\n"
    assert said.err.splitlines() == [
        'Warning: unknown field "spec.colour"',
        'Warning: unknown field "spec.containers[0].imagge"',
    ]
    assert "colour" not in kubectl.json("get", "pod", "odd")["spec"]


def test_what_is_wrong_is_said_by_field(each_kubectl):
    body = apiobjects.pod("bad")
    body["spec"]["restartPolicy"] = "Sometimes"
    said = each_kubectl.refused("create", "-f", "-", stdin=json.dumps(body))
    assert said.startswith('The Pod "bad" is invalid: ')
    assert 'spec.restartPolicy: Unsupported value: "Sometimes"' in said


def test_generated_names_are_answered(kubectl):
    body = apiobjects.pod("x")
    body["metadata"] = {"generateName": "job-"}
    made = kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(body)).strip()
    assert made.startswith("pod/job-")
    assert len(made) == len("pod/job-") + 5


@pytest.mark.usefixtures("node")
def test_run_makes_a_pod_that_finds_the_node(each_kubectl):
    assert each_kubectl("run", "web", "--image=nginx:1") == "pod/web created\n"
    bound = until(
        lambda: each_kubectl.json("get", "pod", "web")["spec"].get("nodeName"), "web is bound"
    )
    assert bound == "n1"
    made = each_kubectl.json("get", "pod", "web")
    assert made["metadata"]["labels"] == {"run": "web"}
    assert {one["type"]: one["status"] for one in made["status"]["conditions"]}[
        "PodScheduled"
    ] == "True"


def test_dry_runs_make_nothing(each_kubectl):
    client = each_kubectl.json("run", "dry", "--image=x", "--dry-run=client")
    assert "uid" not in client["metadata"]
    server = each_kubectl.json("run", "dry", "--image=x", "--dry-run=server")
    assert server["metadata"]["uid"]
    assert server["spec"]["terminationGracePeriodSeconds"] == 30
    printed = each_kubectl("create", "configmap", "dry", "--dry-run=server")
    assert printed == "configmap/dry created (server dry run)\n"
    assert "not found" in each_kubectl.refused("get", "pod/dry", "configmap/dry")


def test_replace_wants_what_is_there(kubectl):
    body = json.dumps(apiobjects.config_map("cm", a="1"))
    said = kubectl.refused("replace", "-f", "-", stdin=body)
    absent = 'Error from server (NotFound): error when replacing "STDIN": '
    assert said == f'{absent}configmaps "cm" not found\n'
    kubectl("create", "-f", "-", stdin=body)
    changed = json.dumps(apiobjects.config_map("cm", b="2"))
    assert kubectl("replace", "-f", "-", stdin=changed) == "configmap/cm replaced\n"
    assert kubectl.json("get", "configmap", "cm")["data"] == {"b": "2"}


def test_a_stale_replace_is_a_conflict(kubectl):
    kubectl("create", "configmap", "cm", "--from-literal=a=1")
    old = kubectl.json("get", "configmap", "cm")
    kubectl("label", "configmap", "cm", "x=y")
    said = kubectl.refused("replace", "-f", "-", stdin=json.dumps(old))
    assert "(Conflict)" in said
    assert "the object has been modified; please apply your changes to the latest version" in said


def test_replace_by_force_makes_another(kubectl):
    kubectl("create", "configmap", "cm", "--from-literal=a=1")
    before = kubectl.json("get", "configmap", "cm")["metadata"]["uid"]
    body = json.dumps(apiobjects.config_map("cm", b="2"))
    printed = kubectl("replace", "--force", "-f", "-", stdin=body)
    assert printed.splitlines()[-1] == "configmap/cm replaced"
    assert kubectl.json("get", "configmap", "cm")["metadata"]["uid"] != before


def test_what_this_server_does_not_run_is_refused(kubectl):
    said = kubectl.refused("create", "service", "clusterip", "web", "--tcp=80")
    assert "service" in said.lower()
    assert "Error from server" in said or "failed to create" in said
    assert kubectl.run("get", "services", status=0).out == ""
    missing = kubectl.refused("create", "deployment", "web", "--image=x")
    assert "error: " in missing
