"""How a pod starts, crashes, ends, changes and goes, on real containers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from staticlet.testing.agent import Agent
from staticlet.testing.scripted import WAIT, pod, script, shared
from staticlet.testing.until import until


def main(status: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = status["containerStatuses"][0]
    return found


def waits_for(reason: str, status: Mapping[str, Any]) -> bool:
    return bool(main(status)["state"].get("waiting", {}).get("reason") == reason)


def test_a_killed_container_is_restarted_in_its_sandbox_and_its_exit_is_remembered(
    agent: Agent,
) -> None:
    agent.manifests.put("killed.yaml", pod("killed", WAIT, script(name="other")))
    before, other = agent.until_runs("killed"), agent.until_runs("killed", "other")
    agent.kill_task(before.container_id)
    after = agent.until_runs("killed", after=before)
    assert after.restart_count == 1
    last = agent.state("killed")["lastState"]["terminated"]
    assert last["exitCode"] == 137
    assert last["containerID"].endswith(before.container_id)
    assert agent.life("killed", "other") == other
    assert len(agent.sandboxes_of("killed")) == 1


def test_a_crashing_container_is_restarted_with_a_back_off_that_its_status_tells(
    agent: Agent,
) -> None:
    agent.manifests.put("crash.yaml", pod("crash", "echo life; exit 3"))
    status = agent.until_status(
        "crash", "is in back-off", lambda s: waits_for("CrashLoopBackOff", s)
    )
    uid = agent.pod("crash")["metadata"]["uid"]
    assert main(status)["state"]["waiting"]["message"] == (
        f"back-off 1s restarting failed container=main pod=crash-n1_default({uid})"
    )
    assert main(status)["lastState"]["terminated"]["exitCode"] == 3
    assert main(status)["restartCount"] >= 1
    assert status["phase"] == "Running"
    agent.until_status("crash", "goes on trying", lambda s: main(s)["restartCount"] >= 3)
    assert agent.words("crash", restart=3) == "life\n"


def test_with_restart_policy_never_a_pod_ends_as_its_containers_did(agent: Agent) -> None:
    never = {"restartPolicy": "Never"}
    agent.manifests.put("good-end.yaml", pod("good-end", "exit 0", **never))
    agent.manifests.put("bad-end.yaml", pod("bad-end", "exit 0", script("exit 4", "b"), **never))
    good = agent.until_status("good-end", "succeeds", lambda s: s["phase"] == "Succeeded")
    bad = agent.until_status("bad-end", "fails", lambda s: s["phase"] == "Failed")
    assert main(good)["state"]["terminated"]["reason"] == "Completed"
    codes = {s["name"]: s["state"]["terminated"]["exitCode"] for s in bad["containerStatuses"]}
    assert codes == {"main": 0, "b": 4}
    assert [s["restartCount"] for s in bad["containerStatuses"]] == [0, 0]
    agent.until_settled()
    assert agent.pod("bad-end")["status"]["phase"] == "Failed"


def test_with_restart_policy_on_failure_only_a_failed_container_runs_again(agent: Agent) -> None:
    again = script(
        "test -e /keep/was && exit 0; touch /keep/was; exit 1",
        volumeMounts=[{"name": "keep", "mountPath": "/keep"}],
    )
    agent.manifests.put(
        "retry.yaml",
        pod(
            "retry",
            again,
            script("exit 0", "once"),
            restartPolicy="OnFailure",
            volumes=[{"name": "keep", "emptyDir": {}}],
        ),
    )
    status = agent.until_status("retry", "succeeds", lambda s: s["phase"] == "Succeeded")
    counts = {s["name"]: s["restartCount"] for s in status["containerStatuses"]}
    assert counts == {"main": 1, "once": 0}


def test_init_containers_run_one_after_the_other_before_the_others(agent: Agent) -> None:
    mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    inits = [
        script(f"sleep 0.2; echo {name} >> /v/order; cat /v/order", name, **mount)
        for name in ("one", "two")
    ]
    agent.manifests.put(
        "init.yaml",
        pod(
            "init",
            script(f"echo main >> /v/order; cat /v/order; {WAIT}", **mount),
            initContainers=inits,
            volumes=[{"name": "v", "emptyDir": {}}],
        ),
    )
    agent.until_runs("init")
    until(lambda: agent.words("init").count("\n") == 3, "it has told", story=agent.story)
    assert agent.words("init") == "one\ntwo\nmain\n"
    assert agent.words("init", "one") == "one\n"
    states = agent.pod("init")["status"]["initContainerStatuses"]
    assert [(s["name"], s["ready"], s["restartCount"]) for s in states] == [
        ("one", True, 0),
        ("two", True, 0),
    ]


def test_a_failing_init_container_is_tried_again_and_holds_up_the_others(agent: Agent) -> None:
    flaky = script(
        "test -e /v/ok && exit 0; exit 1",
        "flaky",
        volumeMounts=[{"name": "v", "mountPath": "/v"}],
    )
    volume = {"name": "v", "emptyDir": {}}
    agent.manifests.put("flaky.yaml", pod("flaky", WAIT, initContainers=[flaky], volumes=[volume]))
    status = agent.until_status(
        "flaky", "is tried again", lambda s: s["initContainerStatuses"][0]["restartCount"] >= 1
    )
    assert status["phase"] == "Pending"
    assert main(status)["state"]["waiting"]["reason"] == "PodInitializing"
    uid = agent.pod("flaky")["metadata"]["uid"]
    (agent.root / f"pods/{uid}/volumes/kubernetes.io~empty-dir/v/ok").touch()
    assert agent.until_runs("flaky").restart_count == 0


def test_a_failing_init_container_fails_a_pod_that_is_never_restarted(agent: Agent) -> None:
    agent.manifests.put(
        "init-fails.yaml",
        pod("init-fails", WAIT, initContainers=[script("exit 5", "i")], restartPolicy="Never"),
    )
    status = agent.until_status("init-fails", "fails", lambda s: s["phase"] == "Failed")
    assert status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 5
    assert agent.life("init-fails") is None


def test_a_removed_pod_has_its_grace_to_end(agent: Agent, tmp_path: Path) -> None:
    volume, mount = shared(tmp_path)
    slow = f"trap 'sleep 1; touch /shared/ended; exit 0' TERM; {WAIT.partition(';')[2]}"
    agent.manifests.put(
        "slow.yaml",
        pod(
            "slow",
            script(slow, volumeMounts=[mount]),
            volumes=[volume],
            terminationGracePeriodSeconds=20,
        ),
    )
    agent.until_runs("slow")
    agent.manifests.remove("slow.yaml")
    until(
        lambda: agent.pod("slow").get("metadata", {}).get("deletionTimestamp"),
        "it is shown as going",
        story=agent.story,
    )
    agent.until_gone("slow")
    assert (tmp_path / "ended").exists()


def test_a_container_that_ignores_term_is_killed_after_the_grace(agent: Agent) -> None:
    stubborn = "trap '' TERM; while true; do sleep 0.2; done"
    agent.manifests.put("deaf.yaml", pod("deaf", stubborn, terminationGracePeriodSeconds=2))
    life = agent.until_runs("deaf")
    removed = time.monotonic()
    agent.manifests.remove("deaf.yaml")
    until(lambda: not Path(f"/proc/{life.pid}").exists(), "it is killed", story=agent.story)
    assert 1.9 < time.monotonic() - removed < 10
    agent.until_gone("deaf")


def test_nothing_is_left_of_a_removed_pod(agent: Agent) -> None:
    mount = {"name": "mem", "mountPath": "/mem"}
    volume = {"name": "mem", "emptyDir": {"medium": "Memory"}}
    agent.manifests.put("trace.yaml", pod("trace", script(volumeMounts=[mount]), volumes=[volume]))
    life = agent.until_runs("trace")
    uid = agent.pod("trace")["metadata"]["uid"]
    link = Path(f"/var/log/containers/trace-n1_default_main-{life.container_id}.log")
    assert link.is_symlink()
    assert f"{agent.root}/pods/{uid}" in Path("/proc/self/mounts").read_text()
    agent.manifests.remove("trace.yaml")
    agent.until_gone("trace")
    assert agent.owned_of("trace") == []
    assert not link.is_symlink()
    assert not (agent.root / "pods" / uid).exists()
    assert list(agent.pod_logs.glob(f"*{uid}*")) == []
    assert uid not in Path("/proc/self/mounts").read_text()
    assert list(Path("/sys/fs/cgroup").glob(f"**/pod{uid}")) == []


def test_the_log_is_where_the_kubelet_has_it_and_the_last_words_are_in_the_status(
    agent: Agent,
) -> None:
    told = pod(
        "told",
        "echo out; echo err >&2; printf 'last words' > /dev/termination-log; exit 7",
        script(
            "echo from the log; exit 1",
            "z-log",
            terminationMessagePolicy="FallbackToLogsOnError",
        ),
        restartPolicy="Never",
    )
    agent.manifests.put("told.yaml", told)
    status = agent.until_status("told", "fails", lambda s: s["phase"] == "Failed")
    first, second = (s["state"]["terminated"] for s in status["containerStatuses"])
    assert (first["exitCode"], first["message"]) == (7, "last words")
    assert second["message"] == "from the log\n"
    container_id = first["containerID"].partition("://")[2]
    link = Path(f"/var/log/containers/told-n1_default_main-{container_id}.log")
    uid = agent.pod("told")["metadata"]["uid"]
    log = agent.pod_logs / f"default_told-n1_{uid}" / "main" / "0.log"
    assert link.resolve() == log.resolve()
    fields = sorted(line.split(" ", 1)[1] for line in log.read_text().splitlines())
    assert fields == ["stderr F err", "stdout F out"]


def test_an_old_pod_has_ended_before_the_changed_one_starts(agent: Agent, tmp_path: Path) -> None:
    volume, mount = shared(tmp_path)
    text = (
        "mkdir /shared/lock || touch /shared/double; "
        "trap 'sleep 0.4; rmdir /shared/lock; exit 0' TERM; "
        "touch /shared/$WORD; while true; do sleep 60 & wait $!; done"
    )
    life = None
    for word in ("one", "two", "three"):
        env = [{"name": "WORD", "value": word}]
        one = script(text, env=env, volumeMounts=[mount])
        agent.manifests.put("lock.yaml", pod("lock", one, volumes=[volume]))
        life = agent.until_runs("lock", after=life)
        until((tmp_path / word).exists, "it has begun", story=agent.story)
    assert not (tmp_path / "double").exists()
    assert len(agent.sandboxes_of("lock")) == 1


def test_the_old_pod_runs_on_while_the_new_image_can_not_be_had(agent: Agent) -> None:
    agent.manifests.put("image.yaml", pod("image", WAIT))
    before = agent.until_runs("image")
    agent.manifests.put("image.yaml", pod("image", script(image="localhost/no-such:1")))
    status = agent.until_status(
        "image", "tells of the image", lambda s: "localhost/no-such:1" in s.get("message", "")
    )
    assert "ErrImagePull" in status["message"] or "ImagePullBackOff" in status["message"]
    assert status["phase"] == "Running"
    agent.runs_on(before, "image")
    changed = pod("image", script(f"true; {WAIT}"))
    agent.manifests.put("image.yaml", changed)
    agent.until_runs("image", after=before)
    assert not agent.pod("image")["status"].get("message")


def test_a_pod_whose_image_can_not_be_had_says_why(agent: Agent) -> None:
    agent.manifests.put("absent.yaml", pod("absent", script(image="localhost/no-such:2")))
    status = agent.until_status(
        "absent",
        "waits for its image",
        lambda s: waits_for("ErrImagePull", s) or waits_for("ImagePullBackOff", s),
    )
    assert "localhost/no-such:2" in main(status)["state"]["waiting"]["message"]
    assert status["phase"] == "Pending"
    agent.manifests.put("never.yaml", pod("never", script(imagePullPolicy="Never", image="a/b:1")))
    agent.until_status("never", "never pulls", lambda s: waits_for("ErrImageNeverPull", s))


def test_a_sandbox_that_dies_is_made_anew(agent: Agent) -> None:
    agent.manifests.put("pause.yaml", pod("pause", WAIT))
    before = agent.until_runs("pause")
    (sandbox,) = agent.sandboxes_of("pause")
    agent.kill_task(sandbox)
    after = agent.until_runs("pause", after=before)
    assert after.restart_count == 1
    until(
        lambda: len(agent.sandboxes_of("pause")) == 1 and sandbox not in agent.owned(),
        "the dead sandbox is removed",
        story=agent.story,
    )
