"""Every check of the doctor on made-up facts: a good machine, and each way of being broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from staticlet.app.doctor import facts, report
from staticlet.app.doctor.placefacts import Access, Kind
from staticlet.app.doctor.verdict import Level
from staticlet.host.listeners import Listener
from staticlet.kube.finding import Finding, Position, Severity
from staticlet.pods import labels
from staticlet.pods.wanted import PodKey
from staticlet.runtime import port
from staticlet.runtime.cri import faults
from staticlet.testing import healthy
from staticlet.testing.healthy import FACTS, but

OK, WARN, FAIL, SKIPPED = Level.OK, Level.WARN, Level.FAIL, Level.SKIPPED
EVERY_CAPABILITY = (1 << 41) - 1
WITHOUT_SYS_RESOURCE = EVERY_CAPABILITY & ~(1 << 24)
DB = PodKey("default", "db-n1")
ERROR = Finding(
    severity=Severity.ERROR,
    source="/etc/kubernetes/manifests/web.yaml",
    message="is wrong",
    position=Position(3, 1),
)
WARNING = replace(ERROR, severity=Severity.WARNING, message="is odd")


def said(state: facts.Facts, name: str):
    return next(line.verdict for line in report.examine(state) if line.name == name)


def inspected(**changes):
    return but("runtime", inspection=replace(FACTS.runtime.inspection, **changes))


def unit(**properties):
    made = facts.Unit(name="staticlet-up.service", properties=properties)
    return but("machine", units=(made,))


def manifest_place(**changes):
    return but("manifests", place=replace(FACTS.manifests.place, **changes))


def at(part, **changes):
    return but("places", **{part: replace(getattr(FACTS.places, part), **changes)})


def listens(number, *, program="nginx", pid=7, of_pod=False, address="0.0.0.0", protocol="TCP"):
    listener = Listener(protocol=protocol, address=address, port=number, inode=1)
    return facts.Holder(listener=listener, pid=pid, program=program, of_pod=of_pod)


def other(**changes):
    made = facts.OtherAgent(pid=9, program="kubelet", root_dir="/srv/kubelet")
    return but("leftovers", agents=(replace(made, **changes),))


def condition(kind, *words):
    broken = port.RuntimeCondition(type=kind, status=False, reason=words[0], message=words[1])
    kept = (each for each in healthy.CONDITIONS if each.type != kind)
    return inspected(conditions=(*kept, broken))


STRANGER = port.Sandbox(
    id="0123456789abcdef0123",
    name="stranger",
    namespace="elsewhere",
    uid="x",
    attempt=0,
    ready=True,
    created_at_ns=0,
    annotations={labels.ROOT_DIR: "/srv/other"},
)
OURS = healthy.sandbox(DB, uid="u2")
WITH_STRANGER = but("runtime", sandboxes=(healthy.sandbox(), STRANGER))
WITH_OURS = but(
    "runtime",
    sandboxes=(healthy.sandbox(), OURS),
    owned=frozenset({"id-of-web-n1", "id-of-db-n1"}),
)
TWO_PORTS = (
    facts.HostPort(pod=healthy.WEB, protocol="TCP", port=80),
    facts.HostPort(pod=DB, protocol="TCP", port=80),
)
NO_SOCKET = but("runtime", kind=Kind.MISSING, version=None, inspection=None, sandboxes=None)
SOCKET = healthy.SOCKET
NOT_CRI = port.NotCri("/run/x.sock answers, but not to CRI v1")
HUNG = port.DeadlinePassed("Version took longer than 1.2 s")
OLD = port.RuntimeVersion(name="containerd", version="1.5.9", api_version="v1")
STRANGE = port.RuntimeVersion(name="frakti", version="2.0.0", api_version="v1")
OTHER_SOCKET = "/run/crio/crio.sock"
EMPTY_NETWORK = facts.Network(conf_dir="/etc/cni/net.d", bin_dirs=("/opt/cni/bin",))

CASES = [
    ("configuration", but("configuration", errors=(ERROR,)), FAIL, "1 error", "staticlet config"),
    ("configuration", but("configuration", warnings=(WARNING,)), WARN, "1 warning", ""),
    ("configuration", but("configuration", ineffective=("--x",)), OK, "1 without effect", ""),
    ("agent", but("agent", answers=True, holder=5, version="1.2", pods=2), OK, "pid 5", ""),
    ("agent", but("agent", holder=5, fault="it hangs"), FAIL, "process 5 holds", "journalctl"),
    ("root", but("machine", uid=1000), FAIL, "user 1000", "sudo"),
    ("kernel", but("machine", pidfd=False, release="4.19.0"), WARN, "4.19.0 has no", "5.3"),
    ("kernel", but("machine", pidfd=False, release="6.1"), WARN, "forbidden", "allow"),
    ("overlayfs", but("machine", overlay=False), FAIL, "no overlay", "modprobe overlay"),
    (
        "namespaces",
        but("machine", namespaces=frozenset({"mnt", "pid"})),
        FAIL,
        "ipc, net, uts",
        "CONFIG_NAMESPACES",
    ),
    ("cgroups", but("machine", cgroup_version=0), FAIL, "no cgroups", "mount -t cgroup2"),
    ("cgroups", but("machine", cgroup_readonly=True), FAIL, "read-only", "writable"),
    ("cgroups", but("machine", controllers=frozenset({"cpu"})), WARN, "memory, pids", "subtree"),
    ("cgroups", but("machine", cgroup_version=1), OK, "version 1", ""),
    ("capabilities", but("machine", capabilities=0), FAIL, "CAP_SYS_ADMIN", "Bounding"),
    (
        "capabilities",
        but("machine", capabilities=WITHOUT_SYS_RESOURCE),
        WARN,
        "CAP_SYS_RESOURCE",
        "restrict_oom_score_adj = true",
    ),
    ("seccomp", but("machine", seccomp=False), WARN, "no seccomp", "CONFIG_SECCOMP"),
    ("apparmor", but("machine", apparmor=True), WARN, "parser", "apt-get install apparmor"),
    ("apparmor", but("machine", apparmor=True, apparmor_parser=True), OK, "installed", ""),
    ("swap", but("machine", swap_bytes=2**31), WARN, "2.0 GiB", "swapoff"),
    ("swap", but("machine", swap_bytes=2**31, swap_controlled=True), OK, "2.0 GiB", ""),
    ("inotify", but("inotify", used=128), FAIL, "none is left", "max_user_instances"),
    ("inotify", but("inotify", used=125), WARN, "few are left", "sysctl"),
    ("inotify", but("inotify", watches=100, used=None), WARN, "100 watches", "sysctl"),
    ("systemd", unit(KillMode="control-group"), FAIL, "staticlet-up.service is", "deploy/"),
    ("systemd", unit(Delegate="no"), FAIL, "staticlet-up", "daemon-reload"),
    ("systemd", unit(PrivateTmp="yes"), FAIL, "staticlet-up", "daemon-reload"),
    ("systemd", unit(ActiveState="failed"), FAIL, "is failed", "journalctl"),
    ("systemd", but("machine", systemd=False), SKIPPED, "does not run", ""),
    ("systemd", but("machine", units=None), SKIPPED, "did not answer", ""),
    ("systemd", but("machine", units=()), OK, "no unit", ""),
    ("host-name", but("node", resolves=False), WARN, "/etc/hosts does not", "127.0.1.1 n1"),
    ("address", but("node", addresses=()), WARN, "no interface", "--node-ip"),
    ("clock", but("node", now=datetime(1970, 1, 1, tzinfo=UTC)), FAIL, "1970", "timedatectl"),
    ("clock", but("node", synchronised=False), WARN, "nothing keeps it", "timesyncd"),
    ("clock", but("node", synchronised=None), SKIPPED, "2026-05-01", ""),
    ("name-servers", but("node", resolv_conf=None), FAIL, "cannot be read", "nameserver"),
    ("name-servers", but("node", pod_resolv_conf="search x\n"), WARN, "names no server", "add"),
    (
        "name-servers",
        but("node", pod_resolv_conf="nameserver 127.0.0.1\n"),
        WARN,
        "loopback",
        "resolvConf",
    ),
    (
        "name-servers",
        but("node", pod_resolv_conf="nameserver 192.0.2.1\n" * 4),
        WARN,
        "4 servers",
        "leave 3",
    ),
    ("runtime-socket", NO_SOCKET, FAIL, f"there is no socket {SOCKET}", "apt-get install"),
    ("runtime-socket", but("runtime", path=None), FAIL, "no container runtime", "staticlet up"),
    ("runtime-socket", but("runtime", kind=Kind.FILE), FAIL, "is a file", "remove it"),
    (
        "runtime-socket",
        but("runtime", kind=Kind.MISSING, others=(OTHER_SOCKET,)),
        FAIL,
        "no socket",
        f"--container-runtime-endpoint=unix://{OTHER_SOCKET}",
    ),
    ("runtime", but("runtime", version=None, fault=NOT_CRI), FAIL, "not to CRI", "disabled_plug"),
    ("runtime", but("runtime", version=None, fault=HUNG), FAIL, "took longer", "it hangs"),
    (
        "runtime",
        but("runtime", version=None, fault=port.Unavailable("nobody listens")),
        FAIL,
        "nobody listens",
        "systemctl start",
    ),
    (
        "runtime",
        but("runtime", version=None, fault=faults.translate(PermissionError(), SOCKET)),
        FAIL,
        "may not be opened",
        "sudo",
    ),
    ("runtime", but("runtime", version=OLD), FAIL, "1.5.9 is too old", "containerd 1.6 or"),
    ("runtime", but("runtime", version=STRANGE), WARN, "not tested", "containerd 1.6"),
    ("runtime", NO_SOCKET, SKIPPED, "no socket", ""),
    ("runtime-ready", condition("RuntimeReady", "Odd", "it says"), FAIL, "Odd: it says", "log"),
    ("runtime-ready", NO_SOCKET, SKIPPED, "could not be asked", ""),
    ("network-ready", condition("NetworkReady", "No", "plugin"), FAIL, "No: plugin", "cni-config"),
    ("network-ready", inspected(conditions=()), SKIPPED, "does not say", ""),
    (
        "cgroup-driver",
        replace(inspected(systemd_cgroup=True)),
        FAIL,
        "uses systemd, the configuration says cgroupfs",
        "--cgroup-driver=systemd",
    ),
    (
        "cgroup-driver",
        replace(inspected(systemd_cgroup=True), machine=replace(FACTS.machine, systemd=False)),
        FAIL,
        "systemd does not run",
        "SystemdCgroup = false",
    ),
    ("cgroup-driver", but("runtime", driver="systemd"), OK, "as the runtime says", ""),
    ("cgroup-driver", inspected(systemd_cgroup=None), SKIPPED, "does not say", ""),
    (
        "sandbox-image",
        but("runtime", sandbox_image_present=False),
        WARN,
        "pause:3.6 is not there",
        "crictl pull registry.k8s.io/pause:3.6",
    ),
    ("sandbox-image", inspected(sandbox_image=""), SKIPPED, "which one", ""),
    ("snapshotter", inspected(snapshotter="native"), WARN, "copies every image", "overlayfs"),
    ("snapshotter", inspected(snapshotter=""), SKIPPED, "does not say", ""),
    (
        "cni-config",
        replace(FACTS, network=EMPTY_NETWORK),
        FAIL,
        "/etc/cni/net.d has no",
        "staticlet up",
    ),
    ("cni-config", but("network", fault="it is not JSON: x"), FAIL, "not JSON", "mend it"),
    ("cni-config", but("network", load_fault="odd version"), FAIL, "odd version", "restart"),
    ("cni-config", but("network", files=("1.conf", "2.conf")), WARN, "2.conf", "move the others"),
    (
        "cni-plugins",
        but("network", present=frozenset({"bridge", "loopback"})),
        FAIL,
        "lacks host-local, portmap",
        "containernetworking-plugins",
    ),
    ("cni-plugins", replace(FACTS, network=EMPTY_NETWORK), SKIPPED, "no network conf", ""),
    ("ip-forward", but("network", forwards=False), WARN, "is 0", "sysctl -w"),
    ("iptables", but("network", iptables=False), FAIL, "missing or", "apt-get install iptables"),
    ("iptables", but("network", iptables=None), SKIPPED, "could not be tried", ""),
    ("iptables", but("network", needs_iptables=False), SKIPPED, "needs none", ""),
    ("host-ports", replace(FACTS, listeners=(listens(80),)), FAIL, "not all", "stop what has"),
    ("host-ports", but("manifests", ports=TWO_PORTS), FAIL, "not all", "change hostPort"),
    ("host-ports", replace(FACTS, listeners=(listens(80, of_pod=True),)), OK, "80/TCP", ""),
    ("host-ports", replace(FACTS, listeners=(listens(80, protocol="UDP"),)), OK, "80/TCP", ""),
    ("host-ports", but("manifests", ports=()), OK, "no manifest wants", ""),
    (
        "manifest-path",
        manifest_place(kind=Kind.MISSING),
        FAIL,
        "does not exist",
        "mkdir -p",
    ),
    (
        "manifest-path",
        manifest_place(kind=Kind.SOCKET),
        FAIL,
        "a socket",
        "staticPodPath",
    ),
    ("manifest-path", manifest_place(fault="permission denied"), FAIL, "denied", "let root"),
    (
        "manifest-permissions",
        manifest_place(access=Access(path="/m", owner=0, mode=0o777)),
        FAIL,
        "anything as root",
        "chmod go-w",
    ),
    (
        "manifest-permissions",
        but("manifests", files=(Access(path="/m/a", owner=1000, mode=0o644),)),
        FAIL,
        "anything as root",
        "chown root",
    ),
    (
        "manifest-permissions",
        but("manifests", parents=(Access(path="/srv", owner=0, mode=0o775),)),
        FAIL,
        "anything as root",
        "chown root",
    ),
    (
        "manifest-permissions",
        but("manifests", parents=(Access(path="/tmp", owner=0, mode=0o1777),)),
        OK,
        "only root",
        "",
    ),
    ("manifest-filesystem", manifest_place(fstype="nfs4"), WARN, "every 20 s", "local disk"),
    ("manifest-filesystem", manifest_place(fstype="fuse.sshfs"), WARN, "fuse", "local disk"),
    ("manifest-filesystem", manifest_place(kind=Kind.MISSING), SKIPPED, "nothing", ""),
    ("manifest-count", but("manifests", unread=70000), WARN, "more than", "max_user_watches"),
    ("manifest-count", but("manifests", ignored=("a.bak",)), OK, "1 ignored", ""),
    ("manifest-findings", but("manifests", findings=(ERROR,)), FAIL, "1 error", "validate /etc"),
    ("manifest-findings", but("manifests", findings=(WARNING,)), WARN, "1 warning", "validate"),
    ("root-dir", at("root_dir", flags=("ro",)), FAIL, "read-only", "remount,rw"),
    ("root-dir", at("root_dir", kind=Kind.FILE), FAIL, "is a file", "--root-dir"),
    ("root-dir", at("root_dir", fault="cannot be looked at"), FAIL, "looked at", "--root-dir"),
    (
        "root-dir",
        at("root_dir", access=Access(path="/r", owner=5, mode=0o755)),
        FAIL,
        "user 5",
        "chown root",
    ),
    ("root-dir", at("root_dir", kind=Kind.MISSING), OK, "can be made", ""),
    ("pod-logs-dir", at("pod_logs_dir", flags=("ro",)), FAIL, "read-only", "podLogsDir"),
    ("mount-options", at("root_dir", flags=("rw", "noexec")), WARN, "hampered", "remount"),
    ("mount-options", at("pod_logs_dir", flags=("rw", "noexec")), OK, "none", ""),
    ("disk-space", at("root_dir", free_bytes=2**20), FAIL, "almost none", "crictl rmi"),
    ("disk-space", at("runtime_root", free_bytes=2**30), WARN, "little", "crictl rmi"),
    ("disk-space", at("root_dir", free_inodes=9), FAIL, "almost none", "logs"),
    ("disk-space", at("root_dir", free_inodes=40_000), WARN, "little", "logs"),
    ("disk-space", at("root_dir", total_inodes=0, free_inodes=0), OK, "enough", ""),
    ("other-agents", other(root_dir=str(healthy.ROOT)), FAIL, "another agent", "disable --now"),
    ("other-agents", other(manifests="/etc/kubernetes/manifests"), FAIL, "another", "stop one"),
    ("other-agents", other(endpoint=SOCKET), FAIL, "another agent", "stop one"),
    ("other-agents", other(program="staticlet run", endpoint=SOCKET), OK, "own", ""),
    ("other-agents", replace(FACTS, listeners=(listens(10250),)), WARN, "port 10250", "look"),
    ("other-agents", replace(FACTS, listeners=(listens(10248),)), WARN, "port 10248", "look"),
    ("other-agents", replace(FACTS, listeners=(listens(10251),)), OK, "none", ""),
    ("other-agents", replace(FACTS, listeners=(listens(10250, of_pod=True),)), OK, "none", ""),
    (
        "other-agents",
        replace(
            FACTS, listeners=(listens(10250, pid=5),), agent=facts.Agent(socket="s", holder=5)
        ),
        OK,
        "none",
        "",
    ),
    ("foreign-sandboxes", WITH_STRANGER, WARN, "1 pod on the runtime", "crictl rmp"),
    ("unwanted-pods", WITH_OURS, WARN, "1 pod of this agent", "start the agent"),
    (
        "unwanted-pods",
        replace(WITH_OURS, agent=facts.Agent(socket="s", answers=True)),
        WARN,
        "1 pod",
        "wait",
    ),
    (
        "unwanted-pods",
        replace(WITH_OURS, manifests=replace(FACTS.manifests, doubtful=True)),
        SKIPPED,
        "may be wanted",
        "",
    ),
    (
        "stale-mounts",
        but("leftovers", mounts=("/var/lib/kubelet/pods/u9/m",)),
        WARN,
        "1 mount",
        "umount",
    ),
    ("stale-mounts", NO_SOCKET, SKIPPED, "could not be asked", ""),
    (
        "orphan-directories",
        but("leftovers", directories=(facts.PodDirectory(uid="u9"),)),
        WARN,
        "1 of pods that are gone",
        "start the agent",
    ),
    ("stale-socket", but("agent", socket_exists=True), WARN, "was killed", "next start"),
]


@pytest.mark.parametrize("line", report.examine(FACTS), ids=lambda line: line.name)
def test_a_good_machine_is_called_good(line):
    assert line.verdict.level is OK, line
    assert line.verdict.found
    assert not line.verdict.remedy


def test_every_check_has_a_case_in_which_it_finds_something():
    names = [check.name for checks in report.SECTIONS.values() for check in checks]
    assert len(names) == len(set(names))
    assert {name for name, _, level, _, _ in CASES if level in (WARN, FAIL)} == set(names)


@pytest.mark.parametrize(
    ("name", "state", "level", "found", "remedy"),
    CASES,
    ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)],
)
def test_a_broken_machine_is_told_what_is_wrong_and_what_to_do(name, state, level, found, remedy):
    verdict = said(state, name)
    assert verdict.level is level, verdict
    assert found in verdict.found
    assert remedy in verdict.remedy
    assert bool(verdict.remedy) == (level in (WARN, FAIL))


def test_details_name_each_thing():
    assert said(WITH_STRANGER, "foreign-sandboxes").details == (
        "elsewhere/stranger (0123456789abc), of the staticlet with root directory /srv/other",
    )
    assert said(but("manifests", findings=(WARNING, ERROR)), "manifest-findings").details == (
        "/etc/kubernetes/manifests/web.yaml:3:1: is wrong",
        "/etc/kubernetes/manifests/web.yaml:3:1: is odd [warning]",
    )
    assert said(replace(FACTS, listeners=(listens(80),)), "host-ports").details == (
        "default/web-n1 wants 80/TCP, which nginx (pid 7) has",
    )
    assert said(but("manifests", ports=TWO_PORTS), "host-ports").details == (
        "default/db-n1 and default/web-n1 both want 80/TCP",
    )
    exposed = manifest_place(access=Access(path="/m", owner=0, mode=0o777))
    assert said(exposed, "manifest-permissions").details == (
        "/m can be written by others than its owner (mode 0777): chmod go-w /m",
    )
    assert said(WITH_OURS, "unwanted-pods").details == ("default/db-n1 (id-of-db-n1)",)


def test_ports_on_different_addresses_do_not_clash():
    ports = (facts.HostPort(pod=healthy.WEB, protocol="TCP", port=80, address="192.0.2.7"),)
    state = but("manifests", ports=ports)
    assert (
        said(replace(state, listeners=(listens(80, address="127.0.0.1"),)), "host-ports").level
        is OK
    )
    assert (
        said(replace(state, listeners=(listens(80, address="192.0.2.7"),)), "host-ports").level
        is FAIL
    )
    assert said(replace(state, listeners=(listens(80, address="::"),)), "host-ports").level is FAIL


def test_a_runtime_that_knows_of_the_missing_capability_is_fine():
    state = replace(
        inspected(restrict_oom_score_adj=True),
        machine=replace(FACTS.machine, capabilities=WITHOUT_SYS_RESOURCE),
    )
    assert said(state, "capabilities").level is OK


def test_pods_of_a_url_are_not_unwanted():
    of_url = replace(OURS, annotations={labels.SOURCE: "http"})
    state = but(
        "runtime",
        sandboxes=(healthy.sandbox(), of_url),
        owned=frozenset({"id-of-web-n1", "id-of-db-n1"}),
    )
    assert said(state, "unwanted-pods").level is OK


def test_what_another_staticlet_has_of_its_own_is_no_clash():
    verdict = said(other(program="staticlet run"), "other-agents")
    assert verdict.level is OK
    assert verdict.details == ("staticlet run (pid 9, root directory /srv/kubelet)",)
