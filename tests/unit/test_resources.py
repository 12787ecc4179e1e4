"""From requests and limits to numbers for the kernel."""

import dataclasses

import pytest

from staticlet.pods import cgroups, resources
from staticlet.testing import wantedpods

NODE, SETTINGS = wantedpods.NODE, wantedpods.settings()
GI = 1024**3


def pod_with(*given, **spec):
    containers = [
        wantedpods.container(f"c{index}", resources=one) for index, one in enumerate(given)
    ]
    return wantedpods.wanted(*containers, **spec).pod


def of(given, *, node=NODE, settings=SETTINGS, **spec):
    pod = pod_with(given, **spec)
    return resources.container_resources(pod, pod.spec.containers[0], node=node, settings=settings)


def test_a_container_that_asks_for_nothing_gets_the_least_shares_and_no_limit():
    found = of({})
    assert (found.cpu_shares, found.cpu_quota_us, found.memory_limit_bytes) == (2, 0, 0)
    assert found.oom_score_adj == 1000


def test_shares_come_from_the_request_and_quota_from_the_limit():
    found = of({"requests": {"cpu": "250m"}, "limits": {"cpu": "500m", "memory": "64Mi"}})
    assert found.cpu_shares == 256
    assert (found.cpu_period_us, found.cpu_quota_us) == (100_000, 50_000)
    assert found.memory_limit_bytes == 64 * 1024**2


def test_a_limit_stands_for_a_missing_request_of_cpu():
    assert of({"limits": {"cpu": "2"}}).cpu_shares == 2048


def test_a_request_of_no_cpu_is_not_overruled_by_the_limit():
    assert of({"requests": {"cpu": "0"}, "limits": {"cpu": "2"}}).cpu_shares == 2


def test_a_tiny_limit_of_cpu_still_gives_the_least_quota_the_kernel_takes():
    assert of({"limits": {"cpu": "1m"}}).cpu_quota_us == 1000


def test_shares_stay_within_what_the_kernel_takes():
    assert resources.shares(0) == 2
    assert resources.shares(10_000_000) == 262_144


def test_quota_can_be_switched_off_and_its_period_set():
    off = dataclasses.replace(SETTINGS, cpu_cfs_quota=False)
    found = of({"limits": {"cpu": "1"}}, settings=off)
    assert (found.cpu_period_us, found.cpu_quota_us) == (0, 0)
    short = dataclasses.replace(SETTINGS, cpu_cfs_quota_period_us=10_000)
    assert of({"limits": {"cpu": "1"}}, settings=short).cpu_quota_us == 10_000


def test_limits_of_the_pod_bound_a_container_that_has_none():
    found = of({}, resources={"limits": {"cpu": "1", "memory": "1Gi"}})
    assert (found.cpu_quota_us, found.memory_limit_bytes) == (100_000, GI)


def test_cgroup_version_two_ends_all_of_a_container_and_keeps_it_from_swapping():
    swap = dataclasses.replace(NODE, cgroup_version=2, swap_controlled=True)
    assert of({}, node=swap).unified == {"memory.oom.group": "1", "memory.swap.max": "0"}
    plain = dataclasses.replace(NODE, cgroup_version=2)
    assert of({}, node=plain).unified == {"memory.oom.group": "1"}
    assert of({}, node=dataclasses.replace(NODE, cgroup_version=1)).unified == {}


def test_every_huge_page_size_is_limited_to_what_was_asked_or_nothing():
    node = dataclasses.replace(NODE, hugepage_sizes=("2MB", "1GB"))
    found = of({"limits": {"hugepages-2Mi": "8Mi"}}, node=node)
    assert found.hugepage_limits == {"2MB": 8 * 1024**2, "1GB": 0}


@pytest.mark.parametrize(("text", "name"), [("2Mi", "2MB"), ("1Gi", "1GB"), ("64Ki", "64KB")])
def test_huge_page_sizes_have_the_kernels_names(text, name):
    assert resources.page_size(text) == name


@pytest.mark.parametrize(
    ("given", "score"),
    [
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, -997),
        ({"requests": {"memory": "4Gi"}}, 750),
        ({"requests": {"memory": "16Gi"}}, 3),
        ({"requests": {"memory": "64Gi"}}, 3),
        ({"requests": {"cpu": "1"}}, 999),
        ({"requests": {"memory": "1Mi"}}, 999),
    ],
)
def test_the_more_memory_is_asked_for_the_later_a_container_dies(given, score):
    assert of(given).oom_score_adj == score


def test_node_critical_pods_die_last():
    assert of({}, priorityClassName="system-node-critical").oom_score_adj == -997
    assert of({}, priorityClassName="system-cluster-critical").oom_score_adj == 1000


def test_a_sidecar_dies_no_sooner_than_what_it_serves():
    sidecar = wantedpods.container("s", restartPolicy="Always")
    pod = pod_with({"requests": {"memory": "4Gi"}}, initContainers=[sidecar])
    assert resources.oom_score(pod, pod.spec.initContainers[0], memory_bytes=16 * GI) == 750


def test_the_request_of_a_pod_is_its_most_needy_moment():
    init = wantedpods.container("i", resources={"requests": {"cpu": "3"}})
    side = wantedpods.container("s", restartPolicy="Always", resources={"requests": {"cpu": "1"}})
    one = {"requests": {"cpu": "500m"}}
    assert resources.pod_request(pod_with(one, one), "cpu").milli() == 1000
    after = pod_with(one, one, initContainers=[side, init])
    assert resources.pod_request(after, "cpu").milli() == 4000
    before = pod_with(one, one, initContainers=[init, side], overhead={"cpu": "100m"})
    assert resources.pod_request(before, "cpu").milli() == 3100


def test_a_pod_is_limited_only_where_every_container_is():
    limited, free = {"limits": {"cpu": "1", "memory": "1Gi"}}, {"limits": {"cpu": "1"}}
    found = resources.pod_resources(pod_with(limited, free), node=NODE, settings=SETTINGS)
    assert (found.cpu_quota_us, found.memory_limit_bytes) == (200_000, 0)
    assert found.cpu_shares == 2048
    whole = pod_with({}, resources={"limits": {"memory": "2Gi"}})
    found = resources.pod_resources(whole, node=NODE, settings=SETTINGS)
    assert found.memory_limit_bytes == 2 * GI


def test_pids_are_limited_when_the_settings_say_so():
    limited = dataclasses.replace(SETTINGS, pod_pids_limit=50)
    pod = pod_with({})
    assert resources.pod_resources(pod, node=NODE, settings=limited).pids_limit == 50
    assert resources.pod_resources(pod, node=NODE, settings=SETTINGS).pids_limit == 0


BOTH = {"limits": {"cpu": "1", "memory": "1Gi"}}


@pytest.mark.parametrize(
    ("given", "path", "slice_name"),
    [
        (BOTH, "/kubepods/podu-1", "kubepods-podu_1.slice"),
        ({}, "/kubepods/besteffort/podu-1", "kubepods-besteffort-podu_1.slice"),
        (
            {"requests": {"cpu": "1"}},
            "/kubepods/burstable/podu-1",
            "kubepods-burstable-podu_1.slice",
        ),
    ],
)
def test_the_cgroup_of_a_pod_is_where_the_kubelet_puts_it(given, path, slice_name):
    pod = pod_with(given)
    systemd = dataclasses.replace(NODE, cgroup_driver="systemd")
    assert cgroups.parent(pod, "u-1", node=NODE, settings=SETTINGS) == path
    assert cgroups.parent(pod, "u-1", node=systemd, settings=SETTINGS) == slice_name
    assert path in cgroups.candidates("u-1", settings=SETTINGS)


def test_cgroups_go_below_the_configured_root():
    settings = dataclasses.replace(SETTINGS, cgroup_root="/edge")
    systemd = dataclasses.replace(NODE, cgroup_driver="systemd")
    parent = cgroups.parent(pod_with({}), "u", node=systemd, settings=settings)
    assert parent == "edge-kubepods-besteffort-podu.slice"
    groups = cgroups.groups(pod_with({}), "u", node=NODE, settings=settings)
    assert [group.path for group in groups] == [
        "/edge/kubepods",
        "/edge/kubepods/besteffort",
        "/edge/kubepods/besteffort/podu",
    ]


def test_only_the_besteffort_group_is_held_down_among_those_in_between():
    groups = cgroups.groups(pod_with({}), "u", node=NODE, settings=SETTINGS)
    assert [group.limits and group.limits.cpu_shares for group in groups] == [None, 2, 2]
