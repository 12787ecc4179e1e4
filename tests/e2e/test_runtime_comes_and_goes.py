"""The container runtime is absent, wrong, restarted, or shared with others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from staticlet.runtime.cri import channel, runtime
from staticlet.testing import agent as agents
from staticlet.testing import builders
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing.agent import Agent
from staticlet.testing.scripted import WAIT, pod, script
from staticlet.testing.until import until


def until_told(agent: Agent, words: str) -> None:
    until(lambda: words in agent.log, f"the log says {words!r}", story=agent.story)


def test_a_restart_of_containerd_touches_no_pod(
    agent: Agent, containerd: containerd_of_ours.Containerd
) -> None:
    agent.manifests.put("through.yaml", pod("through", WAIT))
    life = agent.until_runs("through")
    containerd.stop()
    agent.manifests.put("meanwhile.yaml", pod("meanwhile", WAIT))
    agent.until_entry("meanwhile.yaml", "Accepted")
    until_told(agent, "container runtime lost")
    containerd.start()
    agent.until_runs("meanwhile")
    agent.runs_on(life, "through")
    assert "Traceback" not in agent.log


def test_exits_while_containerd_was_dead_are_noticed(
    agent: Agent, containerd: containerd_of_ours.Containerd
) -> None:
    agent.manifests.put("exits.yaml", pod("exits", WAIT, script(name="b")))
    life, other = agent.until_runs("exits"), agent.until_runs("exits", "b")
    containerd.kill()
    os.kill(life.pid, signal.SIGKILL)
    containerd.start()
    after = agent.until_runs("exits", after=life)
    assert after.restart_count == 1
    assert agent.state("exits")["lastState"]["terminated"]["exitCode"] == 137
    agent.runs_on(other, "exits", "b")


def test_a_manifest_removed_while_containerd_was_dead_is_stopped_when_it_is_back(
    agent: Agent, containerd: containerd_of_ours.Containerd
) -> None:
    agent.manifests.put("leaves.yaml", pod("leaves", WAIT))
    agent.until_runs("leaves")
    containerd.kill()
    agent.manifests.remove("leaves.yaml")
    until(lambda: not agent.entry("leaves.yaml"), "the removal is seen", story=agent.story)
    containerd.start()
    agent.until_gone("leaves")
    assert agent.owned_of("leaves") == []


def test_an_agent_and_its_containerd_that_die_together_lose_nothing(
    agent: Agent, containerd: containerd_of_ours.Containerd
) -> None:
    agent.manifests.put("both.yaml", pod("both", WAIT))
    life = agent.until_runs("both")
    agent.kill()
    containerd.kill()
    agent.start()
    containerd.start()
    agent.until_runs("both")
    agent.runs_on(life, "both")


def test_a_runtime_that_is_absent_is_waited_for_and_told(
    containerd: containerd_of_ours.Containerd,
) -> None:
    late = containerd.base / "late.sock"
    with agents.running(
        containerd.base / "late", containerd, endpoint=f"unix://{late}"
    ) as waiting:
        waiting.manifests.put("late.yaml", pod("late", WAIT))
        until_told(waiting, f"waiting for a container runtime: there is no socket {late}")
        assert waiting.until_entry("late.yaml", "Accepted")["pods"]
        late.symlink_to(containerd.socket)
        waiting.until_runs("late")
        assert "Traceback" not in waiting.log


@contextlib.contextmanager
def talking_garbage(path: Path) -> Iterator[None]:
    """A listener that greets everybody with something that is no gRPC, until they hang up."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = listener.accept()
                with visitor, contextlib.suppress(OSError):
                    visitor.settimeout(5)
                    visitor.sendall(b"220 mail.example.lan ESMTP at your service\r\n" * 4)
                    while visitor.recv(65536):
                        pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def test_a_socket_of_something_else_is_told_and_waited_for(
    containerd: containerd_of_ours.Containerd,
) -> None:
    wrong = containerd.base / "wrong.sock"
    base = containerd.base / "wrong"
    with contextlib.ExitStack() as stack:
        with talking_garbage(wrong):
            started = agents.running(base, containerd, endpoint=f"unix://{wrong}")
            mistaken = stack.enter_context(started)
            mistaken.manifests.put("found.yaml", pod("found", WAIT))
            until_told(mistaken, f"{wrong} answers, but does not speak gRPC")
            wrong.unlink()
        mistaken.until_entry("found.yaml", "Accepted")
        wrong.symlink_to(containerd.socket)
        mistaken.until_runs("found")
        assert "Traceback" not in mistaken.log


def test_a_socket_that_speaks_plain_http_is_told(
    agent: Agent, containerd: containerd_of_ours.Containerd
) -> None:
    socket_path = containerd.base / "http.sock"
    socket_path.symlink_to(agent.socket)
    with agents.running(
        containerd.base / "http", containerd, endpoint=f"unix://{socket_path}"
    ) as mistaken:
        until_told(mistaken, f"{socket_path} answers, but does not speak gRPC")
        socket_path.unlink()
        socket_path.symlink_to(containerd.socket)
        until_told(mistaken, "answers\n")


def make_foreign_pod(endpoint: str, name: str) -> str:
    """A pod with the kubelet's labels that is nobody's of ours; its container's id."""

    async def make() -> str:
        async with channel.Connection(endpoint) as connection:
            cri = runtime.CriRuntime(connection)
            sandbox = builders.sandbox_config(name, uid="f" * 32)
            sandbox_id = await cri.run_sandbox(sandbox)
            container = builders.container_of(sandbox, "main", log_path="")
            container_id = await cri.create_container(sandbox_id, container, sandbox)
            await cri.start_container(container_id)
            return container_id

    return asyncio.run(make())


def test_what_is_not_ours_on_the_runtime_is_never_touched(
    agent: Agent, containerd: containerd_of_ours.Containerd
) -> None:
    of_cri = make_foreign_pod(containerd.endpoint, "like-n1")
    containerd.ctr("run", "-d", "localhost/busybox:1", "stranger", "sleep", "600")
    foreign = {name: agent.pids()[name] for name in (of_cri, "stranger")}
    agent.manifests.put("like.yaml", pod("like", WAIT))
    life = agent.until_runs("like")
    assert life.container_id != of_cri
    agent.stop()
    agent.start()
    agent.until_runs("like")
    agent.runs_on(life, "like")
    agent.manifests.remove("like.yaml")
    agent.until_gone("like")
    agent.until_settled()
    assert {name: agent.pids().get(name) for name in foreign} == foreign
    containerd.ctr("tasks", "kill", "-s", "SIGKILL", "stranger")
    until(lambda: "stranger" not in agent.pids(), "the stranger has ended")
    containerd.ctr("containers", "delete", "stranger")


def test_two_agents_live_side_by_side_on_one_containerd(
    agent: Agent, containerd: containerd_of_ours.Containerd
) -> None:
    def twin(word: str) -> dict[str, object]:
        return pod("twin", script(env=[{"name": "WORD", "value": word}]))

    with agents.running(containerd.base / "second", containerd) as second:
        agent.manifests.put("twin.yaml", twin("one"))
        second.manifests.put("twin.yaml", twin("two"))
        one, two = agent.until_runs("twin"), second.until_runs("twin")
        assert one.pid != two.pid
        second.manifests.put("own.yaml", pod("own", WAIT))
        second.until_runs("own")
        assert "own" not in agent.pods()
        agent.manifests.remove("twin.yaml")
        agent.until_gone("twin")
        agent.stop()
        agent.start()
        second.runs_on(two, "twin")
