"""Where a pod is on disk."""

from pathlib import Path

import pytest

from staticlet.pods import faults, paths
from staticlet.pods.wanted import PodKey
from staticlet.testing import wantedpods

HERE = paths.PodPaths(
    root=Path("/var/lib/kubelet"),
    logs=Path("/var/log/pods"),
    links=Path("/var/log/containers"),
    namespace="kube-system",
    name="etcd-n1",
    uid="abc123",
)


def test_a_pod_lives_where_the_kubelet_puts_it():
    assert str(HERE.directory) == "/var/lib/kubelet/pods/abc123"
    assert str(HERE.etc_hosts) == "/var/lib/kubelet/pods/abc123/etc-hosts"
    assert str(HERE.empty_dir("data")) == (
        "/var/lib/kubelet/pods/abc123/volumes/kubernetes.io~empty-dir/data"
    )
    assert str(HERE.sub_path("data", "app", 2)) == (
        "/var/lib/kubelet/pods/abc123/volume-subpaths/data/app/2"
    )


def test_logs_are_where_log_collectors_look():
    assert str(HERE.log_file("etcd", 3)) == "/var/log/pods/kube-system_etcd-n1_abc123/etcd/3.log"
    assert str(HERE.log_link("etcd", "f00")) == (
        "/var/log/containers/etcd-n1_kube-system_etcd-f00.log"
    )
    assert paths.log_path("etcd", 3) == "etcd/3.log"


def test_a_log_link_is_cut_to_what_a_file_name_may_be():
    long = paths.PodPaths(
        root=HERE.root,
        logs=HERE.logs,
        links=HERE.links,
        namespace="n" * 63,
        name="p" * 150,
        uid="u",
    )
    name = long.log_link("c" * 40, "0" * 64).name
    assert len(name) == 255
    assert name.endswith(".log")


def test_the_termination_log_has_eight_hex_digits_that_differ_with_each_start():
    assert HERE.termination_log("etcd", 0).name == "00000000"
    assert HERE.termination_log("etcd", 26).name == "0000001a"
    assert HERE.termination_log("etcd", 1).parent == HERE.directory / "containers/etcd"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../etc", "a\0b", "x" * 256])
def test_a_name_that_would_leave_its_directory_is_refused(name):
    with pytest.raises(faults.UnsafeName):
        paths.component(name)
    with pytest.raises(faults.UnsafeName):
        paths.of(PodKey("default", "web"), name, wantedpods.settings())
    with pytest.raises(faults.UnsafeName):
        HERE.empty_dir(name)
