"""Signals: an end within a second, whatever hangs; a configuration read anew; no pod notices."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import agent as agents
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing.agent import Agent
from staticlet.testing.manifestdir import ManifestDirectory
from staticlet.testing.scripted import WAIT, pod, script
from staticlet.testing.until import until

SLOW_TO_END = "trap 'sleep 3; exit 0' TERM; while true; do sleep 60 & wait $!; done"
A_SECOND_S = 1.0
_numbers = itertools.count()
SPARE_S = 0.5
"""For a machine that is busy with other tests."""


@contextlib.contextmanager
def dead_registry() -> Iterator[str]:
    """A registry that takes connections and never says a word; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def watcher(agent: Agent) -> Iterator[subprocess.Popen[str]]:
    """A `staticlet get pods -w` that has printed its first lines."""
    with subprocess.Popen(
        [sys.executable, "-m", "staticlet", "get", "pods", "-w", f"--root-dir={agent.root}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("NAME")
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_agent_ends_within_a_second_in_the_middle_of_everything(
    agent: Agent, number: signal.Signals
) -> None:
    slow = pod("slow", SLOW_TO_END, terminationGracePeriodSeconds=30)
    agent.manifests.put("slow.yaml", slow)
    agent.manifests.put("stays.yaml", pod("stays", WAIT))
    ending, life = agent.until_runs("slow"), agent.until_runs("stays")
    with dead_registry() as registry, watcher(agent) as watching:
        pulling = pod("pulls", script(image=f"{registry}/x:1"))
        agent.manifests.put("pulls.yaml", pulling)
        until(lambda: "Pulling image" in agent.log, "the pull has begun", story=agent.story)
        agent.manifests.remove("slow.yaml")
        until(lambda: "slow-n1: stopping" in agent.log, "the stop has begun", story=agent.story)
        began = time.monotonic()
        pid = agent.pid
        assert pid is not None
        os.kill(pid, number)
        until(lambda: agent.pid is None, "the agent ends", story=agent.story)
        took_s = time.monotonic() - began
        assert watching.wait(timeout=5) is not None
    assert agent.stop() == 0
    assert took_s < A_SECOND_S + SPARE_S
    assert {ending.pid, life.pid} <= set(agent.pids().values())
    assert "Traceback" not in agent.log
    agent.manifests.remove("pulls.yaml")
    agent.start()
    assert agent.until_runs("stays") == life  # an agent that has just started looks first
    agent.until_gone("slow")
    agent.runs_on(life, "stays")


ENDING = """
import asyncio, signal, sys, time
from staticlet.cli import signals

async def main():
    stop = asyncio.Event()
    signals.handle(stop, asyncio.Event(), patience_s={patience_s})
    print("ready", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.to_thread(time.sleep, 60)  # a disk that hangs

asyncio.run(main())
"""


@contextlib.contextmanager
def hanging(patience_s: float | None) -> Iterator[subprocess.Popen[str]]:
    """A program whose end hangs, at the beginning of its end."""
    with subprocess.Popen(
        [sys.executable, "-c", ENDING.format(patience_s=patience_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            assert process.stdout.readline() == "stopping\n"
            yield process
        finally:
            process.kill()


def test_a_thread_that_hangs_on_a_disk_delays_no_end() -> None:
    with hanging(0.3) as process:
        assert process.wait(timeout=5) == 0


def test_a_second_signal_ends_it_at_once() -> None:
    with hanging(None) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 128 + signal.SIGTERM


def test_the_signal_of_the_watchdog_shows_where_it_hangs() -> None:
    with hanging(None) as process:
        process.send_signal(signal.SIGABRT)
        _, told = process.communicate(timeout=5)
        assert process.returncode == -signal.SIGABRT
        assert "Fatal Python error: Aborted" in told
        assert "in run" in told


@pytest.fixture
def moving(containerd: containerd_of_ours.Containerd, place: Path) -> Iterator[Agent]:
    """An agent whose manifest directory is in its configuration file."""
    base = place.with_name(f"{place.name}m{next(_numbers)}")
    base.mkdir()
    agent = Agent(base, containerd)
    configure(agent, staticPodPath=str(agent.manifests.path))
    try:
        agent.start(without=f"--pod-manifest-path={agent.manifests.path}")
        yield agent
    finally:
        try:
            configure(agent, staticPodPath=str(agent.manifests.path))
            hang_up(agent)
            agent.tidy()
        finally:
            agent.kill()


def configure(agent: Agent, **fields: Any) -> None:
    """Write another configuration file."""
    head = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
    more = {**agents.QUICK, "podLogsDir": str(agent.pod_logs), **fields}
    (agent.base / "config.yaml").write_text(json.dumps({**head, **more}))


def hang_up(agent: Agent) -> None:
    """SIGHUP."""
    pid = agent.pid
    assert pid is not None
    os.kill(pid, signal.SIGHUP)


def until_told(agent: Agent, words: str) -> None:
    until(lambda: words in agent.log, f"the log says {words!r}", story=agent.story)


def test_another_directory_and_another_log_without_a_restart_of_anything(moving: Agent) -> None:
    agent = moving
    agent.manifests.put("both.yaml", pod("both", WAIT))
    agent.manifests.put("old.yaml", pod("old", WAIT))
    life, _ = agent.until_runs("both"), agent.until_runs("old")
    new = ManifestDirectory(agent.base / "n")
    new.put("both.yaml", pod("both", WAIT))
    new.put("new.yaml", pod("new", WAIT))
    configure(
        agent,
        staticPodPath=str(new.path),
        seccompDefault=True,
        logging={"format": "json", "verbosity": 4},
    )
    hang_up(agent)
    agent.until_runs("new")
    agent.until_gone("old")
    assert agent.life("both") == life
    until_told(agent, "only with a new start of staticlet: seccompDefault stays False (not True)")
    until_told(agent, "changed: staticPodPath, logging.verbosity, logging.format")
    lines = [json.loads(line) for line in agent.log.splitlines() if line.startswith("{")]
    workers = [line for line in lines if line["logger"] == "staticlet.pods.acting"]
    assert {line["pod"] for line in workers} == {"default/old-n1", "default/new-n1"}
    starts = {line["container"] for line in workers if "starting container" in line["msg"]}
    assert starts == {"main"}
    assert all(len(line["uid"]) == 32 for line in workers)
    calls = [line for line in lines if line["logger"].endswith(".calls")]
    assert {line["pod"] for line in calls if line["call"] == "RunPodSandbox"} == {"default/new-n1"}
    assert all(line["ms"] > 0 for line in calls)


def test_a_configuration_that_does_not_hold_changes_nothing(moving: Agent) -> None:
    agent = moving
    agent.manifests.put("stays.yaml", pod("stays", WAIT))
    life = agent.until_runs("stays")
    configure(agent, staticPodPath="/nowhere", clusterDNS=["x"])
    hang_up(agent)
    until_told(agent, 'clusterDNS: "x" is not an IP address')
    until_told(agent, "the configuration is not taken: what held before goes on")
    configure(agent, staticPodPath="/nowhere")
    hang_up(agent)
    until_told(agent, "staticPodPath: /nowhere does not exist: the configuration is not taken")
    agent.runs_on(life, "stays")
    agent.manifests.put("more.yaml", pod("more", WAIT))
    agent.until_runs("more")


def test_systemd_hears_of_the_whole_life(
    moving: Agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agent = moving
    agent.manifests.put("one.yaml", pod("one", WAIT))
    agent.until_runs("one")
    agent.stop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "n"))
        systemd.settimeout(10)

        def hears(words: str) -> None:
            while not systemd.recv(4096).decode().startswith(words):
                pass

        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        agent.start(without=f"--pod-manifest-path={agent.manifests.path}")
        hears("READY=1")
        hears("STATUS=1 pod, 1 running; runtime containerd ")
        hears("WATCHDOG=1")
        hang_up(agent)
        hears("RELOADING=1\nMONOTONIC_USEC=")
        hears("READY=1")
        agent.stop()
        hears("STOPPING=1")
        monkeypatch.undo()
        agent.start(without=f"--pod-manifest-path={agent.manifests.path}")


def test_back_off_and_dns_change_for_what_comes_next(moving: Agent) -> None:
    agent = moving
    agent.manifests.put("stays.yaml", pod("stays", WAIT))
    life = agent.until_runs("stays")
    configure(
        agent,
        staticPodPath=str(agent.manifests.path),
        clusterDNS=["192.0.2.53"],
        featureGates={},
        crashLoopBackOff={"maxContainerRestartPeriod": "300s"},
    )
    hang_up(agent)
    until_told(agent, "configuration read anew; changed: ")
    asks = script(f"cat /etc/resolv.conf; {WAIT}")
    agent.manifests.put("asks.yaml", pod("asks", asks, dnsPolicy="ClusterFirstWithHostNet"))
    agent.until_runs("asks")
    until(
        lambda: "nameserver 192.0.2.53" in agent.words("asks"),
        "it has the new name server",
        story=agent.story,
    )
    agent.manifests.put("fails.yaml", pod("fails", "exit 1"))
    until(
        lambda: "back-off 10s" in str(agent.state("fails").get("state")),
        "the back-off is the new one",
        story=agent.story,
    )
    agent.runs_on(life, "stays")
