"""The agent is a witness of its pods: they outlive it, and the next one takes them as they are."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from staticlet.testing.agent import Agent
from staticlet.testing.scripted import WAIT, pod, script, shared
from staticlet.testing.until import until

LOCK = (
    "mkdir /shared/lock || touch /shared/double; touch /shared/{word}; "
    "trap 'sleep 0.5; rmdir /shared/lock; exit 0' TERM; while true; do sleep 60 & wait $!; done"
)
"""Tells when two of its kind run at once, and needs its grace to end."""


def kill_process(agent: Agent, pid: int) -> None:
    """Kill a container's process while nobody may be there to see it."""
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid not in agent.pids().values(), "containerd knows of the exit")


@pytest.mark.parametrize("end", [Agent.stop, Agent.kill], ids=["SIGTERM", "SIGKILL"])
def test_containers_outlive_the_agent_and_the_next_one_changes_nothing(
    agent: Agent, end: Callable[[Agent], object]
) -> None:
    agent.manifests.put("stay.yaml", pod("stay", WAIT, script(name="b")))
    agent.manifests.put("net.yaml", pod("net", WAIT, host_network=False))
    lives = {
        where: agent.until_runs(*where)
        for where in (("stay", "main"), ("stay", "b"), ("net", "main"))
    }
    before = agent.pod("net")["status"]["podIP"]
    assert end(agent) in (0, None)
    assert {life.pid for life in lives.values()} <= set(agent.pids().values())
    agent.start()
    for where, life in lives.items():
        agent.until_runs(*where)
        agent.runs_on(life, *where)
    assert agent.pod("net")["status"]["podIP"] == before
    agent.manifests.remove("stay.yaml")
    agent.until_gone("stay")


def test_restart_counts_outlive_the_agent(agent: Agent) -> None:
    agent.manifests.put("count.yaml", pod("count", WAIT))
    life = agent.until_runs("count")
    agent.kill_task(life.container_id)
    life = agent.until_runs("count", after=life)
    agent.stop()
    agent.start()
    assert agent.until_runs("count") == life
    assert life.restart_count == 1
    agent.stop()
    kill_process(agent, life.pid)
    agent.start()
    after = agent.until_runs("count", after=life)
    assert after.restart_count == 2
    assert agent.state("count")["lastState"]["terminated"]["exitCode"] == 137


def test_a_manifest_that_was_removed_while_no_agent_ran_has_its_full_grace(
    agent: Agent, tmp_path: Path
) -> None:
    volume, mount = shared(tmp_path)
    text = f"trap 'sleep 1.5; touch /shared/ended; exit 0' TERM; {WAIT.partition(';')[2]}"
    agent.manifests.put(
        "orphan.yaml",
        pod(
            "orphan",
            script(text, volumeMounts=[mount]),
            volumes=[volume],
            terminationGracePeriodSeconds=15,
        ),
    )
    agent.until_runs("orphan")
    uid = agent.pod("orphan")["metadata"]["uid"]
    agent.stop()
    agent.manifests.remove("orphan.yaml")
    agent.start()
    until(lambda: not agent.owned_of("orphan"), "nothing is left of it", story=agent.story)
    assert (tmp_path / "ended").exists()
    until(
        lambda: not (agent.root / "pods" / uid).exists(), "it is cleared away", story=agent.story
    )


def test_a_manifest_that_changed_while_no_agent_ran_is_served_with_no_two_at_once(
    agent: Agent, tmp_path: Path
) -> None:
    volume, mount = shared(tmp_path)

    def content(word: str) -> dict[str, object]:
        return pod("swap", script(LOCK.format(word=word), volumeMounts=[mount]), volumes=[volume])

    agent.manifests.put("swap.yaml", content("one"))
    before = agent.until_runs("swap")
    until((tmp_path / "one").exists, "it has begun", story=agent.story)
    agent.kill()
    agent.manifests.put("swap.yaml", content("two"))
    agent.start()
    until((tmp_path / "two").exists, "the new one runs", story=agent.story)
    after = agent.until_runs("swap", after=before)
    assert after.restart_count == 0
    assert not (tmp_path / "double").exists()


def test_a_manifest_that_turned_bad_while_no_agent_ran_keeps_its_last_good_pod(
    agent: Agent,
) -> None:
    agent.manifests.put("spoilt.yaml", pod("spoilt", WAIT))
    life = agent.until_runs("spoilt")
    agent.stop()
    agent.manifests.save("spoilt.yaml", "apiVersion: v1\nkind: [Pod\n")
    agent.start()
    assert agent.until_entry("spoilt.yaml", "Kept")["findings"]
    agent.until_runs("spoilt")
    agent.runs_on(life, "spoilt")
    agent.kill_task(life.container_id)
    assert agent.until_runs("spoilt", after=life).restart_count == 1


def test_files_renamed_and_rewritten_while_no_agent_ran_restart_nothing(agent: Agent) -> None:
    agent.manifests.put("was.yaml", pod("was", WAIT))
    life = agent.until_runs("was")
    agent.stop()
    agent.manifests.remove("was.yaml")
    agent.manifests.put("is.yaml", pod("was", WAIT))
    agent.start()
    agent.until_entry("is.yaml", "Accepted")
    agent.until_runs("was")
    agent.runs_on(life, "was")


def test_an_agent_that_is_killed_again_and_again_while_it_starts_pods_starts_each_once(
    agent: Agent, tmp_path: Path
) -> None:
    volume, mount = shared(tmp_path)
    names = [f"many-{n}" for n in range(4)]
    for name in names:
        text = f"mkdir /shared/{name} || touch /shared/double; {WAIT}"
        agent.manifests.put(
            f"{name}.yaml",
            pod(name, script(text, volumeMounts=[mount]), volumes=[volume]),
        )
    for _ in range(3):
        until(lambda: len(agent.owned()) > 0, "something starts", story=agent.story)
        agent.kill()
        agent.start()
    for name in names:
        agent.until_runs(name)
        until(
            lambda name=name: len(agent.sandboxes_of(name)) == 1,  # type: ignore[misc]
            "one sandbox is left",
            story=agent.story,
        )
    assert not (tmp_path / "double").exists()


def test_a_second_agent_on_the_same_root_directory_is_refused(agent: Agent) -> None:
    agent.manifests.put("only.yaml", pod("only", WAIT))
    life = agent.until_runs("only")
    status, words = agent.run_to_end()
    assert status == 1
    assert f"another agent (pid {agent.pid}) uses root directory {agent.root}" in words
    assert "Traceback" not in words
    agent.runs_on(life, "only")
