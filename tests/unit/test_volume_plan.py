"""Which volumes a pod has on this machine."""

from pathlib import Path

import pytest

from staticlet.pods import faults, paths
from staticlet.pods.volumes import plan
from staticlet.testing import wantedpods

GI = 1024**3


def of(*volumes, **spec):
    pod = wantedpods.wanted(volumes=list(volumes), **spec)
    where = paths.of(pod.key, pod.uid, wantedpods.settings())
    return plan.plan(pod.pod, where, node=wantedpods.NODE)


def memory(**source):
    (found,) = of({"name": "m", "emptyDir": {"medium": "Memory", **source}})
    return found


def test_an_empty_dir_is_the_pods_own_and_a_host_path_is_the_machines():
    found = of({"name": "d", "emptyDir": {}}, {"name": "h", "hostPath": {"path": "/x"}})
    assert plan.places(found) == {
        "d": Path(f"/var/lib/staticlet/pods/{wantedpods.UID}/volumes/kubernetes.io~empty-dir/d"),
        "h": Path("/x"),
    }


def test_memory_is_limited_by_the_least_of_machine_pod_and_volume():
    assert memory().size_bytes == 16 * GI
    assert memory(sizeLimit="1Gi").size_bytes == GI
    assert memory(sizeLimit="99Gi").size_bytes == 16 * GI
    volume = {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}}
    raw = wantedpods.container(resources={"limits": {"memory": "2Gi"}})
    pod = wantedpods.wanted(raw, volumes=[volume])
    where = paths.of(pod.key, pod.uid, wantedpods.settings())
    (found,) = plan.plan(pod.pod, where, node=wantedpods.NODE)
    assert found.size_bytes == 2 * GI


def test_the_group_of_the_pod_owns_its_empty_dirs():
    (found,) = of({"name": "d", "emptyDir": {}}, securityContext={"fsGroup": 7})
    assert found.group == 7


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"name": "v", "nfs": {"server": "s", "path": "/"}}, "kind nfs are not supported yet"),
        ({"name": "v", "emptyDir": {"medium": "HugePages"}}, '"HugePages" is not supported yet'),
    ],
)
def test_what_is_not_supported_yet_says_so(volume, words):
    with pytest.raises(faults.VolumeFault, match=words) as caught:
        of(volume)
    assert caught.value.reason == "FailedMount"
    assert caught.value.volume == "v"
