"""While the API server is away static pods live as ever, and after it the API soon tells so.

`make faults` has it away for a whole minute.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import agent as agents
from staticlet.testing import apiclient, apirun, scripted
from staticlet.testing.agent import NODE, Agent, Life
from staticlet.testing.containerd import Containerd
from staticlet.testing.scripted import WAIT, script
from staticlet.testing.until import pause, until

PODS = "/api/v1/namespaces/default/pods"
EVENTS = "/api/v1/namespaces/default/events"
CLOSED = {**agents.QUICK, "enableServer": False, "healthzPort": 0}
NAMES = ("crashes", "changes", "goes", "stays")
OUTAGE_S = 12.0
"""Longer than a request may take."""

TRUTH_S = 5.0


@pytest.fixture(scope="module")
def agent(
    api_server: apirun.Server, containerd: Containerd, place: Path
) -> Iterator[agents.Agent]:
    flags = (f"--kubeconfig={api_server.node_kubeconfig}",)
    with agents.running(place, containerd, config=CLOSED, flags=flags) as made:
        yield made


def pod(name: str, version: str) -> dict[str, Any]:
    env = [{"name": "VERSION", "value": version}]
    return scripted.pod(name, script(WAIT, env=env), terminationGracePeriodSeconds=2)


def shown(admin: apiclient.Client) -> dict[str, Any]:
    """What the API says of each pod: version, container, restarts, whether it is ready."""
    found = {}
    for one in admin.get(PODS)["items"]:
        name = one["metadata"]["name"].removesuffix(f"-{NODE}")
        found[name] = _state(one)
    return found


def true(agent: Agent) -> dict[str, Any]:
    """The same as it is."""
    return {name: _state(one) for name, one in agent.pods().items()}


def _state(one: Mapping[str, Any]) -> tuple[Any, ...]:
    status = one.get("status") or {}
    (container,) = status.get("containerStatuses") or ({},)
    ready = any(
        each["type"] == "Ready" and each["status"] == "True"
        for each in status.get("conditions") or ()
    )
    version = one["spec"]["containers"][0]["env"][0]["value"]
    return version, container.get("containerID"), container.get("restartCount"), ready


def until_true(agent: Agent, admin: apiclient.Client) -> float:
    """Wait until the API says what is so; how long that took."""
    began = time.monotonic()

    def differ() -> str:
        return f"{json.dumps(shown(admin))}\nis\n{json.dumps(true(agent))}{agent.story()}"

    until(lambda: shown(admin) == true(agent), "the API tells the truth", story=differ)
    return time.monotonic() - began


def kill(server: apirun.Server) -> Callable[[], None]:
    """End it; what is returned starts it."""
    server.kill()
    return server.start


def silence(server: apirun.Server) -> Callable[[], None]:
    """Have it hang: connections are accepted, and nothing is answered."""
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


@pytest.mark.timeout(150)
@pytest.mark.parametrize("end", [kill, silence])
def test_what_happens_while_the_api_server_is_away_is_told_within_five_seconds_after_it(
    agent: Agent,
    api_server: apirun.Server,
    admin: apiclient.Client,
    end: Callable[[apirun.Server], Callable[[], None]],
) -> None:
    for name in NAMES:
        agent.manifests.put(f"{name}.yaml", pod(name, "1"))
    lives: dict[str, Life] = {name: agent.until_runs(name) for name in NAMES}
    until_true(agent, admin)
    go_on = end(api_server)
    try:
        ends = time.monotonic() + OUTAGE_S
        admin.close()
        agent.kill_task(lives["crashes"].container_id)
        agent.manifests.put("changes.yaml", pod("changes", "2"))
        agent.manifests.remove("goes.yaml")
        agent.manifests.put("comes.yaml", pod("comes", "1"))
        crashed = agent.until_runs("crashes", after=lives["crashes"])
        agent.until_runs("changes", after=lives["changes"])
        agent.until_runs("comes")
        agent.until_gone("goes")
        pause(max(0.0, ends - time.monotonic()))
    finally:
        go_on()
    took = until_true(agent, admin)
    assert took < TRUTH_S, agent.story()
    told = shown(admin)
    assert set(told) == {"crashes", "changes", "stays", "comes"}
    assert [state[0] for _, state in sorted(told.items())] == ["2", "1", "1", "1"]
    restarts = lives["crashes"].restart_count + 1
    assert told["crashes"][1:] == (f"containerd://{crashed.container_id}", restarts, True)
    agent.runs_on(lives["stays"], "stays")
    uid = agent.pod("comes")["metadata"]["uid"]

    def started() -> bool:
        events = admin.get(EVENTS)["items"]
        return any(
            one["reason"] == "Started" and one["involvedObject"].get("uid") == uid
            for one in events
        )

    until(started, "what happened meanwhile is told, too", story=agent.story)
    agent.manifests.clear()
    until(lambda: not shown(admin), "all is gone", story=agent.story)
