"""Who has which ports of the machine, and who waits for them."""

from __future__ import annotations

import pytest

from staticlet.kube.scheduling.room import HostPort
from staticlet.pods import hostports, wanted
from staticlet.testing import wantedpods

ONE, TWO, THREE = (wanted.PodKey("default", f"{name}-n1") for name in ("one", "two", "three"))


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
def test_a_port_that_another_has_cannot_be_claimed(mine, other, clashes):
    made = hostports.HostPorts()
    assert made.claim(TWO, other.pod) is None
    assert (made.claim(ONE, mine.pod) is not None) == clashes


def test_a_clash_is_told_with_its_port_and_its_holder():
    made = hostports.HostPorts()
    made.claim(TWO, on(80, hostIP="10.0.0.1").pod)
    found = made.claim(ONE, on(80).pod)
    assert str(found) == "host port 80/TCP is in use by pod default/two-n1"
    found = made.claim(THREE, on(80, hostIP="10.0.0.1").pod)
    assert str(found) == "host port 10.0.0.1:80/TCP is in use by pod default/two-n1"


def test_a_pod_may_claim_what_it_has():
    made = hostports.HostPorts()
    assert made.claim(ONE, on(80).pod) is None
    assert made.claim(ONE, on(80).pod) is None


def test_who_waits_is_called_when_the_port_is_free_and_nobody_else():
    made, called = hostports.HostPorts(), []
    made.claim(ONE, on(80).pod)
    made.claim(TWO, on(81).pod)
    made.claim(THREE, on(80).pod, lambda: called.append(THREE))
    assert [key for key, _ in made.waiting()] == [THREE]
    made.release(TWO)
    assert called == []
    made.release(ONE)
    assert called == [THREE]
    assert made.claim(THREE, on(80).pod) is None
    assert [*made.waiting()] == []


def test_who_goes_waits_no_longer():
    made, called = hostports.HostPorts(), []
    made.claim(ONE, on(80).pod)
    made.claim(TWO, on(80).pod, lambda: called.append(TWO))
    made.release(TWO)
    made.release(ONE)
    assert called == []


def test_what_lives_has_its_ports_whoever_else_has_them():
    made = hostports.HostPorts()
    made.claim(ONE, on(80).pod)
    made.hold(TWO, hostports.of(on(80).pod))
    made.release(ONE)
    assert made.claim(ONE, on(80).pod) is not None


def test_a_static_pod_that_waits_is_a_finding_of_its_manifest():
    made, pod = hostports.HostPorts(), on(80)
    made.claim(ONE, on(80).pod)
    made.claim(pod.key, pod.pod)
    want = wanted.Wanted(pods={pod.key: pod})
    (found,) = hostports.findings(want, made.waiting())
    assert str(found) == (
        f"{pod.origin}: spec.containers: default/web-n1 waits: host port 80/TCP is in use by pod "
        "default/one-n1; give one of them another port, or end that pod"
    )
    assert [*hostports.findings(wanted.Wanted(), made.waiting())] == []
