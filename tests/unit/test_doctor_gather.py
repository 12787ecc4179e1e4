"""How the doctor reads this machine: its parsers, and its looks at a temporary directory."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest

from staticlet.app.doctor.gather import (
    disk,
    intime,
    leftovers,
    machine,
    manifests,
    network,
    opened,
)
from staticlet.app.doctor.placefacts import Kind
from staticlet.config.settings import Settings
from staticlet.host import kernel, listeners, mounts
from staticlet.host import processes as host_processes
from staticlet.pods.wanted import PodKey
from staticlet.runtime.cri import inspection
from staticlet.runtime.cri.inspection import Inspection

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm-when retrnsm uid timeou inode
   0: {loop}:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0
   1: {loop}:0051 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0
"""
LOOPBACK_V4 = f"{struct.unpack('=I', bytes([127, 0, 0, 1]))[0]:08X}"
LOOPBACK_V6 = "0" * 24 + (f"{0x01000000:08X}" if sys.byteorder == "little" else f"{1:08X}")
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {
        "containers": [
            {"name": "c", "image": "i:1", "ports": [{"containerPort": 80, "hostPort": 8080}]}
        ]
    },
}


@pytest.mark.parametrize(
    ("digits", "address"), [(LOOPBACK_V4, "127.0.0.1"), (LOOPBACK_V6, "::1"), ("0" * 8, "0.0.0.0")]
)
def test_only_sockets_that_wait_are_listeners(digits, address):
    (one,) = listeners.parse(TCP.format(loop=digits), protocol="TCP")
    assert one == listeners.Listener(protocol="TCP", address=address, port=80, inode=4711)


def test_a_listener_of_this_machine_is_found_with_its_process():
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        own.listen()
        number = own.getsockname()[1]
        seen = opened.look()
        found = [each for each in seen.listeners if each.listener.port == number]
    assert [(each.pid, each.of_pod) for each in found] == [(os.getpid(), False)]
    assert seen.inotify.instances > 0


def test_who_holds_a_lock_is_found_without_taking_it(tmp_path):
    file = tmp_path / "lock"
    assert host_processes.lock_holder(file) is None
    with file.open("w") as stream:
        assert host_processes.lock_holder(file) is None
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert host_processes.lock_holder(file) == os.getpid()


def test_a_kernels_version_is_read_from_its_release():
    assert kernel.version("6.1.0-18-amd64") == (6, 1)
    assert kernel.version("odd") == (0, 0)


def test_units_that_systemd_does_not_know_are_left_out():
    text = (
        "Id=a.service\nLoadState=loaded\nKillMode=process\n\nId=b.service\nLoadState=not-found\n"
    )
    (one,) = machine.units(text)
    assert (one.name, one.properties["KillMode"]) == ("a.service", "process")


@pytest.mark.parametrize(
    ("program", "words", "expected"),
    [
        ("bash", "bash", None),
        ("python3.11", "/usr/bin/python3 /usr/local/bin/staticlet doctor", None),
        ("sudo", "sudo staticlet run", None),
        ("python3.11", "python3 -m staticlet run --root-dir=/r", ("staticlet run", "/r", None)),
        (
            "python3.11",
            "/v/bin/python /v/bin/staticlet up --data-dir /d",
            ("staticlet up", "/d/kubelet", None),
        ),
        (
            "kubelet",
            "/usr/bin/kubelet --pod-manifest-path=/m --v=2",
            ("kubelet", "/var/lib/kubelet", "/run/containerd/containerd.sock"),
        ),
        (
            "kubelet",
            "kubelet --container-runtime-endpoint unix:///run/x.sock --config=/none",
            ("kubelet", "/var/lib/kubelet", None),
        ),
    ],
)
def test_agents_are_known_by_what_they_were_called_with(program, words, expected):
    process = host_processes.Process(pid=3, program=program, arguments=tuple(words.split()))
    found = leftovers.other_agent(process, host_name="n1")
    if expected is None:
        assert found is None
    else:
        assert (found.program, found.root_dir, found.endpoint) == expected


def test_a_kubelets_manifests_are_those_that_it_was_given():
    def path(*flags):
        process = host_processes.Process(pid=3, program="kubelet", arguments=("kubelet", *flags))
        return leftovers.other_agent(process, host_name="n1").manifests

    assert path("--pod-manifest-path=/m") == "/m"
    assert path() is None


def test_a_place_is_on_the_deepest_mount_and_the_last_one_there():
    def entry(point, fstype, flags=("rw",), options=("rw",)):
        return mounts.MountEntry(
            point=Path(point), root="/", fstype=fstype, source="s", options=options, flags=flags
        )

    entries = [entry("/", "ext4"), entry("/srv", "xfs"), entry("/srv", "nfs"), entry("/s", "x")]
    assert disk.mounted_at(Path("/srv/a"), entries).fstype == "nfs"
    assert disk.mounted_at(Path("/srvx"), entries).fstype == "ext4"
    assert disk.flags_of(entry("/", "ext4", options=("ro",))) == ("rw", "ro")


def test_a_place_that_is_missing_has_the_room_of_what_is_above(tmp_path):
    found = disk.place(tmp_path / "a" / "b")
    assert (found.kind, found.access, found.nearest) == (
        Kind.MISSING,
        None,
        str(tmp_path),
    )
    assert found.total_bytes > 0
    assert disk.place(tmp_path).kind is Kind.DIRECTORY


def test_parents_are_those_of_symlinks_too(tmp_path):
    real = tmp_path / "real"
    (real / "m").mkdir(parents=True)
    (tmp_path / "link").symlink_to(real)
    found = [each.path for each in disk.parents(tmp_path / "link" / "m")]
    assert str(tmp_path) in found
    assert str(real) in found


def test_what_a_linked_manifest_is_found_through_counts_too(tmp_path):
    elsewhere = tmp_path / "home"
    elsewhere.mkdir()
    (elsewhere / "web.yaml").write_text(json.dumps(POD))
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "web.yaml").symlink_to(elsewhere / "web.yaml")
    assert str(elsewhere) in [each.path for each in look(tmp_path / "m").parents]


def look(path, *, elapsed=0.0, **settings):
    made = Settings(node_name="n1", static_pod_path=path, **settings)
    return manifests.look(path, made, elapsed_s=lambda: elapsed, budget_s=1.0)


def test_manifests_are_judged_as_the_agent_judges_them(tmp_path):
    (tmp_path / "web.yaml").write_text(json.dumps(POD))
    (tmp_path / "copy.yaml").write_text(json.dumps(POD))
    (tmp_path / "broken.yaml").write_text("kind: [")
    (tmp_path / "web.yaml.bak").write_text("x")
    (tmp_path / ".hidden.yaml").write_text("x")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    found = look(tmp_path)
    assert found.pods == {PodKey("default", "web-n1")}
    assert found.ignored == ("web.yaml.bak",)
    assert [Path(each.path).name for each in found.files] == [
        "broken.yaml",
        "copy.yaml",
        "web.yaml",
    ]
    said = sorted(str(each).partition(f"{tmp_path}/")[2] for each in found.findings)
    assert said[0].startswith("broken.yaml:2:1: not valid YAML")
    assert said[1].startswith("gone.yaml: cannot be read: no such file")
    assert said[2].startswith("web.yaml: default/web-n1 stands also in")
    assert found.doubtful
    assert [(each.port, each.protocol) for each in found.ports] == [(8080, "TCP")]


def test_a_look_without_time_only_counts(tmp_path):
    (tmp_path / "web.yaml").write_text(json.dumps(POD))
    found = look(tmp_path, elapsed=2.0)
    assert (found.unread, found.files) == (1, ())


def test_a_single_file_is_a_manifest_whatever_its_name(tmp_path):
    (tmp_path / "pods").write_text(json.dumps(POD))
    assert look(tmp_path / "pods").pods == {PodKey("default", "web-n1")}


def test_ports_of_pods_on_the_host_network_are_host_ports():
    spec = {"hostNetwork": True, "containers": [{"ports": [{"containerPort": 53}]}]}
    (one,) = manifests.host_ports(PodKey("d", "p"), spec)
    assert (one.port, one.host_network) == (53, True)
    assert not list(manifests.host_ports(PodKey("d", "p"), {**spec, "hostNetwork": False}))


def configured(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    (tmp_path / "bin").mkdir(exist_ok=True)
    plugin = tmp_path / "bin" / "bridge"
    plugin.touch(mode=0o755)
    said = Inspection(cni_conf_dir=str(tmp_path), cni_bin_dirs=(str(tmp_path / "bin"),))
    return network.look(said)


def test_a_network_names_its_plugins_and_which_are_there(tmp_path):
    bridge = {"type": "bridge", "ipam": {"type": "host-local"}}
    found = configured(tmp_path, "10.conflist", json.dumps({"name": "pods", "plugins": [bridge]}))
    assert found.plugins == ("bridge", "host-local", "loopback")
    assert found.present == {"bridge"}
    assert (found.name, found.needs_iptables, found.fault) == ("pods", False, "")


def test_the_old_form_of_a_network_is_one_plugin(tmp_path):
    found = configured(tmp_path, "10.conf", json.dumps({"name": "pods", "type": "bridge"}))
    assert found.plugins == ("bridge", "loopback")


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"name": "x", "plugins": [{}]}', '{"plugins": 1}']
)
def test_a_network_that_cannot_be_used_says_why(tmp_path, content):
    assert configured(tmp_path, "10.conflist", content).fault


def test_no_network_is_no_files(tmp_path):
    assert network.look(Inspection(cni_conf_dir=str(tmp_path / "none"))).files == ()


def test_the_first_network_by_name_counts(tmp_path):
    (tmp_path / "20.conf").write_text("{}")
    (tmp_path / "readme").write_text("")
    assert configured(tmp_path, "10.conf", "[").files == ("10.conf", "20.conf")


CONFIG = {
    "containerd": {
        "snapshotter": "overlayfs",
        "defaultRuntimeName": "runc",
        "runtimes": {"runc": {"options": {"SystemdCgroup": True}}},
    },
    "cni": {"binDir": "/b", "confDir": "/c"},
    "sandboxImage": "pause:1",
    "restrictOOMScoreAdj": True,
    "containerdRootDir": "/r",
    "systemdCgroup": False,
}


def understood(config, **info):
    return inspection.understood((), {"config": json.dumps(config), **info})


def test_a_verbose_status_tells_the_configuration():
    assert understood(CONFIG, lastCNILoadStatus="OK") == Inspection(
        sandbox_image="pause:1",
        snapshotter="overlayfs",
        systemd_cgroup=True,
        restrict_oom_score_adj=True,
        cni_conf_dir="/c",
        cni_bin_dirs=("/b",),
        root_dir="/r",
    )


def test_without_options_of_the_runtime_the_old_setting_counts():
    runtimes = {"runc": {"options": None}}
    changed = {**CONFIG, "containerd": {**CONFIG["containerd"], "runtimes": runtimes}}
    assert understood(changed).systemd_cgroup is False


def test_newer_containerds_have_several_plugin_directories():
    assert understood({"cni": {"binDirs": ["/a", "/b"]}}).cni_bin_dirs == ("/a", "/b")


@pytest.mark.parametrize("config", [[], 3, {"containerd": 1, "cni": [], "sandboxImage": 2}])
def test_a_status_of_another_shape_tells_nothing(config):
    assert understood(config) == Inspection()
    assert inspection.understood((), {"config": "{"}) == Inspection()


async def test_a_look_that_hangs_is_given_up():
    release = threading.Event()
    with pytest.raises(TimeoutError):
        await intime.within(0.01, lambda: release.wait(5))
    release.set()
    assert await intime.within(5, lambda: 3) == 3
    with pytest.raises(FileNotFoundError):
        await intime.within(5, lambda: Path("/nowhere/at/all").read_text())
