"""containerd's configuration and places are pure functions of what is known."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from staticlet.runtime.managed import config, layout

CRI = "io.containerd.grpc.v1.cri"


def spec(**changes: Any) -> config.Spec:
    known: dict[str, Any] = {
        "root": Path("/data/containerd"),
        "state": Path("/run/x/containerd"),
        "socket": Path("/run/x/c.sock"),
        "sandbox_image": "localhost/pause:latest",
        "cni_bin": Path("/usr/lib/cni"),
        "cni_conf": Path("/data/cni"),
    }
    return config.Spec(**(known | changes))


def parsed(**changes: Any) -> dict[str, Any]:
    return tomllib.loads(config.render(spec(**changes)))


def test_the_configuration_names_our_directories_and_sockets() -> None:
    made = parsed()
    assert made["version"] == 2
    assert made["root"] == "/data/containerd"
    assert made["state"] == "/run/x/containerd"
    assert made["grpc"]["address"] == "/run/x/c.sock"
    assert made["ttrpc"]["address"] == "/run/x/c.sock.ttrpc"
    assert made["plugins"][CRI]["cni"] == {"bin_dir": "/usr/lib/cni", "conf_dir": "/data/cni"}


def test_network_namespaces_are_kept_below_our_state() -> None:
    assert parsed()["plugins"][CRI]["netns_mounts_under_state_dir"] is True


def test_without_the_capability_oom_scores_are_left_alone() -> None:
    made = parsed(restrict_oom_score_adj=True)
    assert made["oom_score"] == 0
    assert made["plugins"][CRI]["restrict_oom_score_adj"] is True


def test_with_the_capability_containerd_is_killed_last() -> None:
    made = parsed()
    assert made["oom_score"] == -999
    assert made["plugins"][CRI]["restrict_oom_score_adj"] is False


def test_a_file_system_without_overlays_gets_the_native_snapshotter() -> None:
    assert parsed(snapshotter="native")["plugins"][CRI]["containerd"]["snapshotter"] == "native"


def test_directories_of_registry_hosts_are_joined_like_a_path() -> None:
    made = parsed(registries=(Path("/a"), Path("/b")))
    assert made["plugins"][CRI]["registry"]["config_path"] == "/a:/b"


def test_quotes_and_umlauts_in_a_path_survive() -> None:
    root = Path('/srv/für "pods"\\new')
    assert parsed(root=root)["root"] == str(root)


def test_nothing_that_containerd_needs_to_run_pods_is_disabled() -> None:
    needed = {"io.containerd.runtime.v1.linux", "io.containerd.snapshotter.v1.overlayfs"}
    assert needed.isdisjoint(parsed()["disabled_plugins"])


def test_a_socket_path_that_the_kernel_refuses_is_refused_with_its_length() -> None:
    deep = Path("/" + "x" * 100)
    with pytest.raises(layout.SocketPathTooLong, match=r"has 117 bytes, at most 101 work"):
        layout.Layout(data_dir=Path("/data"), run_dir=deep)


def test_the_longest_socket_path_leaves_room_for_the_second_socket() -> None:
    run_dir = Path("/" + "x" * (101 - len("//containerd.sock")))
    made = layout.Layout(data_dir=Path("/data"), run_dir=run_dir)
    assert len(f"{made.socket}.ttrpc") == 107
    assert made.endpoint == f"unix://{made.socket}"
