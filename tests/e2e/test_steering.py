"""Steering from the command line, on real containers: logs, restarts, watches."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from staticlet.runtime.cri import channel, runtime
from staticlet.testing.agent import Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.scripted import WAIT, pod, script, shared
from staticlet.testing.until import DEADLINE_S, until

COUNT = "trap 'exit 0' TERM; i=0; while true; do echo $i; i=$((i+1)); sleep 0.05; done"
STEP = (
    "trap 'exit 0' TERM; echo life $(cat /shared/n); "
    "until test -e /shared/go; do sleep 0.05; done; echo last; exit 3"
)


class Command:
    """A command that runs on, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def text(self) -> str:
        """All of it."""
        return self._output.read_text()

    def until(self, words: str) -> None:
        """Wait until it has printed these words."""
        until(lambda: words in self.text, f"{words!r} is printed", story=lambda: self.text)

    def end(self) -> int:
        """Its exit status, once it ends by itself."""
        return self._process.wait(timeout=DEADLINE_S)


def said(agent: Agent, *args: str) -> tuple[int, str, str]:
    """What a command prints, and its exit status."""
    done = subprocess.run(
        [sys.executable, "-m", "staticlet", *args, f"--root-dir={agent.root}"],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )
    return done.returncode, done.stdout, done.stderr


@contextmanager
def running(agent: Agent, tmp_path: Path, *args: str) -> Iterator[Command]:
    """A command that goes on until the end of the block."""
    output = tmp_path / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "staticlet", *args, f"--root-dir={agent.root}"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield Command(process, output)
    finally:
        process.kill()
        process.wait()


async def reopen_log(endpoint: str, container_id: str) -> None:
    """Make the runtime write to a new file, as who rotates logs does."""
    async with channel.Connection(endpoint) as connection:
        await runtime.CriRuntime(connection, request_timeout_s=10).reopen_log(container_id)


def log_of(agent: Agent, name: str, restart: int = 0) -> Path:
    uid = agent.pod(name)["metadata"]["uid"]
    return agent.pod_logs / f"default_{name}-n1_{uid}" / "main" / f"{restart}.log"


def test_a_log_is_followed_over_restarts_and_the_life_before_can_be_read(
    agent: Agent, tmp_path: Path
) -> None:
    volume, mount = shared(tmp_path)
    (tmp_path / "n").write_text("one\n")
    once = script(STEP, volumeMounts=[mount])
    agent.manifests.put("step.yaml", pod("step", once, volumes=[volume]))
    agent.until_runs("step")
    assert said(agent, "logs", "step", "-p")[:2] == (1, "")
    with running(agent, tmp_path, "logs", "-f", "step") as command:
        command.until("life one\n")
        (tmp_path / "n").write_text("two\n")
        (tmp_path / "go").touch()
        command.until("life two\n")
        (tmp_path / "go").unlink(missing_ok=True)
        assert command.text.startswith("life one\nlast\nlife two\n")
    agent.until_runs("step")
    assert said(agent, "logs", "step", "--previous", "--tail=1")[:2] == (0, "last\n")


def test_a_rotated_log_is_followed_without_losing_a_line(
    agent: Agent, containerd: Containerd, tmp_path: Path
) -> None:
    agent.manifests.put("count.yaml", pod("count", COUNT))
    life = agent.until_runs("count")
    with running(agent, tmp_path, "logs", "-f", "count") as command:
        command.until("\n5\n")
        path = log_of(agent, "count")
        path.rename(path.with_name("0.log.20300101-000000"))
        asyncio.run(reopen_log(containerd.endpoint, life.container_id))
        until(path.exists, "the runtime writes a new log", story=agent.story)
        seen = len(command.text.splitlines())
        command.until(f"\n{seen + 20}\n")
        agent.manifests.remove("count.yaml")
        assert command.end() == 0
        lines = command.text.splitlines()
        assert lines == [str(number) for number in range(len(lines))]


def test_a_log_ends_with_a_pod_that_has_finished(agent: Agent, tmp_path: Path) -> None:
    agent.manifests.put("short.yaml", pod("short", "echo a; echo b >&2", restartPolicy="Never"))
    agent.until_status("short", "succeeds", lambda s: s["phase"] == "Succeeded")
    code, out, _ = said(agent, "logs", "-f", "short")
    assert (code, sorted(out.splitlines())) == (0, ["a", "b"])


def test_a_restart_is_graceful_counts_and_earns_no_back_off(agent: Agent, tmp_path: Path) -> None:
    volume, mount = shared(tmp_path)
    obeys = "trap 'sleep 1; echo stopped > /shared/words; exit 0' TERM; "
    main = script(obeys + "while true; do sleep 60 & wait $!; done", volumeMounts=[mount])
    agent.manifests.put("again.yaml", pod("again", main, volumes=[volume]))
    before = agent.until_runs("again")
    for count in (1, 2, 3):
        (tmp_path / "words").unlink(missing_ok=True)
        assert said(agent, "restart", "pod", "again") == (0, "pod/again-n1 restarted\n", "")
        after = agent.until_runs("again")
        assert (tmp_path / "words").read_text() == "stopped\n"
        assert after.restart_count == count
        assert after.container_id != before.container_id
        before = after
    agent.runs_on(before, "again")
    assert sorted(file.name for file in log_of(agent, "again").parent.iterdir()) == [
        "2.log",
        "3.log",
    ]


def test_a_finished_pod_is_run_once_more(agent: Agent) -> None:
    agent.manifests.put("job.yaml", pod("job", "echo done", restartPolicy="Never"))
    agent.until_status("job", "succeeds", lambda s: s["phase"] == "Succeeded")
    assert said(agent, "restart", "pod", "job-n1")[:2] == (0, "pod/job-n1 restarted\n")
    status = agent.until_status(
        "job",
        "succeeds again",
        lambda s: s["phase"] == "Succeeded" and s["containerStatuses"][0]["restartCount"] == 1,
    )
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert agent.words("job", restart=1) == "done\n"


def test_a_watch_sees_a_crash(agent: Agent, tmp_path: Path) -> None:
    agent.manifests.put("seen.yaml", pod("seen", WAIT))
    life = agent.until_runs("seen")
    with running(agent, tmp_path, "get", "pods", "-w", "seen") as command:
        command.until("seen-n1")
        agent.kill_task(life.container_id)
        command.until("Error")
        agent.until_runs("seen", after=life)
        command.until("1 (")
        agent.manifests.remove("seen.yaml")
        command.until("Terminating")
        rows = [line.split() for line in command.text.splitlines()]
        assert [row[2] for row in rows][:3] == ["STATUS", "Running", "Error"]


def test_who_watches_and_follows_is_told_that_the_agent_ends_and_does_not_hold_it_up(
    agent: Agent, tmp_path: Path
) -> None:
    agent.manifests.put("stays.yaml", pod("stays", "echo up; " + WAIT))
    life = agent.until_runs("stays")
    (tmp_path / "w").mkdir()
    with (
        running(agent, tmp_path, "logs", "-f", "stays") as follower,
        running(agent, tmp_path / "w", "get", "pods", "-w", "stays") as watcher,
    ):
        follower.until("up\n")
        watcher.until("Running")
        began = time.monotonic()
        assert agent.stop() == 0
        assert time.monotonic() - began < 1.5
        assert (follower.end(), watcher.end()) == (0, 0)
    agent.start()
    assert agent.until_runs("stays") == life
    assert said(agent, "logs", "stays")[:2] == (0, "up\n")
