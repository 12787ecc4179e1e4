"""containerd's configuration, rendered: a pure function from facts to TOML.

The format is version 2, which containerd 1.6, 1.7 and 2.x read. Plugins that no pod needs are
switched off: a start takes some 10 ms and writes nothing outside of our directories.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DISABLED = (
    "io.containerd.internal.v1.opt",
    "io.containerd.internal.v1.restart",
    "io.containerd.internal.v1.tracing",
    "io.containerd.monitor.v1.cgroups",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
)
# Below every container (the kernel's OOM killer takes those first), above nothing else.
OOM_SCORE = -999

Value = bool | int | str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """All that the configuration depends on.

    Attributes:
        root: Containerd's persistent directory.
        state: Its directory of what runs now.
        socket: Where it answers.
        sandbox_image: The image of every sandbox's first process; must be present or pullable.
        cni_bin: The directory with the network plugins.
        cni_conf: The directory with the network configuration.
        registries: Directories with hosts.toml files, the first one wins.
        snapshotter: `overlayfs`, or `native` where the file system cannot be overlaid.
        restrict_oom_score_adj: Do not lower OOM scores: for want of CAP_SYS_RESOURCE.
        disable_apparmor: AppArmor cannot be used here.
        systemd_cgroup: Let systemd make the cgroups; must match the agent's cgroup driver.
    """

    root: Path
    state: Path
    socket: Path
    sandbox_image: str
    cni_bin: Path
    cni_conf: Path
    registries: tuple[Path, ...] = ()
    snapshotter: str = "overlayfs"
    restrict_oom_score_adj: bool = False
    disable_apparmor: bool = False
    systemd_cgroup: bool = False


def render(spec: Spec) -> str:
    """The whole config.toml; the same spec gives the same bytes."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    tables: tuple[tuple[str, Mapping[str, Value]], ...] = (
        ("", _top(spec)),
        ("grpc", {"address": str(spec.socket)}),
        ("ttrpc", {"address": f"{spec.socket}.ttrpc"}),
        (cri, _cri(spec)),
        (f"{cri}.cni", {"bin_dir": str(spec.cni_bin), "conf_dir": str(spec.cni_conf)}),
        (f"{cri}.containerd", {"snapshotter": spec.snapshotter, "default_runtime_name": "runc"}),
        (f"{cri}.containerd.runtimes.runc", {"runtime_type": "io.containerd.runc.v2"}),
        (
            f"{cri}.containerd.runtimes.runc.options",
            {"SystemdCgroup": spec.systemd_cgroup},
        ),
        # A list of directories is written as PATH is.
        (f"{cri}.registry", {"config_path": ":".join(str(path) for path in spec.registries)}),
    )
    return "\n".join(_table(name, values) for name, values in tables)


def _top(spec: Spec) -> dict[str, Value]:
    return {
        "version": 2,
        "root": str(spec.root),
        "state": str(spec.state),
        "oom_score": 0 if spec.restrict_oom_score_adj else OOM_SCORE,
        "disabled_plugins": DISABLED,
    }


def _cri(spec: Spec) -> dict[str, Value]:
    return {
        "sandbox_image": spec.sandbox_image,
        "restrict_oom_score_adj": spec.restrict_oom_score_adj,
        "disable_apparmor": spec.disable_apparmor,
        # Network namespaces below our own state directory, not among everyone's.
        "netns_mounts_under_state_dir": True,
        "stream_server_address": "127.0.0.1",
        "stream_server_port": "0",
    }


def _table(name: str, values: Mapping[str, Value]) -> str:
    head = f"[{name}]\n" if name else ""
    # JSON's booleans, numbers, strings and lists of strings are TOML's as well.
    return head + "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )
