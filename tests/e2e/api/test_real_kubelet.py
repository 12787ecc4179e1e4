"""A kubelet as any cluster has it, and stock kubectl, with nothing between them but our server."""

from __future__ import annotations

import json
import os
import ssl
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from staticlet.host import certs
from staticlet.testing import apiclient, apirun, apiserver, containerd, kubecluster, kubelet
from staticlet.testing.containerd import BUSYBOX_TAGGED, Containerd
from staticlet.testing.kubectl import Kubectl, programs, rows, section
from staticlet.testing.kubelet import Kubelet
from staticlet.testing.until import lasts, until

pytestmark = pytest.mark.kube

NODE = apiserver.NODE
OURS = "kubelet-"
NS = f"{OURS}{os.getpid():x}"
STATIC = f"static-{NODE}"
RECONNECTS_S = 40.0
"""How long a client of a server that was away may wait before it tries again."""


@pytest.fixture(scope="module", name="containerd")
def own_containerd() -> Iterator[Containerd]:
    """A containerd for the module alone: a kubelet removes pods that it does not know."""
    try:
        kubelet.program()
    except kubecluster.NotBuilt as missing:
        pytest.skip(str(missing))
    kubelet.forget_the_dead(OURS)
    with containerd.running() as running:
        yield running


@pytest.fixture(scope="module")
def server(containerd: Containerd) -> Iterator[apiserver.ApiProcess]:
    place = containerd.base / "api"
    place.mkdir()
    audit = f"--audit-log-path={place / 'audit.log'}"
    with apirun.running(place, flags=(audit,)) as running:
        yield running


@pytest.fixture(scope="module")
def joined(containerd: Containerd, server: apiserver.ApiProcess) -> Iterator[Kubelet]:
    """The kubelet, which keeps its static pod over all tests."""
    base = containerd.base / "kubelet"
    base.mkdir()
    with kubelet.own_address() as address:
        made = Kubelet(
            base,
            endpoint=containerd.endpoint,
            kubeconfig=server.node_kubeconfig,
            client_ca=certs.Places(server.options.state_dir).ca,
            node=NODE,
            address=address,
        )
        made.start()
        try:
            yield made
        finally:
            made.kill()
            kubelet.forget([NS])


@pytest.fixture(scope="module")
def typed(
    server: apiserver.ApiProcess, joined: Kubelet, tmp_path_factory: pytest.TempPathFactory
) -> Kubectl:
    """Kubectl, once the node is ready, in a namespace of the module's own."""
    home = tmp_path_factory.mktemp("home")
    made = Kubectl(program=programs()[-1], kubeconfig=server.kubeconfig, home=home, namespace=NS)
    made("create", "namespace", NS)
    until(
        lambda: row(made, "node", NODE).get("STATUS") == "Ready",
        "the node is ready",
        deadline_s=40,
        story=joined.story,
    )
    return made


def row(typed: Kubectl, *what: str) -> dict[str, str]:
    """The row of one object; an empty one when it is not there."""
    found = rows(typed("get", *what, "--ignore-not-found", "-o", "wide") or "NAME")
    return found[0] if found else {}


def until_pod(typed: Kubectl, joined: Kubelet, name: str, status: str) -> dict[str, str]:
    return until(
        lambda: (found := row(typed, "pod", name)).get("STATUS") == status and found,
        f"pod {name} is {status}",
        deadline_s=30,
        story=joined.story,
    )


def run(typed: Kubectl, name: str) -> None:
    """Run a pod that ends when it is told to."""
    ends = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
    typed("run", name, f"--image={BUSYBOX_TAGGED}", "--command", "--", "sh", "-c", ends)


def life(typed: Kubectl, name: str) -> tuple[str, str, int]:
    """Which pod and container it is, and how often that was restarted."""
    pod = typed.json("get", "pod", name)
    (container,) = pod["status"]["containerStatuses"]
    return pod["metadata"]["uid"], container["containerID"], container["restartCount"]


def test_the_node_is_ready_and_its_lease_is_renewed(typed, joined):
    node = row(typed, "node", NODE)
    assert node["VERSION"].startswith("v1.")
    assert node["CONTAINER-RUNTIME"].startswith("containerd://")
    described = typed("describe", "node", NODE)
    assert section(described, "Lease").split()[:2] == ["HolderIdentity:", NODE]
    assert "KubeletReady" in section(described, "Conditions")
    assert "Starting kubelet." in section(described, "Events")

    def renewed() -> str:
        lease = typed.json("get", "lease", NODE, "--namespace=kube-node-lease")
        (owner,) = lease["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("Node", NODE)
        return str(lease["spec"]["renewTime"])

    before = renewed()
    until(lambda: renewed() > before, "the lease is renewed", story=joined.story)
    csi = typed.json("get", "csinode", NODE)
    assert csi["metadata"]["ownerReferences"][0]["name"] == NODE


def test_kubectl_run_runs_a_pod_and_delete_ends_it(typed, joined, containerd):
    run(typed, "web")
    listed = until_pod(typed, joined, "web", "Running")
    assert (listed["READY"], listed["RESTARTS"], listed["NODE"]) == ("1/1", "0", NODE)
    assert listed["IP"][0].isdigit()
    described = typed("describe", "pod", "web")
    assert section(described, "Status").strip() == "Running"
    told = section(described, "Events")
    for reason in ("Scheduled", "Pulled", "Created", "Started"):
        assert reason in told
    assert f"Successfully assigned {NS}/web to {NODE}" in told
    uid, container, _ = life(typed, "web")
    typed("delete", "pod", "web", "--grace-period=20", "--timeout=15s")
    assert row(typed, "pod", "web") == {}
    assert container.removeprefix("containerd://") not in containerd.ctr("tasks", "list")
    reasons = {each["reason"] for each in typed.json("get", "events")["items"]}
    assert "Killing" in reasons, f"of pod {uid}"


def test_a_static_pod_has_a_mirror_pod_that_comes_back(typed, joined):
    joined.manifests.put("static.yaml", static_pod())
    until_pod(typed, joined, STATIC, "Running")
    mirror = typed.json("get", "pod", STATIC)
    (owner,) = mirror["metadata"]["ownerReferences"]
    node = typed.json("get", "node", NODE)
    assert owner["kind"] == "Node"
    assert owner["controller"] is True
    assert owner["uid"] == node["metadata"]["uid"]
    assert mirror["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"
    before = life(typed, STATIC)
    typed("delete", "pod", STATIC, "--timeout=15s")
    until(lambda: row(typed, "pod", STATIC), "the mirror pod is back", story=joined.story)
    until_pod(typed, joined, STATIC, "Running")
    after = life(typed, STATIC)
    assert after[0] != before[0], "another mirror pod"
    assert after[1:] == before[1:], "of the same container"


def test_logs_are_those_that_the_kubelet_has(typed, joined):
    counts = "for n in 1 2 3; do echo line $n; done; exec sleep 3600"
    typed("run", "talks", f"--image={BUSYBOX_TAGGED}", "--command", "--", "sh", "-c", counts)
    until_pod(typed, joined, "talks", "Running")
    until(lambda: typed("logs", "talks") == "line 1\nline 2\nline 3\n", "the log")
    assert typed("logs", "talks", "--tail=1") == "line 3\n"
    stamp, words = typed("logs", "talks", "--tail=1", "--timestamps").split(" ", 1)
    assert (stamp[-1], words) == ("Z", "line 3\n")
    said = typed.refused("logs", "--previous", "talks")
    assert 'previous terminated container "talks" in pod "talks" not found' in said
    following = typed.start("logs", "--follow", "talks")
    typed("delete", "pod", "talks", "--grace-period=1", "--wait=false")
    assert following.communicate(timeout=15)[0] == "line 1\nline 2\nline 3\n"
    listed = json.loads(typed("get", "--raw", f"/api/v1/nodes/{NODE}/proxy/pods"))
    assert listed["kind"] == "PodList"


def test_a_pod_gets_the_config_map_and_the_secret_that_it_refers_to(typed, joined):
    typed("create", "configmap", "settings", "--from-literal=color=blue")
    typed("create", "secret", "generic", "keys", "--from-literal=key=opensesame")
    typed("apply", "-f", "-", stdin=json.dumps(reader()))
    until_pod(typed, joined, "reader", "Completed")
    (ended,) = typed.json("get", "pod", "reader")["status"]["containerStatuses"]
    assert ended["state"]["terminated"]["message"].split() == ["blue", "opensesame"]
    typed("delete", "pod", "reader", "--timeout=15s")


def test_a_pod_gets_a_token_that_the_server_knows(typed, joined, server):
    typed("apply", "-f", "-", stdin=json.dumps(token_bearer()))
    until_pod(typed, joined, "bearer", "Completed")
    (ended,) = typed.json("get", "pod", "bearer")["status"]["containerStatuses"]
    client = apirun.client(server, ended["state"]["terminated"]["message"])
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        told = client.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    finally:
        client.close()
    assert told["status"]["userInfo"]["username"] == f"system:serviceaccount:{NS}:default"
    typed("delete", "pod", "bearer", "--timeout=15s")


def test_the_kubelet_asks_the_server_who_may_use_its_own_api(typed, joined):
    assert status_of(joined, "/pods", apiserver.TOKENS["admin"]) == 200
    assert status_of(joined, "/pods", apiserver.TOKENS["nobody"]) == 403
    assert status_of(joined, "/pods", "made-up") == 401


def test_draining_ends_pods_and_leaves_static_ones(typed, joined):
    joined.manifests.put("static.yaml", static_pod())
    run(typed, "moved")
    until_pod(typed, joined, "moved", "Running")
    until_pod(typed, joined, STATIC, "Running")
    printed = typed("drain", NODE, "--force", "--timeout=20s")
    assert "pod/moved evicted" in printed
    assert row(typed, "pod", "moved") == {}
    assert row(typed, "pod", STATIC)["STATUS"] == "Running"
    assert row(typed, "node", NODE)["STATUS"] == "Ready,SchedulingDisabled"
    run(typed, "waiting")
    assert row(typed, "pod", "waiting")["STATUS"] == "Pending"
    typed("uncordon", NODE)
    until_pod(typed, joined, "waiting", "Running")
    typed("delete", "pod", "waiting", "--wait=false")


def test_kubelet_and_pods_outlive_the_server(typed, joined, server):
    typed("run", "lasting", f"--image={BUSYBOX_TAGGED}", "--", "sleep", "3600")
    until_pod(typed, joined, "lasting", "Running")
    before = life(typed, "lasting")
    server.kill()
    server.start()
    lease = ("get", "lease", NODE, "--namespace=kube-node-lease")
    then = typed.json(*lease)["spec"]["renewTime"]
    until(
        lambda: typed.json(*lease)["spec"]["renewTime"] > then,
        "the lease is renewed again",
        deadline_s=RECONNECTS_S,
        story=joined.story,
    )
    typed("run", "later", f"--image={BUSYBOX_TAGGED}", "--", "sleep", "3600")
    until(
        lambda: row(typed, "pod", "later").get("STATUS") == "Running",
        "a new pod runs",
        deadline_s=RECONNECTS_S,
        story=joined.story,
    )
    assert life(typed, "lasting") == before
    typed("delete", "pod", "lasting", "later", "--force")


def test_a_node_that_is_deleted_takes_its_mirror_pods_and_registers_anew(typed, joined):
    joined.manifests.put("static.yaml", static_pod())
    until_pod(typed, joined, STATIC, "Running")
    container = life(typed, STATIC)[1]
    first = typed.json("get", "node", NODE)["metadata"]["uid"]
    typed("delete", "node", NODE)
    until(lambda: not row(typed, "pod", STATIC), "the mirror pod is gone", story=joined.story)
    lasts(lambda: not row(typed, "pod", STATIC), "it stays away", for_s=1.0, story=joined.story)
    joined.stop()  # a kubelet registers once in its life
    joined.start()
    until(
        lambda: row(typed, "node", NODE).get("STATUS") == "Ready",
        "the node is ready again",
        deadline_s=30,
        story=joined.story,
    )
    assert typed.json("get", "node", NODE)["metadata"]["uid"] != first
    until_pod(typed, joined, STATIC, "Running")
    assert life(typed, STATIC)[1] == container


def test_nothing_was_refused_that_a_cluster_would_not_refuse(server, typed):
    """The audit log, after all of the above: what a kubelet is told no about on any cluster."""
    lines = (server.place / "audit.log").read_text().splitlines()
    refused = Counter(
        f"{code} {each['verb']} {each.get('objectRef', {}).get('resource', each['requestURI'])}"
        for each in map(json.loads, lines)
        if each["userAgent"].startswith("kubelet")
        and (code := each["responseStatus"]["code"]) >= 400
    )
    expected = {
        "404 get nodes",  # before it registers, and after it was deleted
        "404 get leases",
        "404 update leases",
        "404 get csinodes",
        "404 patch nodes",
        "404 patch events",  # the server forgot it, or never heard of it: it is created
        "404 delete pods",  # gone already
        "409 delete pods",  # a mirror pod that is another one by now
        "404 get pods",
        "404 create pods",  # a mirror pod of a node that is gone
        "403 get pods",  # of a pod that is not there nobody knows that it is the node's
        "409 update leases",
        "409 create pods",
    }
    assert set(refused) <= expected, refused


def static_pod() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "static", "namespace": NS},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "c", "image": BUSYBOX_TAGGED, "command": ["sleep", "3600"]}],
        },
    }


def reader() -> dict[str, Any]:
    """A pod that tells what it was given as its last words."""
    from_map = {"configMapKeyRef": {"name": "settings", "key": "color"}}
    tell = "echo $COLOR >/dev/termination-log; cat /given/key >>/dev/termination-log"
    pod = teller("reader", tell, {"secret": {"secretName": "keys"}})
    pod["spec"]["containers"][0]["env"] = [{"name": "COLOR", "valueFrom": from_map}]
    return pod


def token_bearer() -> dict[str, Any]:
    """A pod that tells its token."""
    source = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}
    tell = "cat /given/token >/dev/termination-log"
    return teller("bearer", tell, {"projected": {"sources": [source]}})


def teller(name: str, tell: str, given: dict[str, Any]) -> dict[str, Any]:
    """A pod that says something of a volume that it is given, and ends."""
    container = {
        "name": "c",
        "image": BUSYBOX_TAGGED,
        "command": ["sh", "-c", tell],
        "volumeMounts": [{"name": "given", "mountPath": "/given"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NS},
        "spec": {
            "restartPolicy": "Never",
            "volumes": [{"name": "given", **given}],
            "containers": [container],
        },
    }


def status_of(joined: Kubelet, path: str, token: str) -> int:
    """What the kubelet's own API answers to a token; its certificate is its own making."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    client = apiclient.Client(host=joined.address, port=joined.port, tls=trusting, token=token)
    try:
        return client.ask("GET", path).code
    finally:
        client.close()
