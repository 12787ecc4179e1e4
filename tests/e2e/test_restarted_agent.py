"""An agent that begins anew: nothing that the API shows of its pods changes for a moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import agent as agents
from staticlet.testing import apiclient, apirun, scripted
from staticlet.testing.agent import NODE, Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.scripted import WAIT
from staticlet.testing.until import until

PODS = "/api/v1/namespaces/default/pods"
CLOSED = {**agents.QUICK, "enableServer": False, "healthzPort": 0}


@pytest.fixture(scope="module")
def agent(api_server: apirun.Server, containerd: Containerd, place: Path) -> Iterator[Agent]:
    flags = (f"--kubeconfig={api_server.node_kubeconfig}",)
    with agents.running(place, containerd, config=CLOSED, flags=flags) as made:
        yield made


def shown(admin: apiclient.Client, name: str) -> Any:
    """A mirror's version and status; an empty one where there is none."""
    reply = admin.ask("GET", f"{PODS}/{name}-{NODE}")
    if reply.code != 200:
        return "", {}
    return reply.body["metadata"]["resourceVersion"], reply.body.get("status") or {}


def until_shown(admin: apiclient.Client, name: str, holds: Callable[[Any], bool]) -> None:
    """Wait until a mirror's status is as it should be."""
    until(
        lambda: holds(shown(admin, name)[1]),
        f"{name} is shown as it is",
        story=lambda: json.dumps(shown(admin, name)),
    )


def is_ready(status: Any) -> bool:
    found = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    return found.get("Ready") == "True"


def has_crashed_once(status: Any) -> bool:
    counts = [one["restartCount"] for one in status.get("containerStatuses") or ()]
    return counts == [1] and is_ready(status)


def test_no_status_is_written_that_is_as_it_was(agent: Agent, admin: apiclient.Client) -> None:
    short = {"terminationGracePeriodSeconds": 2}
    first = scripted.script("exit 0", name="first")
    agent.manifests.put("web.yaml", scripted.pod("web", WAIT, initContainers=[first], **short))
    agent.manifests.put("done.yaml", scripted.pod("done", "exit 3", restartPolicy="Never"))
    life = agent.until_runs("web")
    agent.kill_task(life.container_id)
    agent.until_runs("web", after=life)
    until_shown(admin, "web", has_crashed_once)
    until_shown(admin, "done", lambda status: status.get("phase") == "Failed")
    before = {name: shown(admin, name) for name in ("web", "done")}

    agent.kill()
    agent.start()
    agent.manifests.put("later.yaml", scripted.pod("later", WAIT, **short))
    agent.until_runs("later")
    until_shown(admin, "later", is_ready)
    assert {name: shown(admin, name) for name in before} == before
