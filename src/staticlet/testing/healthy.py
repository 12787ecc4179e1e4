"""The facts of a machine on which the doctor finds nothing to say, to be broken by tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from staticlet.app.doctor import facts, placefacts
from staticlet.config.settings import Settings
from staticlet.pods import labels
from staticlet.pods.wanted import PodKey
from staticlet.runtime import port
from staticlet.runtime.cri.inspection import Inspection

ROOT = Path("/var/lib/kubelet")
SOCKET = "/run/containerd/containerd.sock"
CONDITIONS = (
    port.RuntimeCondition(type="RuntimeReady", status=True),
    port.RuntimeCondition(type="NetworkReady", status=True),
)
WEB = PodKey("default", "web-n1")


def place(path: str, **changes: Any) -> placefacts.Place:
    """A directory of root's on a disk with room."""
    good = placefacts.Place(
        path=path,
        kind=placefacts.Kind.DIRECTORY,
        access=placefacts.Access(path=path, owner=0, mode=0o755),
        nearest=path,
        fstype="ext4",
        flags=("rw", "relatime"),
        total_bytes=100 * 2**30,
        free_bytes=50 * 2**30,
        total_inodes=1_000_000,
        free_inodes=900_000,
    )
    return replace(good, **changes)


def sandbox(key: PodKey = WEB, *, uid: str = "u1", **changes: Any) -> port.Sandbox:
    """A sandbox of this agent's."""
    ours = {
        labels.POD_NAMESPACE: key.namespace,
        labels.POD_NAME: key.name,
        labels.OWNER: labels.owner(ROOT),
    }
    made = port.Sandbox(
        id=f"id-of-{key.name}",
        name=key.name,
        namespace=key.namespace,
        uid=uid,
        attempt=0,
        ready=True,
        created_at_ns=0,
        labels=ours,
        annotations={labels.SOURCE: "file"},
    )
    return replace(made, **changes)


FACTS = facts.Facts(
    configuration=facts.Configuration(),
    settings=Settings(node_name="n1", root_dir=ROOT),
    machine=facts.Machine(
        release="6.1.0-18-amd64",
        namespaces=frozenset({"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}),
        controllers=frozenset({"cpu", "memory", "pids"}),
        systemd=True,
        units=(
            facts.Unit(
                name="staticlet.service",
                properties={"ActiveState": "active", "KillMode": "process", "PrivateTmp": "no"},
            ),
        ),
    ),
    inotify=facts.Inotify(watches=65536, instances=128, used=4),
    node=facts.Node(
        host_name="n1",
        resolves=True,
        addresses=("192.0.2.7",),
        now=datetime(2026, 5, 1, tzinfo=UTC),
        synchronised=True,
        resolv_conf="nameserver 192.0.2.53\n",
        pod_resolv_conf="nameserver 192.0.2.53\n",
    ),
    places=placefacts.Places(
        root_dir=place(str(ROOT)),
        pod_logs_dir=place("/var/log/pods"),
        runtime_root=place("/var/lib/containerd"),
    ),
    manifests=facts.Manifests(
        place=place("/etc/kubernetes/manifests"),
        parents=tuple(
            placefacts.Access(path=path, owner=0, mode=0o755)
            for path in ("/", "/etc", "/etc/kubernetes")
        ),
        files=(placefacts.Access(path="/etc/kubernetes/manifests/web.yaml", owner=0, mode=0o644),),
        pods=frozenset({WEB}),
        ports=(facts.HostPort(pod=WEB, protocol="TCP", port=80),),
    ),
    listeners=(),
    runtime=facts.Runtime(
        configured=f"unix://{SOCKET}",
        path=SOCKET,
        version=port.RuntimeVersion(name="containerd", version="1.6.20~ds1", api_version="v1"),
        inspection=Inspection(
            conditions=CONDITIONS,
            sandbox_image="registry.k8s.io/pause:3.6",
            snapshotter="overlayfs",
            systemd_cgroup=False,
            restrict_oom_score_adj=False,
        ),
        sandbox_image_present=True,
        sandboxes=(sandbox(),),
        owned=frozenset({"id-of-web-n1"}),
    ),
    network=facts.Network(
        conf_dir="/etc/cni/net.d",
        bin_dirs=("/opt/cni/bin",),
        files=("10-pods.conflist",),
        name="pods",
        plugins=("bridge", "host-local", "portmap", "loopback"),
        present=frozenset({"bridge", "host-local", "portmap", "loopback"}),
        needs_iptables=True,
        iptables=True,
    ),
    leftovers=facts.Leftovers(
        directories=(facts.PodDirectory(uid="u1", key=WEB),),
        mounts=(f"{ROOT}/pods/u1/volumes/kubernetes.io~empty-dir/m",),
    ),
    agent=facts.Agent(socket=f"{ROOT}/staticlet.sock"),
)
"""Debian with containerd 1.6, one manifest and its pod."""


def but(part: str, **changes: Any) -> facts.Facts:
    """The same, with some fields of one part changed."""
    return replace(FACTS, **{part: replace(getattr(FACTS, part), **changes)})
