"""Pods under rough handling: storms of edits and kills, a frozen runtime, foreign hands."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from staticlet.runtime import port
from staticlet.runtime.cri import channel, runtime
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing.agent import Agent
from staticlet.testing.scripted import WAIT, pod, script, shared
from staticlet.testing.until import pause, until


def word_of(agent: Agent, name: str) -> str:
    """What the running container has as $WORD."""
    life = agent.life(name)
    try:
        variables = Path(f"/proc/{life.pid}/environ").read_bytes() if life else b""
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it has ended since it was looked up
    found = (v for v in variables.decode().split("\0") if v.startswith("WORD="))
    return next(found, "").removeprefix("WORD=")


def test_the_last_of_many_edits_wins_and_no_two_ever_run_at_once(
    agent: Agent, tmp_path: Path
) -> None:
    volume, mount = shared(tmp_path)
    text = (
        "mkdir /shared/lock || touch /shared/double; "
        "trap 'rmdir /shared/lock; exit 0' TERM; while true; do sleep 60 & wait $!; done"
    )
    for number in range(24):
        one = script(text, env=[{"name": "WORD", "value": f"w{number}"}], volumeMounts=[mount])
        agent.manifests.put("storm.yaml", pod("storm", one, volumes=[volume]))
        if number % 7 == 3:
            agent.manifests.remove("storm.yaml")
        pause(0.013 * (number % 11))
    until(lambda: word_of(agent, "storm") == "w23", "the last edit runs", story=agent.story)
    until(lambda: len(agent.sandboxes_of("storm")) == 1, "one is left", story=agent.story)
    assert not (tmp_path / "double").exists()
    assert "Traceback" not in agent.log


def test_pods_that_are_killed_all_at_once_are_all_restarted(agent: Agent) -> None:
    names = [f"herd-{number}" for number in range(4)]
    for name in names:
        agent.manifests.put(f"{name}.yaml", pod(name, WAIT))
    lives = {name: agent.until_runs(name) for name in names}
    for count in (1, 2):
        for life in lives.values():
            agent.kill_task(life.container_id)
        lives = {name: agent.until_runs(name, after=life) for name, life in lives.items()}
        assert {life.restart_count for life in lives.values()} == {count}
    assert "Traceback" not in agent.log


def test_a_container_that_dies_together_with_its_sandbox_runs_again_in_a_new_one(
    agent: Agent,
) -> None:
    agent.manifests.put("fall.yaml", pod("fall", WAIT, script(name="b"), host_network=False))
    for _ in range(2):
        life = agent.until_runs("fall")
        agent.until_runs("fall", "b")
        (sandbox,) = agent.sandboxes_of("fall")
        for pid in (agent.pids()[sandbox], life.pid):
            os.kill(pid, signal.SIGKILL)
        agent.until_runs("fall", after=life)
        until(
            lambda gone=sandbox: gone not in agent.sandboxes_of("fall"),  # type: ignore[misc]
            "the old sandbox is removed",
            story=agent.story,
        )
    assert "Traceback" not in agent.log


def test_a_frozen_containerd_stops_no_answers_and_loses_no_exits(
    agent: Agent, containerd: containerd_of_ours.Containerd
) -> None:
    agent.manifests.put("froze.yaml", pod("froze", WAIT))
    life = agent.until_runs("froze")
    assert containerd.pid is not None
    os.kill(containerd.pid, signal.SIGSTOP)
    try:
        os.kill(life.pid, signal.SIGKILL)
        agent.manifests.put("thaw.yaml", pod("thaw", WAIT))
        agent.until_entry("thaw.yaml", "Accepted")
        assert "froze" in agent.pods()
        assert agent.stop() == 0
        agent.start()
    finally:
        os.kill(containerd.pid, signal.SIGCONT)
    assert agent.until_runs("froze", after=life).restart_count == 1
    agent.until_runs("thaw")


def on_the_runtime(
    containerd: containerd_of_ours.Containerd,
    work: Callable[[runtime.CriRuntime], Awaitable[None]],
) -> None:
    """Do to the runtime what crictl would, until it is not refused."""

    async def do() -> None:
        async with channel.Connection(containerd.endpoint) as connection:
            await work(runtime.CriRuntime(connection))

    def done() -> bool:
        try:
            asyncio.run(do())
        except port.RuntimeFault:
            return False
        return True

    until(done, "the runtime does it")


def test_what_others_remove_from_the_runtime_is_made_again(
    agent: Agent, containerd: containerd_of_ours.Containerd
) -> None:
    agent.manifests.put("taken.yaml", pod("taken", WAIT))
    life = agent.until_runs("taken")

    async def remove_container(cri: runtime.CriRuntime) -> None:
        await cri.stop_container(life.container_id, grace_s=0)
        await cri.remove_container(life.container_id)

    on_the_runtime(containerd, remove_container)
    after = agent.until_runs("taken", after=life)
    (sandbox,) = agent.sandboxes_of("taken")

    async def remove_sandbox(cri: runtime.CriRuntime) -> None:
        await cri.stop_sandbox(sandbox)
        await cri.remove_sandbox(sandbox)

    on_the_runtime(containerd, remove_sandbox)
    agent.until_runs("taken", after=after)
    until(lambda: agent.sandboxes_of("taken") != [sandbox], "another sandbox", story=agent.story)
    assert "Traceback" not in agent.log


def test_a_pod_that_is_being_stopped_is_stopped_on_by_the_next_agent(agent: Agent) -> None:
    slow = "trap 'sleep 2; exit 0' TERM; while true; do sleep 60 & wait $!; done"
    agent.manifests.put("leaving.yaml", pod("leaving", slow))
    agent.until_runs("leaving")
    agent.manifests.remove("leaving.yaml")
    until(
        lambda: agent.pod("leaving").get("metadata", {}).get("deletionTimestamp"),
        "it is going",
        story=agent.story,
    )
    assert agent.stop() == 0
    agent.start()
    until(lambda: not agent.owned_of("leaving"), "nothing is left", story=agent.story)


def test_whatever_a_container_leaves_in_its_volume_is_cleared_away(
    agent: Agent, tmp_path: Path
) -> None:
    (tmp_path / "precious").touch()
    mount = {"name": "v", "mountPath": "/v"}
    text = (
        f"cd /v; ln -s {tmp_path} link; mkfifo pipe; touch \"$(printf 'new\\nline')\"; "
        "i=0; while [ $i -lt 300 ]; do mkdir d && cd d; i=$((i+1)); done; echo end; " + WAIT
    )
    volume = {"name": "v", "emptyDir": {}}
    agent.manifests.put(
        "mess.yaml", pod("mess", script(text, volumeMounts=[mount]), volumes=[volume])
    )
    agent.until_runs("mess")
    until(lambda: agent.words("mess") == "end\n", "the mess is made", story=agent.story)
    uid = agent.pod("mess")["metadata"]["uid"]
    agent.manifests.remove("mess.yaml")
    agent.until_gone("mess")
    assert not (agent.root / "pods" / uid).exists()
    assert (tmp_path / "precious").exists()
