"""`kubectl cordon`, `taint` and `drain`, and what they do to new pods."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from staticlet.host import certs
from staticlet.testing import apiloop, apiobjects, apiserver
from staticlet.testing.kubectl import Kubectl, programs, section
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


def test_a_taint_that_executes_deletes_the_pods_that_do_not_tolerate_it(kubectl, api, make, ns):
    make("pods", apiobjects.pod("web", node="n1"))
    tolerant = apiobjects.pod("tolerant", node="n1")
    tolerant["spec"]["tolerations"] = [{"key": "only", "operator": "Exists"}]
    make("pods", tolerant)
    kubectl("taint", "node", "n1", "only=gpu:NoExecute")
    pods = f"/api/v1/namespaces/{ns}/pods"
    going = until(
        lambda: "deletionTimestamp" in (one := api.get(f"{pods}/web"))["metadata"] and one,
        "web is sent away",
    )
    assert going["metadata"]["deletionGracePeriodSeconds"] == 30
    assert "TaintManagerEviction" in section(kubectl("describe", "pod", "web"), "Events")
    assert "deletionTimestamp" not in api.get(f"{pods}/tolerant")["metadata"]


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


LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
READY = {**apiobjects.NODE_STATUS["conditions"][0], "lastHeartbeatTime": "2026-01-01T00:00:01Z"}


class Short:
    """A server that gives nodes two seconds, with kubectl as an administrator."""

    def __init__(self, place: Path, client: apiloop.Client) -> None:
        self.client = client
        state_dir = apiserver.options_in(place).state_dir
        kubeconfig = certs.Places(state_dir).admin_conf
        self._kubectl = Kubectl(program=programs()[-1], kubeconfig=kubeconfig, home=place)

    async def kubectl(self, *words: str) -> str:
        """What kubectl prints."""
        return await asyncio.to_thread(self._kubectl, *words)

    async def join(self, name: str) -> None:
        """A node that is ready and has a Lease."""
        body = {**apiobjects.head("v1", "Node", name), "status": apiobjects.NODE_STATUS}
        assert (await self.client.ask("POST", "/api/v1/nodes", body)).code == 201
        lease = {"metadata": {"name": name}, "spec": {"holderIdentity": name}}
        assert (await self.client.ask("POST", LEASE, lease)).code == 201

    async def renew(self, name: str) -> None:
        """Renew its Lease; for ever."""
        for second in range(10_000):
            date = (
                f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000000Z"
            )
            await self.merge(f"{LEASE}/{name}", {"spec": {"renewTime": date}})
            await asyncio.sleep(0.5)

    async def merge(self, path: str, body: object) -> None:
        """Patch an object."""
        headers = {"Content-Type": "application/merge-patch+json"}
        assert (await self.client.ask("PATCH", path, body, headers=headers)).code == 200

    async def comes(self, words: str, *command: str) -> str:
        """What kubectl prints as soon as it has these words."""
        for _ in range(100):
            said = await self.kubectl(*command)
            if words in said:
                return said
            await asyncio.sleep(0.1)
        raise AssertionError(f"{words!r} never came; last: {said}")


@pytest.fixture
async def short(tmp_path):
    async with apiloop.serving(tmp_path, controllers="*", node_grace_s=2.0) as client:
        yield Short(tmp_path, client)


async def test_kubectl_shows_a_node_whose_agent_fell_silent_as_not_ready(short):
    await short.join("gone")
    await short.join("here")
    pod = apiobjects.pod("web", node="gone")
    assert (await short.client.ask("POST", "/api/v1/namespaces/default/pods", pod)).code == 201
    await short.merge("/api/v1/namespaces/default/pods/web/status", apiobjects.running())
    ready = ("get", "pod", "web", '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}')
    assert await short.kubectl(*ready) == "True"
    async with asyncio.TaskGroup() as group:
        agent = group.create_task(short.renew("here"), name="agent")
        await short.comes("NotReady", "get", "node", "gone", "--no-headers")
        nodes = await short.kubectl("get", "nodes", "--no-headers")
        assert [line.split()[:2] for line in nodes.splitlines()] == [
            ["gone", "NotReady"],
            ["here", "Ready"],
        ]
        told = await short.comes("unreachable:NoExecute", "describe", "node", "gone")
        assert "node.kubernetes.io/unreachable:NoSchedule" in told
        assert "Kubelet stopped posting node status." in section(told, "Conditions")
        assert "Node gone status is now: NodeNotReady" in section(told, "Events")
        await short.comes("False", *ready)
        await short.merge("/api/v1/nodes/gone/status", {"status": {"conditions": [READY]}})
        told = await short.comes("Taints:             <none>", "describe", "node", "gone")
        assert (await short.kubectl("get", "node", "gone", "--no-headers")).split()[1] == "Ready"
        agent.cancel()


async def test_the_only_node_keeps_its_pods_when_it_falls_silent(short):
    await short.join("gone")
    told = await short.comes("unreachable:NoSchedule", "describe", "node", "gone")
    assert "NoExecute" not in told


async def test_a_lease_alone_keeps_a_node_ready(short):
    await short.join("here")
    async with asyncio.TaskGroup() as group:
        agent = group.create_task(short.renew("here"), name="agent")
        await asyncio.sleep(5)
        assert (await short.kubectl("get", "node", "--no-headers")).split()[1] == "Ready"
        agent.cancel()
