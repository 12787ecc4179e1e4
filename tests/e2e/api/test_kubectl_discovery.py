"""What kubectl asks about the server itself: discovery, schemas, rights, versions, health."""

from __future__ import annotations

import json

import pytest

from staticlet.testing import apirun

KINDS = {
    "configmaps": ("cm", "v1", "true", "ConfigMap"),
    "events": ("ev", "v1", "true", "Event"),
    "namespaces": ("ns", "v1", "false", "Namespace"),
    "nodes": ("no", "v1", "false", "Node"),
    "pods": ("po", "v1", "true", "Pod"),
    "secrets": ("", "v1", "true", "Secret"),
    "serviceaccounts": ("sa", "v1", "true", "ServiceAccount"),
    "services": ("svc", "v1", "true", "Service"),
}


def test_the_resources_of_the_server_are_listed(each_kubectl):
    lines = [line.split() for line in each_kubectl("api-resources", "--no-headers").splitlines()]
    listed = {(line[0], line[-3]): line for line in lines}
    for name, (short, version, namespaced, kind) in KINDS.items():
        expected = [name, *([short] if short else []), version, namespaced, kind]
        assert listed[name, version] == expected
    assert ("leases", "coordination.k8s.io/v1") in listed
    assert ("events", "events.k8s.io/v1") in listed
    assert not [line for line in lines if line[0] in {"deployments", "jobs"}]
    verbs = each_kubectl("api-resources", "--verbs=create,watch", "-o", "name").split()
    assert "pods" in verbs
    assert "selfsubjectreviews.authentication.k8s.io" not in verbs
    versions = each_kubectl("api-versions").split()
    assert {"v1", "coordination.k8s.io/v1", "events.k8s.io/v1"} <= {*versions}


def test_short_names_and_categories_work(kubectl):
    assert kubectl("get", "cm", "-o", "name") == kubectl("get", "configmaps", "-o", "name")
    kubectl("run", "web", "--image=x")
    assert "pod/web" in kubectl("get", "all")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("pod", "Pod is a collection of containers that can run on a host"),
        ("pods.spec.containers.image", "FIELD: image <string>"),
        ("pod.spec.restartPolicy", "RESTART"),
        ("lease.spec", "holderIdentity"),
        ("configmap.data", "<map[string]string>"),
    ],
)
def test_fields_are_explained(each_kubectl, asked, said):
    printed = each_kubectl("explain", asked)
    assert said.lower() in printed.lower()
    assert "VERSION:" in printed


def test_what_cannot_be_explained_is_said(kubectl):
    assert 'field "colour" does not exist' in kubectl.refused("explain", "pod.spec.colour")
    assert "VERSION:" in kubectl("explain", "pod.metadata", "--recursive")


def test_health_and_versions(each_kubectl):
    assert each_kubectl("get", "--raw", "/readyz") == "ok"
    assert each_kubectl("get", "--raw", "/livez") == "ok"
    verbose = each_kubectl("get", "--raw", "/readyz?verbose")
    assert verbose.splitlines()[-1] == "readyz check passed"
    assert "[+]ping ok" in verbose
    version = json.loads(each_kubectl("version", "-o", "json"))["serverVersion"]
    assert version["gitVersion"].startswith("v1.")
    assert version["major"] == "1"
    said = each_kubectl.run("version", status=0)
    assert "Server Version: v1." in said.out


def test_the_cluster_tells_where_it_is(each_kubectl, server):
    said = each_kubectl("cluster-info").replace("\x1b[0;32m", "").replace("\x1b[0m", "")
    assert server.url in said
    config = each_kubectl.json("config", "view")
    assert config["clusters"][0]["cluster"]["server"] == server.url
    assert config["current-context"]
    assert "swordfish" not in str(config)


def test_the_admin_can_do_everything(each_kubectl):
    assert each_kubectl("auth", "can-i", "create", "pods") == "yes\n"
    assert each_kubectl("auth", "can-i", "*", "*") == "yes\n"
    who = each_kubectl.json("auth", "whoami")["status"]["userInfo"]
    assert "system:masters" in who["groups"]
    assert "system:authenticated" in who["groups"]
    assert who["username"] in each_kubectl("auth", "whoami")
    listed = each_kubectl("auth", "can-i", "--list")
    assert listed.splitlines()[0].split() == ["Resources", "Non-Resource", "URLs", "Resource",
                                              "Names", "Verbs"]  # fmt: skip
    assert any(line.split() == ["*.*", "[]", "[]", "[*]"] for line in listed.splitlines())


def test_another_user_may_do_nothing_but_ask(each_kubectl):
    somebody = ("--as", "somebody")
    no = each_kubectl.run("auth", "can-i", "create", "pods", *somebody, status=1)
    assert no.out == "no\n"
    said = each_kubectl.refused("get", "pods", *somebody)
    assert said == (
        'Error from server (Forbidden): pods is forbidden: User "somebody" cannot list resource '
        f'"pods" in API group "" in the namespace "{each_kubectl.namespace}"\n'
    )
    who = each_kubectl.json("auth", "whoami", *somebody, "--as-group=people")["status"]
    assert who["userInfo"]["username"] == "somebody"
    assert set(who["userInfo"]["groups"]) == {"people", "system:authenticated"}


def test_a_node_may_do_what_nodes_do(kubectl):
    node = ("--as", "system:node:n1", "--as-group", "system:nodes")
    assert kubectl("auth", "can-i", "get", "nodes/n1", *node) == "yes\n"
    assert kubectl.run("auth", "can-i", "delete", "namespaces", *node, status=1).out.startswith(
        "no"
    )


def test_service_accounts_have_tokens(each_kubectl, server):
    each_kubectl("create", "serviceaccount", "robot")
    token = each_kubectl("create", "token", "robot", "--duration=10m").strip()
    assert token.count(".") == 2
    robot = apirun.client(server, token)
    me = robot.create(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )
    robot.close()
    name = f"system:serviceaccount:{each_kubectl.namespace}:robot"
    assert me["status"]["userInfo"]["username"] == name
    assert "not found" in each_kubectl.refused("create", "token", "ghost")
    said = each_kubectl.refused("--token=nonsense", "--kubeconfig=/dev/null",
        f"--server={server.url}", "--insecure-skip-tls-verify", "get", "pods",
    )  # fmt: skip
    assert "Unauthorized" in said or "must be logged in" in said
