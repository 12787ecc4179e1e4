"""A cluster from nothing: the agent runs the control plane that it joins (docs/cluster.md)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import controlplane, kubectl
from staticlet.testing.controlplane import FOUR, SLOW_S, SYSTEM, ControlPlane
from staticlet.testing.until import until
from staticlet.testing.upprocess import NODE, is_ready

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "cluster"
PROGRAMS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "staticlet/kube/bin"

pytestmark = [
    pytest.mark.kube,
    pytest.mark.containerd,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
    pytest.mark.skipif(not kubectl.programs(), reason="there is no kubectl"),
    pytest.mark.skipif(
        not all((PROGRAMS / name).exists() for name in FOUR),
        reason=f"no control plane in {PROGRAMS}: `make kube` builds it (ten minutes or more)",
    ),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    """A machine with an agent that has four manifests and an API server that does not run yet."""
    with controlplane.running(examples=EXAMPLES, programs=PROGRAMS) as made:
        made.start()
        began = time.monotonic()
        for name in FOUR:
            made.put(name)
        until(
            lambda: is_ready(made.node()), "the node is ready", deadline_s=SLOW_S, story=made.story
        )
        ready = time.monotonic() - began
        made.until_all_run()
        shown = time.monotonic() - began
        print(f"node ready after {ready:.1f} s, all four shown after {shown:.1f} s")  # noqa: T201
        yield made


def uid(found: dict[str, Any]) -> str:
    return str(found["metadata"]["uid"])


def until_another_uid(cluster: ControlPlane, pod: str, old: str) -> None:
    def look() -> bool:
        found = cluster.shown(pod)
        return bool(found) and uid(found) != old

    until(look, f"{pod} is back", story=cluster.story)


def test_the_agent_runs_the_control_plane_that_it_joins(cluster: ControlPlane) -> None:
    assert cluster.table() == {f"{name}-{NODE}": ("1/1", "Running") for name in FOUR}
    for name in FOUR:
        (owner,) = cluster.shown(f"{name}-{NODE}")["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Node", uid(cluster.node()))


def test_no_scheduler_ever_sees_a_static_pod_and_it_places_what_the_controllers_make(
    cluster: ControlPlane,
) -> None:
    (cluster.base / "workloads.yaml").write_text(cluster.example("workloads.yaml"))
    # Pods are refused until the controller manager has made the namespace's account.
    cluster.kubectl("apply", "-f", str(cluster.base / "workloads.yaml"))

    def both() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = cluster.kubectl.json("get", "pods")["items"]
        return found if len(found) == 2 and all(map(is_ready, found)) else []

    pods = until(both, "both run", deadline_s=SLOW_S, story=cluster.story)
    owners = {one["metadata"]["ownerReferences"][0]["kind"] for one in pods}
    assert owners == {"DaemonSet", "ReplicaSet"}
    placed = {
        one["involvedObject"]["name"]
        for one in cluster.kubectl.json("get", "events", "-A")["items"]
        if one["reason"] == "Scheduled"
    }
    assert placed == {one["metadata"]["name"] for one in pods}
    until(
        lambda: cluster.kubectl.run("logs", "daemonset/everywhere").out.startswith(
            "I am on every"
        ),
        "the log is read through the API server",
        story=lambda: cluster.kubectl.run("logs", "daemonset/everywhere").err,
    )
    cluster.kubectl("delete", "-f", str(cluster.base / "workloads.yaml"))
    until(lambda: not cluster.table("default"), "both are gone", deadline_s=SLOW_S)
    assert set(cluster.table()) == {f"{name}-{NODE}" for name in FOUR}


@pytest.mark.parametrize("name", FOUR)
def test_what_is_killed_comes_back(cluster: ControlPlane, name: str) -> None:
    before = cluster.container(f"{name}-{NODE}")
    os.kill(cluster.tasks()[before], signal.SIGKILL)
    cluster.until_others(f"{name}-{NODE}", before)
    cluster.until_all_run()


def test_a_mirror_that_is_deleted_comes_back_and_nothing_else_happens(
    cluster: ControlPlane,
) -> None:
    before = cluster.tasks()
    for name in FOUR:
        mirror = f"{name}-{NODE}"
        old = uid(cluster.shown(mirror))
        cluster.kubectl("delete", "pod", mirror, "-n", SYSTEM)
        until_another_uid(cluster, mirror, old)
    cluster.until_all_run()
    assert cluster.tasks() == before


def test_an_edited_manifest_is_another_pod(cluster: ControlPlane) -> None:
    before = {name: cluster.container(f"{name}-{NODE}") for name in FOUR}
    for name in FOUR:
        cluster.put(name, memory="99Mi")
    for name in FOUR:
        cluster.until_others(f"{name}-{NODE}", before[name])
        spec = cluster.shown(f"{name}-{NODE}")["spec"]
        assert spec["containers"][0]["resources"]["requests"]["memory"] == "99Mi"
    cluster.until_all_run()
