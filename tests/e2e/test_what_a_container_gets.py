"""What a container gets of its manifest: environment, files, volumes, limits, privileges."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staticlet.testing.agent import NODE_IP, Agent, Life
from staticlet.testing.scripted import WAIT, pod, script, shared
from staticlet.testing.until import until


def told(agent: Agent, name: str, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Run a pod whose script prints lines of a key and a value, and ends them with `end`."""
    agent.manifests.put(f"{name}.yaml", manifest)
    agent.until_runs(name)
    until(lambda: agent.words(name).endswith("end\n"), "it has told all", story=agent.story)
    return dict(line.partition(" ")[::2] for line in agent.words(name).splitlines())


def tells(text: str) -> str:
    return f"{text}\necho end\n{WAIT}"


def waiting(agent: Agent, name: str, reason: str) -> str:
    """Wait until the container waits for this reason; the message."""

    def look(status: Mapping[str, Any]) -> bool:
        state = status["containerStatuses"][0]["state"]
        return bool(state.get("waiting", {}).get("reason") == reason)

    status = agent.until_status(name, f"waits with {reason}", look)
    message: str = status["containerStatuses"][0]["state"]["waiting"]["message"]
    return message


def cgroup_file(life: Life, controller: str, v1: str, v2: str) -> str:
    """A file of the process's cgroup, in either version of the hierarchy."""
    for line in Path(f"/proc/{life.pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        base = Path("/sys/fs/cgroup")
        if controller in controllers.split(","):
            return (base / controller / path.lstrip("/") / v1).read_text().strip()
        if not controllers and (base / "cgroup.controllers").exists():
            return (base / path.lstrip("/") / v2).read_text().strip()
    raise AssertionError(f"no cgroup of {controller}")


def test_a_container_gets_its_environment_arguments_and_working_directory(agent: Agent) -> None:
    env = [
        {"name": "PLAIN", "value": "a b"},
        {"name": "DERIVED", "value": "$(PLAIN) $(UNKNOWN) $$(PLAIN)"},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "TIER", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['tier']"}}},
        {
            "name": "MEMORY",
            "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
        },
    ]
    text = tells(
        'echo "args $1 $2"; echo "derived $DERIVED"; echo "names $NAME $POD_UID $NODE"\n'
        'echo "ip $IP"; echo "tier $TIER"; echo "memory $MEMORY"; echo "pwd $(pwd)"'
    )
    one = script(
        text,
        args=["sh", "$(PLAIN)", "$(TIER)"],
        env=env,
        workingDir="/tmp",
        resources={"limits": {"memory": "64Mi"}},
    )
    manifest = pod("env", one)
    manifest["metadata"]["labels"] = {"tier": "front"}
    said = told(agent, "env", manifest)
    assert said == {
        "args": "a b front",
        "derived": "a b $(UNKNOWN) $(PLAIN)",
        "names": f"env-n1 {agent.pod('env')['metadata']['uid']} n1",
        "ip": NODE_IP,
        "tier": "front",
        "memory": "64",
        "pwd": "/tmp",
        "end": "",
    }


def test_containers_share_an_empty_directory_that_outlives_them(agent: Agent) -> None:
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    volume = {"name": "v", "emptyDir": {}}
    text = f"echo life >> /v/lives; cat /v/lives; {WAIT}"
    agent.manifests.put(
        "empty.yaml",
        pod("empty", script(text, **mount), script(name="b", **mount), volumes=[volume]),
    )
    life, other = agent.until_runs("empty"), agent.until_runs("empty", "b")
    until(lambda: agent.words("empty") == "life\n", "it has told", story=agent.story)
    assert Path(f"/proc/{other.pid}/root/v/lives").read_text() == "life\n"
    agent.kill_task(life.container_id)
    agent.until_runs("empty", after=life)
    until(lambda: agent.words("empty", restart=1), "it tells again", story=agent.story)
    assert agent.words("empty", restart=1) == "life\nlife\n"


def test_an_empty_directory_in_memory_is_a_tmpfs_of_its_size(agent: Agent) -> None:
    volume = {"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "3Mi"}}
    text = tells("stat -f -c 'type %T' /v; df -k /v | tail -1 | awk '{print \"kib\", $2}'")
    one = script(text, volumeMounts=[{"name": "v", "mountPath": "/v"}])
    said = told(agent, "memory", pod("memory", one, volumes=[volume]))
    assert said == {"type": "tmpfs", "kib": "3072", "end": ""}


def test_host_paths_of_each_type_are_checked_or_made(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content\n")
    (tmp_path / "directory").mkdir()
    kinds = {
        "file": "File",
        "directory": "Directory",
        "made-file": "FileOrCreate",
        "made-directory": "DirectoryOrCreate",
    }
    paths = {name: (str(tmp_path / name), kind) for name, kind in kinds.items()}
    paths["null"] = ("/dev/null", "CharDevice")
    paths["socket"] = (str(agent.socket), "Socket")
    volumes = [{"name": n, "hostPath": {"path": p, "type": k}} for n, (p, k) in paths.items()]
    mounts = [{"name": name, "mountPath": f"/v/{name}"} for name in paths]
    mounts[0]["readOnly"] = True  # type: ignore[assignment]
    text = tells(
        "cat /v/file; echo more 2>/dev/null > /v/file || echo readonly\n"
        "touch /v/directory/a /v/made-directory/b; echo x > /v/made-file\n"
        "test -c /v/null && echo null; test -S /v/socket && echo socket"
    )
    said = told(agent, "paths", pod("paths", script(text, volumeMounts=mounts), volumes=volumes))
    assert list(said) == ["content", "readonly", "null", "socket", "end"]
    assert (tmp_path / "directory/a").exists()
    assert (tmp_path / "made-directory/b").exists()
    assert (tmp_path / "made-file").read_text() == "x\n"


def test_a_missing_host_path_is_told_and_the_pod_starts_once_it_is_there(
    agent: Agent, tmp_path: Path
) -> None:
    missing = tmp_path / "later"
    volume, mount = shared(missing)
    agent.manifests.put("mend.yaml", pod("mend", script(volumeMounts=[mount]), volumes=[volume]))
    status = agent.until_status("mend", "cannot mount", lambda s: "FailedMount" in str(s))
    assert str(missing) in status["message"]
    assert status["phase"] == "Pending"
    missing.mkdir()
    agent.until_runs("mend")
    assert not agent.pod("mend")["status"].get("message")


def test_a_path_below_a_volume_is_mounted_alone(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("a\n")
    (tmp_path / "b.conf").write_text("b\n")
    volume, mount = shared(tmp_path, "/conf/only")
    one = script(tells("ls /conf; cat /conf/only"), volumeMounts=[{**mount, "subPath": "a.conf"}])
    assert list(told(agent, "below", pod("below", one, volumes=[volume]))) == ["only", "a", "end"]


def test_a_way_out_of_a_volume_is_refused(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "escape").symlink_to("/etc")
    volume, mount = shared(tmp_path)
    one = script(volumeMounts=[{**mount, "subPath": "escape/passwd"}])
    agent.manifests.put("escape.yaml", pod("escape", one, volumes=[volume]))
    assert "escape" in waiting(agent, "escape", "CreateContainerConfigError")


def test_requests_and_limits_reach_the_cgroups_of_the_process(agent: Agent) -> None:
    resources = {
        "requests": {"cpu": "250m", "memory": "32Mi"},
        "limits": {"cpu": "500m", "memory": "48Mi"},
    }
    agent.manifests.put("limits.yaml", pod("limits", script(resources=resources)))
    life = agent.until_runs("limits")
    memory = cgroup_file(life, "memory", "memory.limit_in_bytes", "memory.max")
    assert int(memory) == 48 * 1024**2
    quota = cgroup_file(life, "cpu", "cpu.cfs_quota_us", "cpu.max")
    assert quota.split()[0] == "50000"
    shares = int(cgroup_file(life, "cpu", "cpu.shares", "cpu.weight"))
    assert shares in (256, 10)
    uid = agent.pod("limits")["metadata"]["uid"]
    assert f"/kubepods/burstable/pod{uid}/" in Path(f"/proc/{life.pid}/cgroup").read_text()
    assert agent.pod("limits")["status"]["qosClass"] == "Burstable"
    agent.manifests.put("effort.yaml", pod("effort", WAIT))
    plain = agent.until_runs("effort")
    assert Path(f"/proc/{plain.pid}/oom_score_adj").read_text().strip() == "1000"
    assert 3 <= int(Path(f"/proc/{life.pid}/oom_score_adj").read_text()) <= 999


def test_a_container_over_its_memory_is_killed_and_its_status_says_so(agent: Agent) -> None:
    hungry = script(
        "tail /dev/zero",
        resources={"limits": {"memory": "16Mi"}},
    )
    agent.manifests.put("hungry.yaml", pod("hungry", hungry, restartPolicy="Never"))
    status = agent.until_status("hungry", "fails", lambda s: s["phase"] == "Failed")
    ended = status["containerStatuses"][0]["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


def test_a_security_context_binds_the_process(agent: Agent) -> None:
    text = tells(
        'echo "id $(id -u):$(id -g)"; touch /x 2>/dev/null || echo readonly\n'
        "awk '/^Cap(Eff|Bnd)|^NoNew|^Seccomp:/ {print $1, $2}' /proc/self/status"
    )
    context = {
        "runAsUser": 1234,
        "runAsGroup": 55,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    said = told(agent, "secure", pod("secure", script(text, securityContext=context)))
    assert said == {
        "id": "1234:55",
        "readonly": "",
        "CapEff:": "0" * 16,
        "CapBnd:": "0" * 16,
        "NoNewPrivs:": "1",
        "Seccomp:": "2",
        "end": "",
    }


def test_a_root_user_is_refused_where_the_manifest_forbids_it(agent: Agent) -> None:
    context = {"securityContext": {"runAsNonRoot": True}}
    agent.manifests.put("root.yaml", pod("root", script(**context)))
    assert "root" in waiting(agent, "root", "CreateContainerConfigError")
    mended = script(securityContext={"runAsNonRoot": True, "runAsUser": 7})
    agent.manifests.put("root.yaml", pod("root", mended))
    assert Path(f"/proc/{agent.until_runs('root').pid}").stat().st_uid == 7


def test_a_program_that_is_not_there_is_told_and_tried_again(agent: Agent) -> None:
    missing = script(command=["/no/such/program"])
    agent.manifests.put("program.yaml", pod("program", missing))
    assert "/no/such/program" in waiting(agent, "program", "RunContainerError")
    agent.manifests.put("program.yaml", pod("program", WAIT))
    agent.until_runs("program")
