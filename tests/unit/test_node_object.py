"""The Node as it is registered, held against one that a kubelet wrote."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from staticlet.config.settings import Settings
from staticlet.host import nodeinfo
from staticlet.kube import release
from staticlet.node import capacity, nodeobject
from staticlet.runtime import port
from staticlet.testing import fakemachine

NOW = datetime(2026, 11, 22, 0, 53, 25, tzinfo=UTC)
LATER = NOW + timedelta(minutes=7)
KUBELETS = yaml.safe_load((Path(__file__).parents[1] / "data/node/kubelet-node.yaml").read_text())
SETTINGS = Settings(node_name="node1", eviction_hard={"memory.available": "10Mi"})
SEEN = nodeobject.Observation(
    identity=fakemachine.IDENTITY,
    capacity=fakemachine.CAPACITY,
    addresses=("192.0.2.2",),
    runtime=port.RuntimeVersion(name="containerd", version="1.6.20", api_version="v1"),
    images=(
        port.Image(id="b", tags=("localhost/pause:1",), size_bytes=696963),
        port.Image(id="a", tags=("docker.io/library/busybox:1.36",), size_bytes=2130560),
    ),
)


def made(seen=SEEN, settings=SETTINGS):
    return nodeobject.node(seen, settings, NOW)


def condition(status, kind):
    (found,) = [one for one in status["conditions"] if one["type"] == kind]
    return found


def test_a_node_is_as_a_kubelet_makes_it():
    ours = made()
    assert ours["metadata"]["labels"] == KUBELETS["metadata"]["labels"]
    assert ours["metadata"]["annotations"] == KUBELETS["metadata"]["annotations"]
    theirs = dict(KUBELETS["status"])
    del theirs["declaredFeatures"]  # what its version can do beyond ours
    theirs["nodeInfo"] = theirs["nodeInfo"] | {
        "bootID": "boot-1",
        "machineID": "machine-1",
        "systemUUID": "system-1",
        "kernelVersion": fakemachine.IDENTITY.kernel_version,
        "kubeletVersion": release.VERSION,
    }
    assert ours["status"] == theirs


def test_the_version_is_one_that_clients_can_compare():
    assert release.VERSION.startswith("v1.36.0+staticlet.")


def test_taints_and_labels_are_those_that_were_asked_for():
    settings = replace(
        SETTINGS,
        node_labels={"tier": "edge", "kubernetes.io/os": "plan9"},
        register_with_taints=({"key": "a", "value": "b", "effect": "NoSchedule"},),
        register_schedulable=False,
    )
    got = made(settings=settings)
    assert got["metadata"]["labels"]["tier"] == "edge"
    assert got["metadata"]["labels"]["kubernetes.io/os"] == "linux"
    assert got["spec"] == {
        "unschedulable": True,
        "taints": [
            {"key": "a", "value": "b", "effect": "NoSchedule"},
            {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
        ],
    }
    assert made()["spec"] == {}


def test_allocatable_leaves_out_what_is_reserved():
    settings = replace(
        SETTINGS,
        kube_reserved={"cpu": "200m", "memory": "1Gi", "ephemeral-storage": "1Gi"},
        system_reserved={"cpu": "100m", "memory": "1Gi"},
        eviction_hard={"memory.available": "1Gi", "nodefs.available": "10%"},
    )
    machine = nodeinfo.Capacity(cpus=4, memory_bytes=16 << 30, storage_bytes=100 << 30)
    there = capacity.capacity(machine, settings)
    assert capacity.texts(there) == {
        "cpu": "4",
        "ephemeral-storage": "100Gi",
        "memory": "16Gi",
        "pods": "110",
    }
    assert capacity.texts(capacity.allocatable(there, settings)) == {
        "cpu": "3700m",
        "ephemeral-storage": "89Gi",
        "memory": "13Gi",
        "pods": "110",
    }


def test_more_reserved_than_there_is_leaves_nothing_and_is_known():
    settings = replace(SETTINGS, kube_reserved={"cpu": "8"})
    there = capacity.capacity(fakemachine.CAPACITY, settings)
    assert capacity.texts(capacity.allocatable(there, settings))["cpu"] == "0"
    assert capacity.overdrawn(there, settings) == ("cpu",)


def test_memory_in_huge_pages_is_not_for_other_use():
    machine = replace(fakemachine.CAPACITY, memory_bytes=8 << 30, hugepages={2 << 20: 1 << 30})
    settings = replace(SETTINGS, eviction_hard={})
    there = capacity.capacity(machine, settings)
    got = capacity.texts(capacity.allocatable(there, settings))
    assert (got["memory"], got["hugepages-2Mi"]) == ("7Gi", "1Gi")
    assert capacity.texts(there)["memory"] == "8Gi"


def test_a_core_takes_no_more_pods_than_it_is_told():
    few = replace(SETTINGS, pods_per_core=10)
    many = replace(SETTINGS, pods_per_core=1000)
    for settings, pods in ((few, "20"), (many, "110"), (replace(SETTINGS, max_pods=7), "7")):
        assert made(settings=settings)["status"]["capacity"]["pods"] == pods


def test_the_largest_images_are_named_each_by_a_few_names():
    images = [
        port.Image(id=str(n), tags=tuple(f"i:{n}-{k}" for k in range(9)), size_bytes=n)
        for n in range(60)
    ]
    got = nodeobject.images(images, 50)
    assert [one["sizeBytes"] for one in got] == list(range(59, 9, -1))
    assert got[0]["names"] == [f"i:59-{k}" for k in range(5)]
    assert len(nodeobject.images(images, -1)) == 60
    assert nodeobject.images(images, 0) == []


def test_digests_come_before_tags():
    image = port.Image(id="x", tags=("a:1",), digests=("a@sha256:0",), size_bytes=1)
    assert nodeobject.images([image], 50)[0]["names"] == ["a@sha256:0", "a:1"]


def test_the_port_is_that_of_the_kubelets_api_or_none():
    def port_of(settings):
        return made(settings=settings)["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]

    assert port_of(replace(SETTINGS, port=10350)) == 10350
    assert port_of(replace(SETTINGS, enable_server=False)) == 0


def test_swap_is_told_where_there_is_some():
    assert "swap" not in made()["status"]["nodeInfo"]
    seen = replace(SEEN, capacity=replace(fakemachine.CAPACITY, swap_bytes=4096))
    assert made(seen)["status"]["nodeInfo"]["swap"] == {"capacity": 4096}


def test_a_runtime_that_never_answered_has_no_version():
    got = made(replace(SEEN, runtime=None))["status"]["nodeInfo"]["containerRuntimeVersion"]
    assert got == "remote://Unknown"


def test_a_machine_without_known_cpus_is_not_ready():
    seen = replace(SEEN, capacity=replace(fakemachine.CAPACITY, cpus=0))
    ready = condition(made(seen)["status"], "Ready")
    assert ready["status"] == "False"
    assert ready["message"] == "missing node capacity for resources: cpu"


def test_a_condition_keeps_its_time_while_it_stays():
    before = made()["status"]
    again = nodeobject.status(SEEN, SETTINGS, before=before, now=LATER)
    ready = condition(again, "Ready")
    assert ready["lastTransitionTime"] == "2026-11-22T00:53:25Z"
    assert ready["lastHeartbeatTime"] == "2026-11-22T01:00:25Z"
    assert nodeobject.essence(again) == nodeobject.essence(before)


def test_a_condition_that_changes_gets_a_new_time():
    before = made()["status"]
    down = replace(SEEN, troubles=("container runtime is down", "and more"))
    ready = condition(nodeobject.status(down, SETTINGS, before=before, now=LATER), "Ready")
    assert ready == {
        "type": "Ready",
        "status": "False",
        "reason": "KubeletNotReady",
        "message": "[container runtime is down, and more]",
        "lastHeartbeatTime": "2026-11-22T01:00:25Z",
        "lastTransitionTime": "2026-11-22T01:00:25Z",
    }


def test_who_was_called_unknown_becomes_ready_anew():
    before = made()["status"]
    condition(before, "Ready")["status"] = "Unknown"
    after = nodeobject.status(SEEN, SETTINGS, before=before, now=LATER)
    assert condition(after, "Ready")["lastTransitionTime"] == "2026-11-22T01:00:25Z"
    assert nodeobject.essence(after) != nodeobject.essence(before)


def test_a_patch_has_only_what_differs_and_all_conditions():
    node = made() | {}
    node["metadata"]["uid"] = "u1"
    wanted = nodeobject.status(SEEN, SETTINGS, before=node["status"], now=LATER)
    got = nodeobject.patch(wanted, node)
    assert got == {"metadata": {"uid": "u1"}, "status": {"conditions": wanted["conditions"]}}


def test_a_patch_replaces_addresses_and_takes_huge_pages_away_that_are_gone():
    node = made()
    node["metadata"]["uid"] = "u1"
    node["status"]["capacity"] |= {"hugepages-64Ki": "0", "example.com/gpu": "1"}
    seen = replace(SEEN, addresses=("192.0.2.3",))
    wanted = nodeobject.status(seen, SETTINGS, before=node["status"], now=LATER)
    got = nodeobject.patch(wanted, node)["status"]
    assert got["addresses"] == [
        {"type": "InternalIP", "address": "192.0.2.3"},
        {"type": "Hostname", "address": "node1"},
        {"$patch": "replace"},
    ]
    assert got["capacity"]["hugepages-64Ki"] is None
    assert "example.com/gpu" not in got["capacity"]
    assert "allocatable" not in got


def test_the_first_addresses_are_written_without_a_directive():
    # Where there is no list that it could be about, a kube-apiserver takes it for an address.
    node = {"metadata": {"name": "node1", "uid": "u1"}, "status": {}}
    wanted = nodeobject.status(SEEN, SETTINGS, before={}, now=LATER)
    assert nodeobject.patch(wanted, node)["status"]["addresses"] == wanted["addresses"]


def test_of_a_node_that_is_there_only_what_describes_the_machine_is_put_right():
    settings = replace(SETTINGS, node_labels={"tier": "edge", "topology.kubernetes.io/zone": "z"})
    wanted = made(settings=settings)
    there = {
        "metadata": {
            "uid": "u1",
            "labels": {
                **wanted["metadata"]["labels"],
                "kubernetes.io/arch": "arm64",
                "tier": "core",
                "topology.kubernetes.io/zone": "y",
            },
            "annotations": {"other": "x"},
        },
        "spec": {"taints": []},
    }
    assert nodeobject.reconciled(there, wanted) == {
        "metadata": {
            "uid": "u1",
            "labels": {"kubernetes.io/arch": "amd64", "topology.kubernetes.io/zone": "z"},
            "annotations": {nodeobject.ATTACH_DETACH: "true"},
        }
    }
    assert nodeobject.reconciled(wanted, wanted) is None
