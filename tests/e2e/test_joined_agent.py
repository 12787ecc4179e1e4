"""An agent with an API server: what the API shows, and that no pod ever waits for it."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import agent as agents
from staticlet.testing import apiclient, apirun, kubeconfigs, scripted
from staticlet.testing.agent import NODE, Agent, Life
from staticlet.testing.containerd import Containerd
from staticlet.testing.scripted import WAIT, script
from staticlet.testing.until import until

PODS = "/api/v1/namespaces/default/pods"
CLOSED = {**agents.QUICK, "enableServer": False, "healthzPort": 0}
NO_LONGER_S = 20.0
"""What four deeds may take on a busy machine; each that waited for an API takes 10 s more."""


@pytest.fixture(scope="module")
def agent(
    api_server: apirun.Server, containerd: Containerd, place: Path
) -> Iterator[agents.Agent]:
    flags = (f"--kubeconfig={api_server.node_kubeconfig}",)
    with agents.running(place, containerd, config=CLOSED, flags=flags) as made:
        yield made


def mirror(admin: apiclient.Client, name: str) -> Any:
    """The mirror of a pod; an empty object where there is none."""
    reply = admin.ask("GET", f"{PODS}/{name}-{NODE}")
    return reply.body if reply.code == 200 else {}


def pod(name: str, container: Any) -> dict[str, Any]:
    """A pod with a short grace: a TERM may come before the script has set its trap."""
    return scripted.pod(name, container, terminationGracePeriodSeconds=2)


def ready(found: Any) -> bool:
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for one in (found.get("status") or {}).get("conditions", ())
    )


def until_ready(admin: apiclient.Client, name: str, *, unlike: str = "") -> Any:
    """The mirror once its pod is shown as ready, and has another uid than `unlike`."""

    def look() -> Any:
        found = mirror(admin, name)
        return found if ready(found) and found["metadata"]["uid"] != unlike else {}

    return until(
        look, f"the mirror of {name} is ready", story=lambda: json.dumps(mirror(admin, name))
    )


def test_the_node_is_there_and_ready(agent: Agent, admin: apiclient.Client) -> None:
    found = until(
        lambda: [n for n in admin.get("/api/v1/nodes")["items"] if ready(n)], "the node is ready"
    )
    assert [one["metadata"]["name"] for one in found] == [NODE]
    path = f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{NODE}"
    until(lambda: admin.ask("GET", path).code == 200, "its lease is there")
    lease = admin.get(path)
    assert lease["spec"]["holderIdentity"] == NODE


def test_a_static_pod_is_shown_with_its_owner_its_annotations_and_its_events(
    agent: Agent, admin: apiclient.Client
) -> None:
    agent.manifests.put("web.yaml", pod("web", WAIT))
    agent.until_runs("web")
    found = until_ready(admin, "web")
    notes = found["metadata"]["annotations"]
    for name in ("hash", "mirror", "seen", "source"):
        assert notes[f"kubernetes.io/config.{name}"]
    node = admin.get(f"/api/v1/nodes/{NODE}")
    (owner,) = found["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Node", node["metadata"]["uid"])
    uid = notes["kubernetes.io/config.mirror"]

    def started() -> list[Any]:
        told = admin.get("/api/v1/namespaces/default/events")["items"]
        return [
            one
            for one in told
            if one["reason"] == "Started" and one["involvedObject"].get("uid") == uid
        ]

    assert until(started, "the event is there")
    agent.manifests.remove("web.yaml")
    agent.until_gone("web")
    until(lambda: not mirror(admin, "web"), "the mirror is gone")


def test_whatever_is_done_to_a_mirror_the_container_lives_on(
    agent: Agent, admin: apiclient.Client
) -> None:
    agent.manifests.put("kept.yaml", pod("kept", WAIT))
    life = agent.until_runs("kept")
    uid = until_ready(admin, "kept")["metadata"]["uid"]
    path = f"{PODS}/kept-{NODE}"
    for query in ({}, {"gracePeriodSeconds": "0"}):
        admin.delete(path, **query)
        uid = until_ready(admin, "kept", unlike=uid)["metadata"]["uid"]
    admin.patch(
        path, {"spec": {"containers": [{"name": "main", "image": "x"}]}}, kind="strategic-merge"
    )
    after = until_ready(admin, "kept", unlike=uid)
    assert after["spec"]["containers"][0]["image"] != "x"
    agent.runs_on(life, "kept")


def test_a_crash_is_shown(agent: Agent, admin: apiclient.Client) -> None:
    agent.manifests.put("crash.yaml", pod("crash", WAIT))
    life = agent.until_runs("crash")
    until_ready(admin, "crash")
    agent.kill_task(life.container_id)
    agent.until_runs("crash", after=life)

    def counted() -> bool:
        statuses = (mirror(admin, "crash").get("status") or {}).get("containerStatuses", ())
        return [one["restartCount"] for one in statuses] == [1]

    until(counted, "the restart is counted")


def test_while_the_api_server_is_dead_pods_live_as_ever_and_after_it_the_truth_is_told(
    agent: Agent, api_server: apirun.Server, admin: apiclient.Client
) -> None:
    agent.manifests.put("changed.yaml", pod("changed", script(env=[{"name": "A", "value": "1"}])))
    agent.manifests.put("removed.yaml", pod("removed", WAIT))
    agent.manifests.put("killed.yaml", pod("killed", WAIT))
    lives = {name: agent.until_runs(name) for name in ("changed", "removed", "killed")}
    before = {name: until_ready(admin, name) for name in lives}
    api_server.kill()
    agent.kill_task(lives["killed"].container_id)
    agent.manifests.remove("removed.yaml")
    agent.manifests.put("changed.yaml", pod("changed", script(env=[{"name": "A", "value": "2"}])))
    agent.manifests.put("added.yaml", pod("added", WAIT))
    agent.until_runs("killed", after=lives["killed"])
    agent.until_runs("changed", after=lives["changed"])
    agent.until_runs("added")
    agent.until_gone("removed")
    api_server.start()
    admin.close()  # its connection ended with the server
    until_ready(admin, "added")
    until_ready(admin, "changed", unlike=before["changed"]["metadata"]["uid"])
    until(lambda: not mirror(admin, "removed"), "the orphan is gone")
    assert mirror(admin, "killed")["metadata"]["uid"] == before["killed"]["metadata"]["uid"]


def test_an_api_server_that_dies_again_and_again_ends_with_what_the_manifests_say(
    agent: Agent, api_server: apirun.Server, admin: apiclient.Client
) -> None:
    for number in range(6):
        agent.manifests.put(f"m{number}.yaml", pod(f"m{number}", WAIT))
        api_server.kill()
        agent.manifests.remove(f"m{number - 2}.yaml")
        api_server.start()
    admin.close()
    wanted = {"m4", "m5"}
    lives: dict[str, Life] = {name: agent.until_runs(name) for name in wanted}
    for name in wanted:
        until_ready(admin, name)

    def names() -> set[str]:
        found = admin.get(PODS)["items"]
        return {one["metadata"]["name"].removesuffix(f"-{NODE}") for one in found}

    until(lambda: {n for n in names() if n.startswith("m")} == wanted, "the mirrors are right")
    for name, life in lives.items():
        agent.runs_on(life, name)


def test_an_api_server_that_swallows_everything_delays_no_pod(
    containerd: Containerd, place: Path, api_server: apirun.Server
) -> None:
    # Connections are made by the kernel and never answered: as with dropped packets, each request
    # waits for its deadline.
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        base = place.with_name(f"{place.name}s")
        base.mkdir()
        kubeconfig = kubeconfigs.write(
            base, f"https://127.0.0.1:{silent.getsockname()[1]}", user={"token": "x"}
        )
        flags = (f"--kubeconfig={kubeconfig}",)
        with agents.running(base / "a", containerd, config=CLOSED, flags=flags) as agent:
            began = time.monotonic()
            agent.manifests.put("one.yaml", pod("one", WAIT))
            life = agent.until_runs("one")
            os.kill(life.pid, signal.SIGKILL)
            life = agent.until_runs("one", after=life)
            agent.manifests.put("one.yaml", pod("one", script(env=[{"name": "A", "value": "2"}])))
            agent.until_runs("one", after=life)
            agent.manifests.remove("one.yaml")
            agent.until_gone("one")
            assert time.monotonic() - began < NO_LONGER_S
            said = [line for line in agent.log.splitlines() if "API server" in line]
            assert len(said) <= 3, said
