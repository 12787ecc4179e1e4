"""Pods that an API server binds to this node, made, shown and deleted with stock kubectl."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import agent as agents
from staticlet.testing import agentprocess, apirun, ports
from staticlet.testing import until as waiting
from staticlet.testing.agent import NODE, Agent
from staticlet.testing.containerd import BUSYBOX_REF, BUSYBOX_TAGGED, Containerd
from staticlet.testing.kubectl import Kubectl, programs
from staticlet.testing.scripted import WAIT, pod, script

pytestmark = [
    pytest.mark.skipif(not programs(), reason="there is no kubectl"),
    pytest.mark.timeout(120),
]

SCHEDULER = True
SOON_S = 15.0
"""Half the grace that a pod has of its own: it was not waited for."""

DEAF = "trap '' TERM; while true; do sleep 1; done"


@pytest.fixture(scope="module")
def kubectl(api_server: apirun.Server, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    home = tmp_path_factory.mktemp("home")
    return Kubectl(program=programs()[0], kubeconfig=api_server.kubeconfig, home=home)


@pytest.fixture(scope="module")
def agent(
    api_server: apirun.Server, kubectl: Kubectl, containerd: Containerd, place: Path
) -> Iterator[agents.Agent]:
    config = {
        **agents.QUICK,
        "enableServer": True,
        "address": "127.0.0.1",
        "port": ports.free(),
        "healthzPort": 0,
        "authentication": {"x509": {"clientCAFile": str(api_server.ca)}},
    }
    flags = (f"--kubeconfig={api_server.node_kubeconfig}", "--node-ip=127.0.0.1")
    with agents.running(place, containerd, config=config, flags=flags) as made:
        until(lambda: "True" in conditions(kubectl, "node", NODE), "the node is ready", made)
        yield made
        kubectl("delete", "pods", "--all", "--grace-period=1", "--wait=false")


def until(look: Any, what: str, agent: Agent, deadline_s: float = 20.0) -> Any:
    return waiting.until(look, what, deadline_s=deadline_s, story=agent.story)


def conditions(kubectl: Kubectl, kind: str, name: str) -> str:
    chosen = '{.status.conditions[?(@.type=="Ready")].status}'
    return kubectl.run("get", kind, name, "-o", f"jsonpath={chosen}").out


def seen(kubectl: Kubectl, name: str) -> Any:
    """A pod as the API has it; an empty object where there is none."""
    said = kubectl.run("get", "pod", name, "-o", "json")
    return json.loads(said.out) if said.status == 0 else {}


def put(kubectl: Kubectl, made: Any) -> None:
    kubectl("apply", "-f", "-", stdin=json.dumps(made))


def phase(kubectl: Kubectl, name: str) -> str:
    return str((seen(kubectl, name).get("status") or {}).get("phase", ""))


def until_ready(agent: Agent, kubectl: Kubectl, name: str) -> None:
    until(lambda: conditions(kubectl, "pod", name) == "True", f"{name} is ready", agent)


def until_phase(agent: Agent, kubectl: Kubectl, name: str, wanted: str) -> Any:
    until(lambda: phase(kubectl, name) == wanted, f"{name} is {wanted}", agent)
    return seen(kubectl, name)


def until_nothing(agent: Agent, kubectl: Kubectl, name: str) -> None:
    until(lambda: not seen(kubectl, name), f"{name} is gone in the API", agent)
    until(lambda: not agent.owned(), "nothing of any pod is left", agent)


@pytest.fixture(autouse=True)
def _no_pod_outlives_its_test(kubectl: Kubectl, agent: Agent) -> Iterator[None]:
    yield
    agent.manifests.clear()
    kubectl("delete", "pods", "--all", "--grace-period=1", "--wait=false")
    until(lambda: not agent.owned() or agent.pid is None, "all pods are gone", agent, 40)


def test_a_pod_that_is_run_runs_speaks_and_ends_when_it_is_deleted(
    agent: Agent, kubectl: Kubectl
) -> None:
    words = ["--command", "--", "sh", "-c", f"echo hello; {WAIT}"]
    kubectl("run", "web", f"--image={BUSYBOX_TAGGED}", *words)
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=20s")
    until(lambda: kubectl.run("logs", "web").out == "hello\n", "its log is read", agent)
    shown = seen(kubectl, "web")
    assert shown["status"]["podIP"].count(".") == 3
    assert shown["spec"]["nodeName"] == NODE
    assert "Started" in kubectl("describe", "pod", "web")
    life = agent.life("web", "web")
    assert life is not None
    kubectl("delete", "pod", "web", "--timeout=20s")
    assert life.container_id not in agent.pids()
    until_nothing(agent, kubectl, "web")


@pytest.mark.parametrize("flags", [["--grace-period=1"], ["--now"]])
def test_a_pod_that_does_not_obey_ends_within_the_grace_of_its_deletion(
    agent: Agent, kubectl: Kubectl, flags: list[str]
) -> None:
    put(kubectl, pod("deaf", DEAF))
    until_ready(agent, kubectl, "deaf")
    began = time.monotonic()
    kubectl("delete", "pod", "deaf", *flags, "--timeout=20s")
    assert time.monotonic() - began < SOON_S
    until_nothing(agent, kubectl, "deaf")
    assert "stopping (grace 1 s): it was deleted in the API server" in agent.log


def test_a_pod_that_is_deleted_by_force_is_stopped_all_the_same(
    agent: Agent, kubectl: Kubectl
) -> None:
    put(kubectl, pod("forced", WAIT))
    until_ready(agent, kubectl, "forced")
    kubectl("delete", "pod", "forced", "--force", "--grace-period=0")
    until_nothing(agent, kubectl, "forced")


@pytest.mark.parametrize(
    ("policy", "words", "wanted"),
    [
        ("Never", "exit 0", "Succeeded"),
        ("Never", "exit 3", "Failed"),
        ("OnFailure", "exit 0", "Succeeded"),
    ],
)
def test_a_pod_that_ends_stays_ended_also_after_a_restart_of_the_agent(
    agent: Agent, kubectl: Kubectl, policy: str, words: str, wanted: str
) -> None:
    put(kubectl, pod("job", f"echo done; {words}", restartPolicy=policy))
    ended = until_phase(agent, kubectl, "job", wanted)
    agent.kill()
    agent.start()
    until(lambda: agent.pod("job").get("status", {}).get("phase") == wanted, "it is known", agent)
    waiting.lasts(lambda: phase(kubectl, "job") == wanted, "it stays ended", for_s=1)
    again = seen(kubectl, "job")["status"]["containerStatuses"][0]
    assert again == ended["status"]["containerStatuses"][0]
    until(lambda: kubectl.run("logs", "job").out == "done\n", "its log is still there", agent)


def test_a_pod_that_fails_on_failure_is_run_again_with_a_back_off(
    agent: Agent, kubectl: Kubectl
) -> None:
    put(kubectl, pod("again", "exit 1", restartPolicy="OnFailure"))

    def counted() -> bool:
        statuses = (seen(kubectl, "again").get("status") or {}).get("containerStatuses")
        return bool(statuses) and statuses[0]["restartCount"] >= 2

    until(counted, "it was restarted twice", agent)
    events = kubectl("describe", "pod", "again")
    assert "Back-off restarting failed container main in pod again_default" in events


def test_an_agent_that_was_killed_finds_its_pods_as_they_were(
    agent: Agent, kubectl: Kubectl
) -> None:
    put(kubectl, pod("kept", WAIT))
    put(kubectl, pod("goes", WAIT))
    life, goes = agent.until_runs("kept"), agent.until_runs("goes")
    agent.kill()
    kubectl("delete", "pod", "goes", "--grace-period=1", "--wait=false")
    agent.start()
    until(lambda: agent.life("kept") == life, "it is found again", agent)
    until(lambda: not seen(kubectl, "goes"), "what was deleted meanwhile is gone", agent)
    assert goes.container_id not in agent.pids()
    agent.runs_on(life, "kept")


def test_while_the_api_server_is_dead_its_pods_live_on_and_after_it_the_truth_is_told(
    agent: Agent, kubectl: Kubectl, api_server: apirun.Server
) -> None:
    put(kubectl, pod("calm", WAIT))
    put(kubectl, pod("crash", WAIT))
    calm, crash = agent.until_runs("calm"), agent.until_runs("crash")
    until_ready(agent, kubectl, "crash")
    api_server.kill()
    try:
        agent.kill_task(crash.container_id)
        after = agent.until_runs("crash", after=crash)
        assert agent.life("calm") == calm
    finally:
        api_server.start()

    def counted() -> bool:
        return bool(
            seen(kubectl, "crash")["status"]["containerStatuses"][0]["restartCount"]
            == after.restart_count
        )

    until(counted, "the restart is counted", agent)
    assert agent.life("calm") == calm


def test_with_its_namespace_a_pod_goes(agent: Agent, kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "short")
    account = ("get", "serviceaccount", "default", "-n", "short")
    until(lambda: kubectl.run(*account).status == 0, "the namespace has its account", agent)
    made = pod("inner", WAIT, automountServiceAccountToken=False)
    put(kubectl, {**made, "metadata": {"name": "inner", "namespace": "short"}})
    life = agent.until_runs("inner")
    kubectl("delete", "namespace", "short", "--timeout=30s")
    assert life.container_id not in agent.pids()


def test_a_pod_that_is_evicted_is_stopped(
    agent: Agent, kubectl: Kubectl, api_server: apirun.Server, api_server_kind: str
) -> None:
    put(kubectl, pod("evicted", WAIT))
    agent.until_runs("evicted")
    admin = apirun.client(api_server)
    eviction = {
        "apiVersion": "policy/v1beta1" if api_server_kind == apirun.KUBE else "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "evicted", "namespace": "default"},
    }
    admin.create("/api/v1/namespaces/default/pods/evicted/eviction", eviction)
    admin.close()
    until_nothing(agent, kubectl, "evicted")


def test_init_containers_run_first_and_all_containers_are_shown(
    agent: Agent, kubectl: Kubectl
) -> None:
    made = pod("many", script(WAIT, "one"), script(WAIT, "two"))
    made["spec"]["initContainers"] = [script("echo first", "before")]
    put(kubectl, made)
    kubectl("wait", "--for=condition=Ready", "pod/many", "--timeout=20s")
    status = seen(kubectl, "many")["status"]
    assert [one["name"] for one in status["containerStatuses"]] == ["one", "two"]
    assert status["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    (row,) = kubectl("get", "pods", "--no-headers").splitlines()
    assert row.split()[:4] == ["many", "2/2", "Running", "0"]


def test_what_is_not_supported_is_said_and_the_pod_waits(agent: Agent, kubectl: Kubectl) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    volume = {"name": "v", "nfs": {"server": "localhost", "path": "/"}}
    put(kubectl, pod("lacks", script(WAIT, volumeMounts=mounts), volumes=[volume]))
    words = "volumes of kind nfs are not supported yet"
    until(lambda: words in kubectl.run("describe", "pod", "lacks").out, "it is said", agent)
    assert words in json.dumps(seen(kubectl, "lacks")["status"])
    assert phase(kubectl, "lacks") == "Pending"
    assert agent.life("lacks") is None


def test_a_pod_whose_host_port_is_taken_has_failed_and_is_not_run(
    agent: Agent, kubectl: Kubectl
) -> None:
    taken = [{"containerPort": 18080, "hostPort": 18080}]
    agent.manifests.put("holds.yaml", pod("holds", script(WAIT, ports=taken)))
    life = agent.until_runs("holds")
    made = pod("late", script(WAIT, ports=taken), nodeName=NODE)
    put(kubectl, made)
    status = until_phase(agent, kubectl, "late", "Failed")["status"]
    assert status["reason"] == "NodePorts"
    assert status["message"] == (
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the "
        "requested pod ports"
    )
    assert agent.life("late") is None
    assert agent.life("holds") == life


def test_a_static_pod_whose_host_port_is_taken_says_so_and_starts_when_it_is_free(
    agent: Agent, kubectl: Kubectl
) -> None:
    taken = [{"containerPort": 18081, "hostPort": 18081}]
    put(kubectl, pod("first", script(WAIT, ports=taken)))
    agent.until_runs("first")
    agent.manifests.put("waits.yaml", pod("waits", script(WAIT, ports=taken)))
    words = "host port 18081/TCP is in use by pod default/first"
    shown = agent.until_status("waits", "it says so", lambda s: words in s.get("message", ""))
    assert (shown["phase"], shown["reason"]) == ("Pending", "NodePorts")
    assert words in agent.cli("manifests")
    mirror = f"waits-{NODE}"
    until(lambda: words in kubectl.run("describe", "pod", mirror).out, "its mirror says so", agent)
    kubectl("delete", "pod", "first", "--grace-period=1", "--wait=false")
    agent.until_runs("waits")
    assert words not in agent.cli("manifests")
    assert not agent.pod("waits")["status"].get("message")


def test_an_image_that_is_changed_recreates_the_pod_and_a_label_does_not(
    agent: Agent, kubectl: Kubectl
) -> None:
    put(kubectl, pod("edited", script(WAIT, imagePullPolicy="IfNotPresent")))
    life = agent.until_runs("edited")
    kubectl("label", "pod", "edited", "some=label")
    until(
        lambda: (agent.pod("edited")["metadata"].get("labels") or {}).get("some") == "label",
        "the label is known",
        agent,
    )
    agent.runs_on(life, "edited")
    kubectl("set", "image", "pod/edited", f"main={BUSYBOX_REF}")
    agent.until_runs("edited", after=life)


def test_the_agents_own_commands_tell_where_a_pod_is_from(agent: Agent, kubectl: Kubectl) -> None:
    put(kubectl, pod("told", WAIT))
    agent.until_runs("told")
    assert "told" in agent.cli("pods")
    assert "told" not in agent.cli("manifests")
    story = agentprocess.agentsocket.ask(agent.socket, "/why?namespace=default&name=told")
    assert story["decisions"][0]["why"].startswith(
        "the API server bound it to this node: https://"
    )
