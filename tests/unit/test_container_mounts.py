"""What is mounted where in a container."""

from pathlib import Path

import pytest

from staticlet.pods import faults, mounts
from staticlet.runtime import port
from staticlet.testing import wantedpods

VOLUMES = [{"name": "data", "emptyDir": {}}, {"name": "etc", "hostPath": {"path": "/etc"}}]
PREPARED = mounts.Prepared(
    volumes={"data": Path("/p/data"), "etc": Path("/etc")},
    etc_hosts=Path("/p/etc-hosts"),
    termination_log=Path("/p/00000000"),
)


def container(*volume_mounts, **more):
    raw = wantedpods.container(volumeMounts=list(volume_mounts), **more)
    pod = wantedpods.wanted(raw, volumes=VOLUMES).pod
    return pod, pod.spec.containers[0]


def of(*volume_mounts, prepared=PREPARED, **more):
    return mounts.mounts(*container(*volume_mounts, **more), prepared)


def sub_paths(mount, values=None):
    return mounts.sub_paths(container(mount)[1], values or {})


def test_volumes_come_in_order_then_hosts_then_the_termination_log():
    found = of({"name": "etc", "mountPath": "/e"}, {"name": "data", "mountPath": "d"})
    assert [(mount.container_path, mount.host_path) for mount in found] == [
        ("/e", "/etc"),
        ("/d", "/p/data"),
        ("/etc/hosts", "/p/etc-hosts"),
        ("/dev/termination-log", "/p/00000000"),
    ]
    assert not any(mount.readonly for mount in found)


def test_read_only_and_propagation_are_as_the_manifest_says():
    (mount, *_) = of(
        {"name": "etc", "mountPath": "/e", "readOnly": True, "mountPropagation": "Bidirectional"}
    )
    assert mount.readonly
    assert mount.propagation is port.Propagation.BIDIRECTIONAL
    (mount, *_) = of({"name": "etc", "mountPath": "/e"})
    assert mount.propagation is port.Propagation.PRIVATE


def test_a_container_that_mounts_its_own_hosts_file_gets_no_other():
    found = of({"name": "etc", "mountPath": "/etc/hosts"})
    assert [mount.container_path for mount in found] == ["/etc/hosts", "/dev/termination-log"]


def test_the_termination_log_is_where_the_manifest_wants_it():
    assert of(terminationMessagePath="/bye")[-1].container_path == "/bye"


def test_only_the_pods_own_volumes_are_relabelled():
    found = of({"name": "etc", "mountPath": "/e"}, {"name": "data", "mountPath": "/d"})
    assert [mount.selinux_relabel for mount in found[:2]] == [False, True]


def test_a_volume_that_is_not_there_is_named():
    with pytest.raises(faults.ConfigFault, match='cannot find volume "none"'):
        of({"name": "none", "mountPath": "/n"})


def test_a_mounted_sub_path_takes_the_place_of_its_volume():
    prepared = mounts.Prepared(volumes=PREPARED.volumes, sub_paths={0: Path("/p/sub/0")})
    (mount,) = of({"name": "data", "mountPath": "/d", "subPath": "a"}, prepared=prepared)
    assert mount.host_path == "/p/sub/0"


def test_sub_paths_are_known_by_the_index_of_their_mount():
    plain = {"name": "etc", "mountPath": "/e"}
    _, one = container(plain, {"name": "data", "mountPath": "/d", "subPath": "a/b"})
    assert mounts.sub_paths(one, {}) == {1: "a/b"}


def test_a_sub_path_expression_is_expanded_and_a_sub_path_is_not():
    expression = {"name": "data", "mountPath": "/d", "subPathExpr": "$(POD)/x"}
    assert sub_paths(expression, {"POD": "web"}) == {0: "web/x"}
    with pytest.raises(faults.ConfigFault, match='missing value for "POD"'):
        sub_paths(expression)
    assert sub_paths({"name": "data", "mountPath": "/d", "subPath": "$(POD)"}) == {0: "$(POD)"}


@pytest.mark.parametrize("value", ["..", "/etc", "a/../../etc", ""])
def test_a_sub_path_never_leaves_its_volume_by_its_text(value):
    expression = {"name": "data", "mountPath": "/d", "subPathExpr": "$(POD)"}
    with pytest.raises(faults.ConfigFault):
        sub_paths(expression, {"POD": value})
