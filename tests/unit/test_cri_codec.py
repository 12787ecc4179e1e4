"""Port values to CRI messages, and back."""

from __future__ import annotations

import dataclasses
import json

import pytest

from staticlet.runtime import port
from staticlet.runtime.cri import decode, encode
from staticlet.wire import cri_pb2

SANDBOX = port.SandboxConfig(
    name="web",
    namespace="prod",
    uid="u1",
    attempt=3,
    hostname="web-1",
    log_directory="/var/log/pods/x",
    dns=port.DnsConfig(servers=("10.0.0.1",), searches=("a.b",), options=("ndots:5",)),
    port_mappings=(
        port.PortMapping(protocol="UDP", container_port=53, host_port=5353, host_ip="127.0.0.1"),
    ),
    labels={"l": "1"},
    annotations={"a": "2"},
    cgroup_parent="/kubepods/x",
    sysctls={"net.core.somaxconn": "9"},
    namespaces=port.Namespaces(
        network=port.NamespaceMode.NODE, pid=port.NamespaceMode.NODE, ipc=port.NamespaceMode.NODE
    ),
    privileged=True,
    run_as_user=0,
    run_as_group=7,
    supplemental_groups=(1, 2),
    readonly_rootfs=True,
    seccomp=port.SecurityProfile(type=port.ProfileType.LOCALHOST, localhost_ref="/s.json"),
    selinux=port.SELinuxOptions(user="u", role="r", type="t", level="l"),
)

CONTAINER = port.ContainerConfig(
    name="main",
    attempt=4,
    image="sha256:1",
    user_specified_image="busybox",
    command=("sh",),
    args=("-c", "x"),
    working_dir="/w",
    envs=(("A", "1"), ("A", "2")),
    mounts=(
        port.Mount(
            container_path="/c",
            host_path="/h",
            readonly=True,
            selinux_relabel=True,
            propagation=port.Propagation.BIDIRECTIONAL,
        ),
    ),
    devices=(port.Device(container_path="/dev/x", host_path="/dev/y", permissions="r"),),
    labels={"l": "1"},
    annotations={"a": "2"},
    log_path="main/4.log",
    stdin=True,
    stdin_once=True,
    tty=True,
    resources=port.Resources(
        cpu_period_us=100_000,
        cpu_quota_us=50_000,
        cpu_shares=512,
        memory_limit_bytes=1 << 30,
        oom_score_adj=-997,
        hugepage_limits={"2MB": 4},
        unified={"memory.oom.group": "1"},
    ),
    security=port.ContainerSecurity(
        privileged=True,
        add_capabilities=("NET_ADMIN",),
        drop_capabilities=("ALL",),
        namespaces=port.Namespaces(pid=port.NamespaceMode.NODE),
        run_as_user=0,
        run_as_username="me",
        run_as_group=0,
        supplemental_groups=(3,),
        readonly_rootfs=True,
        no_new_privs=True,
        masked_paths=("/proc/x",),
        readonly_paths=("/proc/y",),
        seccomp=port.SecurityProfile(type=port.ProfileType.UNCONFINED),
        apparmor=port.SecurityProfile(type=port.ProfileType.RUNTIME_DEFAULT),
        selinux=port.SELinuxOptions(level="s0"),
    ),
)


def unset(message: object) -> set[str]:
    """The names of a message's fields that carry nothing, nested ones with their path."""
    names = set()
    set_fields = {field.name: value for field, value in message.ListFields()}  # type: ignore[attr-defined]
    for field in message.DESCRIPTOR.fields:  # type: ignore[attr-defined]
        value = set_fields.get(field.name)
        if value is None:
            names.add(f"{message.DESCRIPTOR.name}.{field.name}")  # type: ignore[attr-defined]
        elif field.message_type and not field.is_repeated:
            names |= unset(value)
    return names


def test_every_field_of_a_sandbox_that_is_set_arrives() -> None:
    message = encode.sandbox_config(SANDBOX)
    assert unset(message) == {"Int64Value.value"}  # user 0 is sent, as zero
    assert message.linux.security_context.HasField("run_as_user")
    assert message.metadata.attempt == 3
    assert message.dns_config.options == ["ndots:5"]
    assert message.port_mappings[0].protocol == cri_pb2.UDP
    assert message.linux.security_context.namespace_options.network == cri_pb2.NODE
    assert message.linux.security_context.seccomp.localhost_ref == "/s.json"
    assert dict(message.linux.sysctls) == {"net.core.somaxconn": "9"}


def test_every_field_of_a_container_that_is_set_arrives() -> None:
    message = encode.container_config(CONTAINER)
    assert unset(message) == {
        "Int64Value.value",  # user and group 0
        "NamespaceOption.network",  # POD is number 0
        "NamespaceOption.ipc",
        "SELinuxOption.user",
        "SELinuxOption.role",
        "SELinuxOption.type",
        "SecurityProfile.profile_type",  # RuntimeDefault is number 0
        "SecurityProfile.localhost_ref",
    }
    assert [(each.key, each.value) for each in message.envs] == [("A", "1"), ("A", "2")]
    assert message.mounts[0].propagation == cri_pb2.PROPAGATION_BIDIRECTIONAL
    assert message.linux.resources.oom_score_adj == -997
    assert message.linux.resources.hugepage_limits[0].page_size == "2MB"
    assert message.linux.security_context.capabilities.add_capabilities == ["NET_ADMIN"]
    assert message.linux.security_context.HasField("apparmor")
    assert message.linux.security_context.seccomp.profile_type == 1


def test_what_is_not_asked_for_is_not_sent() -> None:
    sandbox = encode.sandbox_config(
        port.SandboxConfig(name="a", namespace="b", uid="c", attempt=0)
    )
    assert not sandbox.HasField("dns_config")
    context = sandbox.linux.security_context
    for field in ("run_as_user", "run_as_group", "seccomp", "selinux_options"):
        assert not context.HasField(field), field
    container = encode.container_config(port.ContainerConfig(name="a", attempt=0, image="i"))
    security = container.linux.security_context
    for name in ("run_as_user", "run_as_group", "seccomp", "apparmor", "capabilities"):
        assert not security.HasField(name), name


def test_credentials_are_sent_and_their_absence_is_not() -> None:
    assert encode.registry_auth(None) is None
    auth = port.RegistryAuth(**{f.name: f.name for f in dataclasses.fields(port.RegistryAuth)})
    message = encode.registry_auth(auth)
    assert message is not None
    assert unset(message) == set()
    assert message.identity_token == "identity_token"


def container_status(info: dict[str, str], state: int = 1) -> port.ContainerStatus:
    status = cri_pb2.ContainerStatus(
        id="c1",
        metadata=cri_pb2.ContainerMetadata(name="main", attempt=2),
        state=cri_pb2.ContainerState.Name(state),
        image=cri_pb2.ImageSpec(image="sha256:1", user_specified_image="busybox"),
    )
    return decode.container_status(cri_pb2.ContainerStatusResponse(status=status, info=info))


# The shapes of the verbose info of containerd and of CRI-O; the spec inside has pids of its own.
SPEC = {"process": {}, "linux": {"resources": {"pids": {"limit": 5}}, "namespaces": []}}
CONTAINERD = {"sandboxID": "s", "pid": 42, "removing": False, "runtimeSpec": SPEC}
CRIO = {"sandboxID": "s", "pid": 42, "runtimeSpec": SPEC, "privileged": False}


@pytest.mark.parametrize("shape", [CONTAINERD, CRIO], ids=["containerd", "CRI-O"])
def test_the_pid_is_read_from_the_verbose_info(shape: dict[str, object]) -> None:
    assert container_status({"info": json.dumps(shape)}).pid == 42


@pytest.mark.parametrize(
    "info",
    [
        {},
        {"info": ""},
        {"info": "no json"},
        {"info": "[]"},
        {"info": '{"pid":"x"}'},
        {"info": '{"pid":0}'},
        {"info": '{"pid":42'},
        {"other": '{"pid":42}'},
    ],
)
def test_a_pid_that_is_not_told_is_none(info: dict[str, str]) -> None:
    assert container_status(info).pid is None


def test_a_container_that_does_not_run_has_no_pid() -> None:
    assert container_status({"info": '{"pid":42}'}, state=2).pid is None


def test_the_image_is_the_one_that_the_user_named() -> None:
    assert container_status({}).image == "busybox"
    older = cri_pb2.Container(image=cri_pb2.ImageSpec(image="docker.io/library/busybox:latest"))
    assert decode.container(older).image == "docker.io/library/busybox:latest"


def test_a_state_from_the_future_is_unknown() -> None:
    future = cri_pb2.Container.FromString(b"\x30\x09")  # field 6, state: 9
    assert decode.container(future).state is port.ContainerState.UNKNOWN


def sandbox_status(mode: cri_pb2.NamespaceMode, *ips: str) -> port.SandboxStatus:
    status = cri_pb2.PodSandboxStatus(
        id="s1",
        linux=cri_pb2.LinuxPodSandboxStatus(
            namespaces=cri_pb2.Namespace(options=cri_pb2.NamespaceOption(network=mode))
        ),
        network=cri_pb2.PodSandboxNetworkStatus(
            ip=ips[0], additional_ips=[cri_pb2.PodIP(ip=ip) for ip in ips[1:]]
        ),
    )
    return decode.sandbox_status(cri_pb2.PodSandboxStatusResponse(status=status))


def test_all_addresses_of_a_sandbox_are_told() -> None:
    assert sandbox_status(cri_pb2.POD, "10.0.0.2", "fd00::2").ips == ("10.0.0.2", "fd00::2")
    assert sandbox_status(cri_pb2.POD, "").ips == ()


def test_a_sandbox_on_the_host_network_has_no_address_of_its_own() -> None:
    assert sandbox_status(cri_pb2.NODE, "192.168.0.1").ips == ()


def test_the_cgroup_driver_is_told_only_where_it_is_known() -> None:
    assert decode.cgroup_driver(cri_pb2.RuntimeConfigResponse()) is None
    for number, name in enumerate(("systemd", "cgroupfs")):
        linux = cri_pb2.LinuxRuntimeConfiguration(cgroup_driver=cri_pb2.CgroupDriver.Name(number))
        assert decode.cgroup_driver(cri_pb2.RuntimeConfigResponse(linux=linux)) == name


def test_an_image_tells_its_user_as_number_or_name() -> None:
    numeric = cri_pb2.Image(id="i", uid=cri_pb2.Int64Value(value=0))
    assert decode.image(numeric).uid == 0
    named = decode.image(cri_pb2.Image(id="i", username="nobody", repo_tags=["a:1"], size=5))
    assert (named.uid, named.username, named.tags, named.size_bytes) == (
        None,
        "nobody",
        ("a:1",),
        5,
    )
