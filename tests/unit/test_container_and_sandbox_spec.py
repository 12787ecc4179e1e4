"""A pod's sandbox and containers as the runtime is asked for them."""

from pathlib import Path

import pytest

from staticlet.pods import containerspec, faults, labels, mounts, sandboxspec
from staticlet.runtime import port
from staticlet.testing import wantedpods

SETTINGS = wantedpods.settings()


def sandbox(**spec):
    pod = wantedpods.wanted(**spec)
    return sandboxspec.sandbox_config(pod, attempt=2, node=wantedpods.NODE, settings=SETTINGS)


def container(raw, *, ips=("10.0.0.5",), **spec):
    pod = wantedpods.wanted(raw, **spec)
    return containerspec.container_config(
        pod,
        pod.pod.spec.containers[0],
        restart_count=3,
        image=port.Image(id="sha256:abc", uid=0),
        ips=ips,
        prepared=mounts.Prepared(termination_log=Path("/t")),
        node=wantedpods.NODE,
        settings=SETTINGS,
    )


def test_a_sandbox_is_identified_by_pod_and_attempt():
    found = sandbox()
    assert (found.name, found.namespace, found.uid, found.attempt) == (
        "web-n1", "default", wantedpods.UID, 2,
    )  # fmt: skip
    assert found.hostname == "web-n1"
    assert found.log_directory == f"/var/lib/staticlet/log/pods/default_web-n1_{wantedpods.UID}"
    assert found.cgroup_parent == f"/kubepods/besteffort/pod{wantedpods.UID}"
    assert found.labels["staticlet.dev/owner"] == labels.owner(Path("/var/lib/staticlet"))
    assert found.seccomp == port.SecurityProfile(type=port.ProfileType.RUNTIME_DEFAULT)


def test_the_same_pod_gives_the_same_sandbox():
    assert sandbox(labels={"b": "1", "a": "2"}) == sandbox(labels={"a": "2", "b": "1"})


def test_a_sandbox_on_the_host_network_has_no_name_of_its_own():
    found = sandbox(hostNetwork=True, hostPID=True, hostIPC=True)
    assert found.hostname == ""
    assert set(vars_of(found.namespaces)) == {port.NamespaceMode.NODE}


def vars_of(namespaces):
    return [namespaces.network, namespaces.pid, namespaces.ipc]


def test_ports_without_a_host_port_are_told_too():
    raw = wantedpods.container(
        ports=[
            {"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1", "protocol": "UDP"},
            {"containerPort": 81},
        ]
    )
    pod = wantedpods.wanted(raw)
    assert sandboxspec.port_mappings(pod.pod) == (
        port.PortMapping(protocol="UDP", container_port=80, host_port=8080, host_ip="127.0.0.1"),
        port.PortMapping(protocol="TCP", container_port=81, host_port=0),
    )


def test_a_privileged_container_makes_its_sandbox_privileged():
    raw = wantedpods.container("x", securityContext={"privileged": True})
    assert sandbox(initContainers=[raw]).privileged
    assert not sandbox().privileged


def test_sysctls_and_users_of_the_pod_reach_the_sandbox():
    context = {"sysctls": [{"name": "net.a", "value": "1"}], "runAsUser": 5, "fsGroup": 6}
    found = sandbox(securityContext=context)
    assert found.sysctls == {"net.a": "1"}
    assert (found.run_as_user, found.supplemental_groups) == (5, (6,))


def test_a_container_is_asked_for_by_image_id_and_told_what_the_manifest_says():
    found = container(wantedpods.container(image="nginx:1", workingDir="/w", tty=True, stdin=True))
    assert (found.image, found.user_specified_image) == ("sha256:abc", "nginx:1")
    assert (found.working_dir, found.tty, found.stdin, found.stdin_once) == (
        "/w",
        True,
        True,
        False,
    )
    assert (found.attempt, found.log_path) == (3, "c/3.log")
    assert found.annotations["io.kubernetes.container.restartCount"] == "3"


def test_command_and_args_may_name_variables():
    found = container(
        wantedpods.container(
            env=[{"name": "A", "value": "1"}], command=["run", "$(A)"], args=["$$(A)", "$(B)"]
        )
    )
    assert found.command == ("run", "1")
    assert found.args == ("$(A)", "$(B)")
    assert found.envs == (("A", "1"),)


def test_a_container_that_can_not_be_configured_gives_the_kubelets_reason():
    with pytest.raises(faults.ConfigFault) as caught:
        container(wantedpods.container(securityContext={"runAsNonRoot": True}))
    assert caught.value.reason == "CreateContainerConfigError"


def test_a_container_is_found_by_name_among_all_of_a_pod():
    pod = wantedpods.wanted(initContainers=[wantedpods.container("init")]).pod
    assert containerspec.container_of(pod, "init").name == "init"
    with pytest.raises(faults.ConfigFault, match="container x not found"):
        containerspec.container_of(pod, "x")
