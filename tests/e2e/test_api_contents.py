"""Config maps, secrets and tokens in pods of the API, on a real containerd, with stock kubectl."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from staticlet.host import mounts
from staticlet.runtime.managed import ociimage
from staticlet.testing import agent as agents
from staticlet.testing import apirun, registry, upprocess
from staticlet.testing import until as waiting
from staticlet.testing.agent import NODE, Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.kubectl import Kubectl, programs
from staticlet.testing.scripted import WAIT, pod, script

pytestmark = [
    pytest.mark.skipif(not programs(), reason="there is no kubectl"),
    pytest.mark.timeout(120),
]

SCHEDULER = True
SECRET = "h0sh-h0sh"
LOOK = "while true; do cat /v/{0} 2>/dev/null; echo; sleep 0.2; done"
"""Tells again and again what is in a file."""


@pytest.fixture(scope="module")
def kubectl(api_server: apirun.Server, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    home = tmp_path_factory.mktemp("home")
    return Kubectl(program=programs()[0], kubeconfig=api_server.kubeconfig, home=home)


@pytest.fixture(scope="module")
def agent(
    api_server: apirun.Server, kubectl: Kubectl, containerd: Containerd, place: Path
) -> Iterator[agents.Agent]:
    flags = (f"--kubeconfig={api_server.node_kubeconfig}", "--node-ip=127.0.0.1")
    with agents.running(place, containerd, config=agents.QUICK, flags=flags) as made:
        chosen = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
        ready = ("get", "node", NODE, "-o", chosen)
        until(lambda: "True" in kubectl.run(*ready).out, "the node is ready", made)
        yield made


@pytest.fixture(autouse=True)
def _nothing_outlives_its_test(kubectl: Kubectl, agent: Agent) -> Iterator[None]:
    yield
    kubectl("delete", "pods", "--all", "--grace-period=1", "--wait=false")
    until(lambda: not agent.owned() or agent.pid is None, "all pods are gone", agent, 40)
    for kind in ("configmaps", "secrets"):
        kubectl("delete", kind, "-l", "of=test")


def until(look: Any, what: str, agent: Agent, deadline_s: float = 20.0) -> Any:
    return waiting.until(look, what, deadline_s=deadline_s, story=agent.story)


def put(kubectl: Kubectl, made: Any) -> None:
    kubectl("apply", "-f", "-", stdin=json.dumps(made))


def of_test(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    meta = {"name": name, "labels": {"of": "test"}}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **fields}


def config_map(kubectl: Kubectl, name: str, **data: str) -> None:
    put(kubectl, of_test("ConfigMap", name, data=data))


def secret(kubectl: Kubectl, name: str, **data: str) -> None:
    coded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    kubectl("create", "-f", "-", stdin=json.dumps(of_test("Secret", name, data=coded)))


def mounting(name: str, script_text: str, volume: Mapping[str, Any], **spec: Any) -> Any:
    """A pod that has the volume at `/v`."""
    mount = [{"name": "v", "mountPath": "/v"}]
    volumes = [{"name": "v", **volume}]
    return pod(name, script(script_text, volumeMounts=mount), volumes=volumes, **spec)


def status(kubectl: Kubectl, name: str) -> Any:
    said = kubectl.run("get", "pod", name, "-o", "json")
    return json.loads(said.out)["status"] if said.status == 0 else {}


def waits_for(kubectl: Kubectl, name: str) -> Any:
    """The waiting state of a pod's container."""
    statuses = status(kubectl, name).get("containerStatuses") or [{}]
    return (statuses[0].get("state") or {}).get("waiting") or {}


def described(kubectl: Kubectl, name: str) -> str:
    return kubectl.run("describe", "pod", name).out


def says(agent: Agent, name: str, words: str) -> Any:
    return lambda: words in words_of(agent, name)


def words_of(agent: Agent, name: str, restart: int = 0) -> str:
    """What one life of a pod's container has printed."""
    return printed(agent.pod_logs, name, restart)


def printed(logs: Path, name: str, restart: int = 0) -> str:
    (directory, *_) = [*logs.glob(f"default_{name}_*"), None]
    path = directory / f"main/{restart}.log" if directory else None
    lines = path.read_text().splitlines() if path and path.exists() else []
    return "".join(line.split(" ", 3)[3] + "\n" for line in lines)


def directory(agent: Agent, kubectl: Kubectl, name: str) -> Path:
    uid = kubectl("get", "pod", name, "-o", "jsonpath={.metadata.uid}")
    return agent.root / "pods" / uid


def test_a_pod_sees_config_maps_and_secrets_in_files_and_variables(
    agent: Agent, kubectl: Kubectl
) -> None:
    kubectl("create", "configmap", "colours", "--from-literal=sky=blue")
    kubectl("create", "secret", "generic", "keys", f"--from-literal=door={SECRET}")
    try:
        named = {"name": "DOOR", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "door"}}}
        made = pod(
            "both",
            script(
                "cat /c/sky; echo; cat /s/door; echo; echo $DOOR/$MY_sky; " + WAIT,
                env=[named],
                envFrom=[{"prefix": "MY_", "configMapRef": {"name": "colours"}}],
                volumeMounts=[
                    {"name": "c", "mountPath": "/c"},
                    {"name": "s", "mountPath": "/s"},
                ],
            ),
            volumes=[
                {"name": "c", "configMap": {"name": "colours"}},
                {"name": "s", "secret": {"secretName": "keys", "defaultMode": 0o400}},
            ],
        )
        put(kubectl, made)
        words = f"blue\n{SECRET}\n{SECRET}/blue\n"
        until(lambda: words_of(agent, "both") == words, "it says what it sees", agent)
        volumes = directory(agent, kubectl, "both") / "volumes"
        door = volumes / "kubernetes.io~secret/s/door"
        assert stat.S_IMODE(door.stat().st_mode) == 0o400
        assert [one.fstype for one in mounts.at(door.parent)] == ["tmpfs"]
        assert SECRET not in agent.log
        assert SECRET not in agent.cli("pods", "-o", "yaml")
        assert SECRET not in agent.cli("pods", "-o", "json")
        assert not readable_by_others(agent.root, SECRET)
        kubectl("delete", "pod", "both", "--grace-period=1", "--timeout=20s")
        until(lambda: not volumes.parent.exists(), "its directory is gone", agent)
        assert not mounts.below(volumes.parent)
    finally:
        kubectl("delete", "configmap/colours", "secret/keys")


def readable_by_others(root: Path, words: str) -> list[Path]:
    """Files below that hold the words, and that another user can get at."""
    seen = []
    command = ["grep", "-rlF", "--devices=skip", words, str(root)]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for path in map(Path, found.splitlines()):
        above = [one for one in path.parents if one.is_relative_to(root)]
        closed = any(not one.stat().st_mode & stat.S_IXOTH for one in above)
        if not closed and path.stat().st_mode & stat.S_IROTH:
            seen.append(path)
    return seen


def test_what_changes_comes_to_the_volume_and_to_no_sub_path(
    agent: Agent, kubectl: Kubectl
) -> None:
    config_map(kubectl, "live", a="one", b="gone")
    made = mounting("live", "", {"configMap": {"name": "live"}})
    (container,) = made["spec"]["containers"]
    container["command"][2] = (
        "while true; do echo $(ls /v) $(cat /v/a) fixed=$(cat /fixed); sleep 0.2; done"
    )
    container["volumeMounts"].append({"name": "v", "mountPath": "/fixed", "subPath": "a"})
    put(kubectl, made)
    until(says(agent, "live", "a b one fixed=one"), "it sees the first", agent)
    life = agent.until_runs("live")
    put(kubectl, of_test("ConfigMap", "live", data={"a": "two", "c": "new"}))
    until(says(agent, "live", "a c two fixed=one"), "it sees the second", agent, 10)
    assert agent.life("live") == life


def test_what_changed_while_no_agent_ran_comes_with_the_next_one(
    agent: Agent, kubectl: Kubectl
) -> None:
    config_map(kubectl, "away", a="one")
    put(kubectl, mounting("away", LOOK.format("a"), {"configMap": {"name": "away"}}))
    until(says(agent, "away", "one"), "it sees the first", agent)
    life = agent.until_runs("away")
    agent.kill()
    put(kubectl, of_test("ConfigMap", "away", data={"a": "two"}))
    agent.start()
    until(says(agent, "away", "two"), "it sees the second", agent)
    assert agent.until_runs("away") == life


@pytest.mark.parametrize("kind", ["configmap", "secret"])
def test_a_volume_of_what_is_not_there_waits_and_starts_when_it_comes(
    agent: Agent, kubectl: Kubectl, kind: str
) -> None:
    field = {"configmap": "configMap", "secret": "secret"}[kind]
    named = {"configmap": "name", "secret": "secretName"}[kind]
    put(kubectl, mounting("late", f"cat /v/a; echo; {WAIT}", {field: {named: "later"}}))
    words = f'MountVolume.SetUp failed for volume "v" : {kind} "later" not found'
    until(lambda: words in described(kubectl, "late"), "it says what is missing", agent)
    assert "FailedMount" in described(kubectl, "late")
    assert waits_for(kubectl, "late")["reason"] == "ContainerCreating"
    assert agent.life("late") is None
    make = {"configmap": config_map, "secret": secret}[kind]
    make(kubectl, "later", a="it came")
    until(says(agent, "late", "it came"), "it starts", agent, 5)


@pytest.mark.parametrize("kind", ["configmap", "secret"])
def test_a_variable_of_what_is_not_there_waits_and_starts_when_it_comes(
    agent: Agent, kubectl: Kubectl, kind: str
) -> None:
    field = {"configmap": "configMapKeyRef", "secret": "secretKeyRef"}[kind]
    chosen = {"name": "A", "valueFrom": {field: {"name": "later", "key": "a"}}}
    put(kubectl, pod("lacks", script(f"echo A=$A; {WAIT}", env=[chosen])))
    words = f'{kind} "later" not found'
    until(lambda: waits_for(kubectl, "lacks").get("message") == words, "it says what lacks", agent)
    assert waits_for(kubectl, "lacks")["reason"] == "CreateContainerConfigError"
    make = {"configmap": config_map, "secret": secret}[kind]
    make(kubectl, "later", b="not this")
    title = {"configmap": "ConfigMap", "secret": "Secret"}[kind]
    words = f"couldn't find key a in {title} default/later"
    until(lambda: waits_for(kubectl, "lacks").get("message") == words, "it lacks a key", agent)
    patch = {"data": {"a": base64.b64encode(b"it came").decode()}}
    if kind == "configmap":
        patch = {"data": {"a": "it came"}}
    kubectl("patch", kind, "later", "--type=merge", "-p", json.dumps(patch))
    until(says(agent, "lacks", "A=it came"), "it starts", agent, 5)


def test_what_is_optional_may_be_missing_and_names_that_are_none_are_told(
    agent: Agent, kubectl: Kubectl
) -> None:
    config_map(kubectl, "odd", **{"1st": "x", "fine": "yes"})
    sources = [
        {"configMapRef": {"name": "odd"}},
        {"secretRef": {"name": "none", "optional": True}},
    ]
    made = mounting(
        "free", f"echo fine=$fine; {WAIT}", {"secret": {"secretName": "none", "optional": True}}
    )
    made["spec"]["containers"][0]["envFrom"] = sources
    put(kubectl, made)
    until(says(agent, "free", "fine=yes"), "it runs", agent)
    words = "Keys [1st] from the EnvFrom configMap default/odd were skipped"
    until(lambda: words in described(kubectl, "free"), "it is told", agent)
    assert "InvalidEnvironmentVariableNames" in described(kubectl, "free")


def test_a_user_of_its_own_reads_what_its_group_may(agent: Agent, kubectl: Kubectl) -> None:
    secret(kubectl, "grouped", a=SECRET)
    security = {"runAsUser": 1234, "fsGroup": 4321}
    made = mounting(
        "grouped",
        f"cat /v/a; echo; {WAIT}",
        {"secret": {"secretName": "grouped", "defaultMode": 0o400}},
        securityContext=security,
    )
    put(kubectl, made)
    until(says(agent, "grouped", SECRET), "it reads it", agent)


def test_a_projected_volume_has_a_token_bound_to_the_pod_beside_everything_else(
    agent: Agent, kubectl: Kubectl
) -> None:
    config_map(kubectl, "trust", **{"ca.crt": "a certificate"})
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "trust", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {
            "downwardAPI": {
                "items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]
            }
        },
    ]
    text = f"cat /v/ca.crt; echo; cat /v/namespace; echo; cat /v/token; echo; {WAIT}"
    put(kubectl, mounting("robot", text, {"projected": {"sources": sources}}))
    until(lambda: len(words_of(agent, "robot")) > 100, "it has a token", agent)
    certificate, namespace, token = words_of(agent, "robot").splitlines()
    assert (certificate, namespace) == ("a certificate", "default")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == "system:serviceaccount:default:default"
    uid = kubectl("get", "pod", "robot", "-o", "jsonpath={.metadata.uid}")
    assert claims["kubernetes.io"]["pod"] == {"name": "robot", "uid": uid}
    assert token not in agent.log


def test_a_pod_that_has_ended_keeps_no_secret_on_the_machine(
    agent: Agent, kubectl: Kubectl
) -> None:
    secret(kubectl, "brief", a=SECRET)
    volume = {"secret": {"secretName": "brief"}}
    put(kubectl, mounting("job", "cat /v/a; echo", volume, restartPolicy="Never"))
    until(lambda: status(kubectl, "job").get("phase") == "Succeeded", "it has ended", agent)
    assert words_of(agent, "job") == f"{SECRET}\n"
    written = directory(agent, kubectl, "job") / "volumes/kubernetes.io~secret/v"
    until(lambda: not written.exists(), "it is gone", agent)
    assert not mounts.at(written)


def test_while_the_api_server_is_dead_a_pod_that_has_its_secret_is_restarted(
    agent: Agent, kubectl: Kubectl, api_server: apirun.Server
) -> None:
    secret(kubectl, "held", a=SECRET)
    chosen = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "held", "key": "a"}}}
    put(kubectl, pod("calm", script(f"echo A=$A; {WAIT}", env=[chosen])))
    life = agent.until_runs("calm")
    api_server.kill()
    try:
        agent.kill_task(life.container_id)
        after = agent.until_runs("calm", after=life)
        count = after.restart_count
        said = f"A={SECRET}\n"
        until(lambda: words_of(agent, "calm", restart=count) == said, "it has it", agent)
    finally:
        api_server.start()


def test_a_static_pod_may_still_refer_to_nothing(agent: Agent, kubectl: Kubectl) -> None:
    secret(kubectl, "api-only", a=SECRET)
    agent.manifests.put(
        "refers.yaml", mounting("refers", WAIT, {"secret": {"secretName": "api-only"}})
    )
    agent.until_entry("refers.yaml", "Refused")
    assert agent.life("refers") is None


def test_a_pull_secret_that_is_missing_is_told_and_the_pod_runs(
    agent: Agent, kubectl: Kubectl
) -> None:
    container = script(WAIT, imagePullPolicy="Always")
    put(kubectl, pod("pulls", container, imagePullSecrets=[{"name": "none"}]))
    words = "Unable to retrieve some image pull secrets (none)"
    until(lambda: words in described(kubectl, "pulls"), "it is told", agent)
    assert "FailedToRetrieveImagePullSecret" in described(kubectl, "pulls")


def test_a_pull_secret_opens_the_registry_that_it_is_for(
    agent: Agent, kubectl: Kubectl, tmp_path: Path
) -> None:
    arch = ociimage.architecture(os.uname().machine)
    archive = ociimage.image_archive(("x:1",), {}, run=ociimage.Run(cmd=("/none",)), arch=arch)
    with registry.running(tmp_path, secured=True) as private:
        image = private.push("private:1", archive)
        container = {"name": "main", "image": image}
        put(kubectl, pod("shut", container))
        until(lambda: "ErrImagePull" in described(kubectl, "shut"), "it is shut out", agent)
        words = [
            f"--docker-server={private.host}",
            f"--docker-username={registry.USER}",
            f"--docker-password={registry.PASSWORD}",
        ]
        kubectl("create", "secret", "docker-registry", "opens", *words)
        try:
            put(kubectl, pod("let-in", container, imagePullSecrets=[{"name": "opens"}]))
            pulled = f'Successfully pulled image "{image}"'
            until(lambda: pulled in described(kubectl, "let-in"), "it is let in", agent)
        finally:
            kubectl("delete", "secret", "opens")
    assert registry.PASSWORD not in agent.log


def test_the_token_that_a_cluster_gives_every_pod_is_there(
    agent: Agent, kubectl: Kubectl, api_server_kind: str
) -> None:
    if api_server_kind != apirun.KUBE:
        pytest.skip("staticlet api gives none")
    place = "/var/run/secrets/kubernetes.io/serviceaccount"
    server = "$KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"
    text = f"cat {place}/namespace; echo; cat {place}/token; echo; echo {server}; {WAIT}"
    put(kubectl, pod("plain", text, automountServiceAccountToken=True))
    until(lambda: len(words_of(agent, "plain").splitlines()) == 3, "it has a token", agent)
    namespace, token, place = words_of(agent, "plain").splitlines()
    assert namespace == "default"
    assert token.count(".") == 2
    address = kubectl("get", "service", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
    assert place == f"{address} 443"


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
def test_pods_of_a_controller_run_with_what_a_cluster_gives_them_and_roll_over(
    agent: Agent, kubectl: Kubectl, api_server_kind: str, kind: str
) -> None:
    if api_server_kind != apirun.KUBE:
        pytest.skip("staticlet api has no such controllers")
    config_map(kubectl, "rolls", colour="blue")
    name = kind.lower()
    container = script(f"echo $colour $KUBERNETES_SERVICE_PORT; {WAIT}")
    container["envFrom"] = [{"configMapRef": {"name": "rolls"}}]
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {**pod(name, container)["spec"], "automountServiceAccountToken": True},
    }
    chosen = {"matchLabels": {"app": name}}
    made = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"selector": chosen, "template": template},
    }
    put(kubectl, made)

    def says(words: str) -> bool:
        logs = agent.pod_logs.glob(f"default_{name}-*/main/0.log")
        return any(words in log.read_text() for log in logs)

    try:
        until(lambda: says("blue 443"), "its pod runs", agent)
        put(kubectl, of_test("ConfigMap", "rolls", data={"colour": "grey"}))
        kubectl("rollout", "restart", f"{kind}/{name}")
        until(lambda: says("grey 443"), "its next pod runs with what is there now", agent, 40)
    finally:
        kubectl("delete", kind, name, "--timeout=20s")


@pytest.mark.containerd
@pytest.mark.skipif(os.geteuid() != 0, reason="containers need root")
def test_on_a_bare_machine_with_staticlet_up_a_pod_sees_what_kubectl_has_made() -> None:
    with upprocess.running() as up:
        up.start()
        waiting.until(up.kubeconfig_is_there, "the API server has written its kubeconfig")
        up.until_node_is_ready()
        up.kubectl("create", "configmap", "colours", "--from-literal=sky=blue")
        up.kubectl("create", "secret", "generic", "keys", f"--from-literal=door={SECRET}")
        made = mounting(
            "both",
            "while true; do echo $(cat /v/sky) $(cat /v/door) $sky $door; sleep 0.2; done",
            {
                "projected": {
                    "sources": [
                        {"configMap": {"name": "colours"}},
                        {"secret": {"name": "keys"}},
                    ]
                }
            },
            terminationGracePeriodSeconds=1,
        )
        made["spec"]["containers"][0]["envFrom"] = [
            {"configMapRef": {"name": "colours"}},
            {"secretRef": {"name": "keys"}},
        ]
        up.kubectl("apply", "-f", "-", stdin=json.dumps(made))
        before, after = f"blue {SECRET} blue {SECRET}\n", f"grey {SECRET} blue {SECRET}\n"

        def says(words: str) -> bool:
            return words in printed(up.base / "log", "both")

        waiting.until(lambda: says(before), "it sees them", story=up.story)
        up.kubectl("patch", "configmap", "colours", "-p", '{"data": {"sky": "grey"}}')
        waiting.until(lambda: says(after), "it sees the change", story=up.story)
        up.kubectl("delete", "pod", "both", "--grace-period=1", "--timeout=20s")
        assert SECRET not in up.log
