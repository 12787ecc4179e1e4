"""Pods of an API server that end early: for a static pod, in a hurry, at a deadline."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.kube import quantity
from staticlet.testing import agent as agents
from staticlet.testing import apirun
from staticlet.testing import until as waiting
from staticlet.testing.agent import NODE, Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.kubectl import Kubectl, programs
from staticlet.testing.scripted import WAIT, pod, script

pytestmark = [
    pytest.mark.skipif(not programs(), reason="there is no kubectl"),
    pytest.mark.timeout(120),
]

DEAF = "trap '' TERM; while true; do sleep 1; done"
LONG_S = 60
SOON_S = 20.0


@pytest.fixture(scope="module")
def kubectl(api_server: apirun.Server, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    home = tmp_path_factory.mktemp("home")
    return Kubectl(program=programs()[0], kubeconfig=api_server.kubeconfig, home=home)


@pytest.fixture(scope="module")
def agent(
    api_server: apirun.Server, kubectl: Kubectl, containerd: Containerd, place: Path
) -> Iterator[Agent]:
    flags = (f"--kubeconfig={api_server.node_kubeconfig}", "--node-ip=127.0.0.1")
    with agents.running(place, containerd, flags=flags) as made:
        until(lambda: kubectl.run("get", "node", NODE).status == 0, "the node is there", made)
        yield made
        kubectl("delete", "pods", "--all", "--grace-period=1", "--wait=false")


def until(look: Any, what: str, agent: Agent, deadline_s: float = SOON_S) -> Any:
    return waiting.until(look, what, deadline_s=deadline_s, story=agent.story)


def seen(kubectl: Kubectl, name: str) -> Any:
    """A pod as the API has it; an empty object where there is none."""
    said = kubectl.run("get", "pod", name, "-o", "json")
    return json.loads(said.out) if said.status == 0 else {}


def bind(kubectl: Kubectl, made: Any) -> None:
    made["spec"] |= {"nodeName": NODE, "automountServiceAccountToken": False}
    kubectl("apply", "-f", "-", stdin=json.dumps(made))


def until_failed(agent: Agent, kubectl: Kubectl, name: str) -> Any:
    def status() -> Any:
        found = seen(kubectl, name).get("status") or {}
        return found if found.get("phase") == "Failed" else {}

    return until(status, f"{name} has failed", agent)


def share_of_cpus(kubectl: Kubectl, percent: int) -> Any:
    """Requests of a share of what is allocatable here."""
    chosen = "jsonpath={.status.allocatable.cpu}"
    there = quantity.parse(kubectl("get", "node", NODE, "-o", chosen)).milli()
    return {"requests": {"cpu": f"{there * percent // 100}m"}}


def test_a_pod_ends_for_a_static_one_which_runs_once_it_is_dead(
    agent: Agent, kubectl: Kubectl
) -> None:
    large = share_of_cpus(kubectl, 60)
    bind(kubectl, pod("yields", script(WAIT, resources=large)))
    bind(kubectl, pod("stays", WAIT))
    victim, life = agent.until_runs("yields"), agent.until_runs("stays")
    agent.manifests.put("first.yaml", pod("first", script(WAIT, resources=large)))
    agent.until_runs("first")
    assert victim.container_id not in agent.pids()
    status = until_failed(agent, kubectl, "yields")
    assert status["reason"] == "Preempting"
    assert status["message"] == "Preempted in order to admit critical pod"
    (condition,) = (one for one in status["conditions"] if one["type"] == "DisruptionTarget")
    assert (condition["status"], condition["reason"]) == ("True", "TerminationByKubelet")
    assert condition["message"] == "Pod was preempted by Kubelet to accommodate a critical pod."
    until(
        lambda: "Preempting" in kubectl.run("describe", "pod", "yields").out, "it is told", agent
    )
    assert agent.life("stays") == life, "it takes nothing that is needed"


def test_a_static_pod_for_which_no_pod_could_make_room_ends_nobody(
    agent: Agent, kubectl: Kubectl
) -> None:
    bind(kubectl, pod("bystander", script(WAIT, resources=share_of_cpus(kubectl, 5))))
    life = agent.until_runs("bystander")
    too_large = share_of_cpus(kubectl, 150)
    agent.manifests.put("never.yaml", pod("never", script(WAIT, resources=too_large)))
    mirror = f"never-{NODE}"
    until(
        lambda: "this node has too little cpu" in kubectl.run("describe", "pod", mirror).out,
        "its mirror says so",
        agent,
    )
    assert seen(kubectl, mirror)["status"]["phase"] == "Pending"
    assert agent.life("bystander") == life


@pytest.mark.parametrize(
    "again", [("--grace-period=1",), ("--grace-period=0", "--force")], ids=["less", "force"]
)
def test_a_second_deletion_with_less_grace_ends_a_pod_sooner(
    agent: Agent, kubectl: Kubectl, again: tuple[str, ...]
) -> None:
    name = f"deaf-{len(again)}"
    bind(kubectl, pod(name, DEAF, terminationGracePeriodSeconds=LONG_S))
    life = agent.until_runs(name)
    kubectl("delete", "pod", name, "--wait=false")
    until(lambda: agent.pod(name)["metadata"].get("deletionTimestamp"), "it is going", agent)
    began = time.monotonic()
    kubectl("delete", "pod", name, "--wait=false", *again)
    until(lambda: life.container_id not in agent.pids(), "it is dead", agent)
    assert time.monotonic() - began < LONG_S / 2
    until(lambda: not seen(kubectl, name), "its object is gone", agent)


def test_a_pod_ends_at_its_deadline(agent: Agent, kubectl: Kubectl) -> None:
    bind(kubectl, pod("short", WAIT, activeDeadlineSeconds=3))
    life = agent.until_runs("short")
    status = until_failed(agent, kubectl, "short")
    assert status["reason"] == "DeadlineExceeded"
    assert status["message"] == "Pod was active on the node longer than the specified deadline"
    assert life.container_id not in agent.pids()


def test_an_ended_pod_that_keeps_a_mirror_away_is_told_until_somebody_deletes_it(
    agent: Agent, kubectl: Kubectl
) -> None:
    agent.manifests.put("own.yaml", pod("own", WAIT))
    life = agent.until_runs("own")
    mirror = f"own-{NODE}"
    until(lambda: seen(kubectl, mirror), "its mirror is there", agent)
    agent.stop()
    kubectl("delete", "pod", mirror, "--force", "--grace-period=0")
    bind(kubectl, pod(mirror, WAIT))
    agent.start()
    assert "static pod" in until_failed(agent, kubectl, mirror)["message"]
    words = f"kubectl delete pod -n default {mirror}"
    until(lambda: words in agent.cli("manifests"), "it is a finding", agent)
    until(lambda: words in kubectl.run("describe", "node", NODE).out, "it is an event", agent)
    kubectl("delete", "pod", mirror)
    notes = "kubernetes.io/config.mirror"
    until(
        lambda: notes in (seen(kubectl, mirror).get("metadata") or {}).get("annotations", {}),
        "its mirror is there again",
        agent,
    )
    until(lambda: words not in agent.cli("manifests"), "it is no finding any more", agent)
    assert agent.life("own") == life
