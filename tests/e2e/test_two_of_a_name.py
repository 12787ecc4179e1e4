"""Two agents with one node name on one API server: one goes on, the other says so; pods run on."""

from __future__ import annotations

from typing import Any

from staticlet.cli import agentsocket
from staticlet.testing import agent as agents
from staticlet.testing import apiclient, apirun
from staticlet.testing.agent import NODE, Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.scripted import WAIT, pod
from staticlet.testing.until import lasts, until

PODS = "/api/v1/namespaces/default/pods"
LEASE_S = 4
CONFIG = {
    **agents.QUICK,
    "enableServer": False,
    "healthzPort": 0,
    "nodeLeaseDurationSeconds": LEASE_S,
}


def mirrors(api: apiclient.Client) -> set[str]:
    return {one["metadata"]["name"] for one in api.get(PODS)["items"]}


def findings(agent: Agent) -> list[Any]:
    listed: list[Any] = agentsocket.ask(agent.socket, "/manifests")["findings"]
    return [one["message"] for one in listed if NODE in one["message"]]


def test_the_second_of_two_agents_stands_back_until_the_first_is_gone(
    containerd: Containerd, api_server: apirun.Server, admin: apiclient.Client
) -> None:
    flags = (f"--kubeconfig={api_server.node_kubeconfig}",)
    one, two = containerd.base / "one", containerd.base / "two"
    with agents.running(one, containerd, config=CONFIG, flags=flags) as first:
        first.manifests.put("a.yaml", pod("a", WAIT))
        until(lambda: mirrors(admin) == {f"a-{NODE}"}, "the first agent's pod is shown")
        with agents.running(two, containerd, config=CONFIG, flags=flags) as second:
            second.manifests.put("b.yaml", pod("b", WAIT))
            second.until_runs("b")
            until(lambda: findings(second), "the second agent has noticed", story=second.story)
            assert "another staticlet" in findings(second)[0]
            lasts(
                lambda: mirrors(admin) == {f"a-{NODE}"}, "only the first writes", for_s=2 * LEASE_S
            )
            assert findings(first) == []
            assert second.life("b") is not None
            first.stop()
            until(
                lambda: mirrors(admin) == {f"b-{NODE}"} and not findings(second),
                "the second agent has the name",
                deadline_s=60,
                story=second.story,
            )
