"""Which ports of the machine pods take, and which two cannot both have theirs."""

from __future__ import annotations

import pytest

from staticlet.kube.scheduling.room import HostPort
from staticlet.pods import hostports, wanted
from staticlet.testing import wantedpods

ONE, TWO = (wanted.PodKey("default", f"{name}-n1") for name in ("one", "two"))


def on(port: int, **more: object) -> wanted.WantedPod:
    ports = [{"containerPort": port, "hostPort": port, **more}]
    return wantedpods.wanted(wantedpods.container(ports=ports))


def test_containers_and_sidecars_take_ports_and_plain_init_containers_none():
    init = wantedpods.container("i", ports=[{"containerPort": 1, "hostPort": 1}])
    sidecar = wantedpods.container(
        "s", restartPolicy="Always", ports=[{"containerPort": 2, "hostPort": 2, "hostIP": "::1"}]
    )
    plain = wantedpods.container(ports=[{"containerPort": 3}, {"containerPort": 4, "hostPort": 5}])
    pod = wantedpods.wanted(plain, initContainers=[init, sidecar]).pod
    assert hostports.of(pod) == {HostPort("", "TCP", 5), HostPort("::1", "TCP", 2)}


@pytest.mark.parametrize(
    ("mine", "other", "clashes"),
    [
        (on(80), on(80), True),
        (on(80), on(81), False),
        (on(80), on(80, protocol="UDP"), False),
        (on(80, hostIP="10.0.0.1"), on(80, hostIP="10.0.0.2"), False),
        (on(80, hostIP="10.0.0.1"), on(80), True),
    ],
)
def test_two_pods_cannot_have_one_port(mine, other, clashes):
    held = {TWO: hostports.of(other.pod)}
    assert (hostports.clash(ONE, hostports.of(mine.pod), held) is not None) == clashes


def test_what_a_pod_has_is_not_in_its_own_way():
    assert hostports.clash(ONE, hostports.of(on(80).pod), {ONE: hostports.of(on(80).pod)}) is None


def test_a_clash_is_told_with_its_port_and_its_holder():
    held = {TWO: hostports.of(on(80, hostIP="10.0.0.1").pod)}
    found = hostports.clash(ONE, hostports.of(on(80).pod), held)
    assert str(found) == "host port 80/TCP is in use by pod default/two-n1"
    found = hostports.clash(ONE, hostports.of(on(80, hostIP="10.0.0.1").pod), held)
    assert str(found) == "host port 10.0.0.1:80/TCP is in use by pod default/two-n1"
