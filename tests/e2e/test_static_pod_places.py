"""Static pods that this node does not take as it is: they say so, wait, and harm nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import agent as agents
from staticlet.testing.agent import Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.scripted import WAIT, pod, script

LABEL = "--node-labels=disk=ssd"
FAR_TOO_MUCH = {"requests": {"cpu": "4096"}}


@pytest.fixture(scope="module")
def agent(containerd: Containerd, place: Path) -> Iterator[Agent]:
    with agents.running(place, containerd, flags=(LABEL,)) as made:
        yield made


def sized(name: str, resources: Any) -> dict[str, Any]:
    return pod(name, script(WAIT, resources=resources))


def test_a_pod_for_another_node_is_pending_and_runs_once_its_manifest_is_changed(
    agent: Agent,
) -> None:
    agent.manifests.put("far.yaml", pod("far", WAIT, nodeSelector={"zone": "b"}))
    status = agent.until_status("far", "says why", lambda s: s.get("reason") == "NodeAffinity")
    assert status["phase"] == "Pending"
    words = "the labels of this node are not those that the pod asks for (zone=b); here: no zone"
    assert words in status["message"]
    assert words in agent.cli("manifests")
    assert not agent.sandboxes_of("far")
    agent.manifests.put("far.yaml", pod("far", WAIT, nodeSelector={"kubernetes.io/os": "linux"}))
    agent.until_runs("far")
    assert words not in agent.cli("manifests")


def test_a_pod_without_room_says_what_is_missing_and_how_much(agent: Agent) -> None:
    agent.manifests.put("large.yaml", sized("large", FAR_TOO_MUCH))
    status = agent.until_status("large", "says why", lambda s: s.get("reason") == "OutOfcpu")
    assert status["phase"] == "Pending"
    assert "this node has too little cpu: 4096 requested" in status["message"]
    assert re.search(r"large-n1 +0/1 +OutOfcpu ", agent.cli("pods"))
    agent.manifests.put("small.yaml", pod("small", WAIT))
    agent.until_runs("small")


def test_a_manifest_that_is_changed_into_one_without_room_costs_no_running_pod(
    agent: Agent,
) -> None:
    agent.manifests.put("typo.yaml", sized("typo", {"requests": {"cpu": "1m"}}))
    life = agent.until_runs("typo")
    agent.manifests.put("typo.yaml", sized("typo", FAR_TOO_MUCH))
    words = "runs on as before its manifest changed: OutOfcpu"
    agent.until_status("typo", "says so", lambda s: words in s.get("message", ""))
    agent.runs_on(life, "typo")
    agent.manifests.put("typo.yaml", sized("typo", {"requests": {"cpu": "2m"}}))
    agent.until_runs("typo", after=life)


def test_a_pod_that_runs_is_not_stopped_by_an_agent_that_would_not_take_it(agent: Agent) -> None:
    """The label with which the pod was let in is gone when the agent starts again."""
    agent.manifests.put("stays.yaml", pod("stays", WAIT, nodeSelector={"disk": "ssd"}))
    life = agent.until_runs("stays")
    agent.stop()
    agent.start(without=LABEL)
    assert agent.until_runs("stays") == life
    agent.runs_on(life, "stays")
    agent.kill_task(life.container_id)
    assert agent.until_runs("stays", after=life).restart_count == 1


def test_a_static_pod_ends_at_its_deadline_and_stays_ended(agent: Agent) -> None:
    agent.manifests.put("short.yaml", pod("short", WAIT, activeDeadlineSeconds=3))
    agent.until_runs("short")
    status = agent.until_status("short", "has failed", lambda s: s["phase"] == "Failed")
    assert status["reason"] == "DeadlineExceeded"
    assert status["message"] == "Pod was active on the node longer than the specified deadline"
    agent.stop()
    agent.start()
    status = agent.until_status("short", "has failed", lambda s: s["phase"] == "Failed")
    assert status["reason"] == "DeadlineExceeded"
    assert agent.life("short") is None
