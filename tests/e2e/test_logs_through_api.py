"""`kubectl logs` of a static pod by its mirror: API server, agent and container are real."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from staticlet.testing import agent as agents
from staticlet.testing import apirun, ports
from staticlet.testing.agent import NODE, Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.kubectl import Kubectl, programs
from staticlet.testing.scripted import WAIT, pod
from staticlet.testing.until import until

pytestmark = pytest.mark.skipif(not programs(), reason="there is no kubectl")

COUNTS = f"for n in 1 2 3; do echo line $n; done; {WAIT}"


@pytest.fixture(scope="module")
def kubectl(api_server: apirun.Server, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    home = tmp_path_factory.mktemp("home")
    return Kubectl(program=programs()[0], kubeconfig=api_server.kubeconfig, home=home)


@pytest.fixture(scope="module")
def agent(
    api_server: apirun.Server, containerd: Containerd, place: Path
) -> Iterator[agents.Agent]:
    config = {
        **agents.QUICK,
        "enableServer": True,
        "address": "127.0.0.1",
        "port": ports.free(),
        "healthzPort": ports.free(),
        "authentication": {"x509": {"clientCAFile": str(api_server.ca)}},
    }
    flags = (f"--kubeconfig={api_server.node_kubeconfig}", "--node-ip=127.0.0.1")
    with agents.running(place, containerd, config=config, flags=flags) as made:
        yield made


def test_the_log_of_a_static_pod_is_read_by_its_mirror(agent: Agent, kubectl: Kubectl) -> None:
    agent.manifests.put("talks.yaml", pod("talks", COUNTS))
    agent.until_runs("talks")
    name, lines = f"talks-{NODE}", "line 1\nline 2\nline 3\n"
    until(lambda: kubectl.run("logs", name).out == lines, "the log is read", story=agent.story)
    assert kubectl("logs", name, "--tail=1") == "line 3\n"
    assert kubectl("logs", name, "--since=1h", "-c", "main") == lines
    stamp, words = kubectl("logs", name, "--tail=1", "--timestamps").split(" ", 1)
    assert (stamp[-1], words) == ("Z", "line 3\n")
    said = kubectl.refused("logs", "--previous", name)
    assert f'previous terminated container "main" in pod "{name}" not found' in said


def test_a_log_is_followed_to_the_end_of_a_life_which_is_then_the_previous_one(
    agent: Agent, kubectl: Kubectl
) -> None:
    agent.manifests.put("dies.yaml", pod("dies", f"echo life; {WAIT}"))
    life = agent.until_runs("dies")
    name = f"dies-{NODE}"
    until(lambda: kubectl.run("logs", name).out == "life\n", "the log is read")
    following = kubectl.start("logs", "--follow", name)
    agent.kill_task(life.container_id)
    assert following.communicate(timeout=30)[0] == "life\n"
    agent.until_runs("dies")
    until(lambda: kubectl.run("logs", "-p", name).out == "life\n", "the life before is read")


def test_the_node_is_asked_through_the_api_server_and_nobody_else_is_answered(
    agent: Agent, kubectl: Kubectl
) -> None:
    proxy = f"/api/v1/nodes/{NODE}/proxy"
    until(lambda: kubectl.run("get", "--raw", f"{proxy}/healthz").out == "ok", "it is well")
    shown = kubectl("get", "--raw", f"{proxy}/configz")
    assert '"kind":"KubeletConfiguration"' in shown
    assert '"kind":"PodList"' in kubectl("get", "--raw", f"{proxy}/pods")
    ends = kubectl.json("get", "node", NODE)["status"]["daemonEndpoints"]
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    talk = http.client.HTTPSConnection(
        "127.0.0.1", ends["kubeletEndpoint"]["Port"], context=blind, timeout=10
    )
    talk.request("GET", "/pods")
    answer = talk.getresponse()
    assert (answer.status, answer.read()) == (401, b"Unauthorized")
    talk.close()
