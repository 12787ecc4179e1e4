"""`staticlet doctor` on this machine: what hangs, what is missing, what is broken on purpose."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from staticlet.aio import clock
from staticlet.app.doctor.gather import everything, runtime
from staticlet.app.doctor.placefacts import Kind
from staticlet.config import load
from staticlet.config.settings import Settings
from staticlet.host import listeners
from staticlet.runtime import port
from staticlet.runtime.cri import channel
from staticlet.runtime.cri import runtime as cri
from staticlet.testing import agent as agents
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing.until import until


@pytest.fixture
def silent() -> Iterator[Path]:
    """A socket that takes connections and never says a word."""
    with tempfile.TemporaryDirectory(prefix="doc") as short, socket.socket(socket.AF_UNIX) as made:
        path = Path(short) / "s"
        made.bind(str(path))
        made.listen(8)
        yield path


async def test_a_hanging_runtime_and_agent_keep_the_report_for_less_than_five_seconds(
    silent, tmp_path
):
    given = {
        "container-runtime-endpoint": [f"unix://{silent}"],
        "root-dir": [str(tmp_path)],
        "socket": [str(silent)],
        "pod-manifest-path": [str(tmp_path)],
    }
    loaded = load.load(given, host_name="n1", directory=tmp_path)
    began = time.monotonic()
    found = await everything.gather(loaded, clock=clock.SystemClock())
    assert time.monotonic() - began < 4.5
    assert isinstance(found.runtime.fault, port.DeadlinePassed)
    assert (found.agent.answers, found.agent.socket_exists) == (False, True)
    assert found.machine is not None
    assert found.places is not None


async def test_a_path_that_is_no_socket_is_not_asked(tmp_path):
    (tmp_path / "file").touch()
    settings = Settings(node_name="n1", runtime_endpoint=f"unix://{tmp_path}/file")
    found = await runtime.look(settings)
    assert (found.kind, found.version) == (Kind.FILE, None)


async def test_a_configuration_that_does_not_hold_leaves_the_machine_to_be_judged(tmp_path):
    with pytest.raises(load.ConfigError) as refused:
        load.load({"config": ["/nowhere"]}, host_name="n1", directory=tmp_path)
    found = await everything.gather(refused.value, clock=clock.SystemClock())
    assert found.configuration.errors
    assert found.machine is not None
    assert found.runtime is None
    assert found.gaps["runtime"] == "the configuration does not hold"


async def test_looking_leaves_no_trace(tmp_path):
    before = sorted(tmp_path.rglob("*"))
    given = {"root-dir": [str(tmp_path / "r")], "pod-manifest-path": [str(tmp_path / "m")]}
    loaded = load.load(given, host_name="n1", directory=tmp_path)
    found = await everything.gather(loaded, clock=clock.SystemClock())
    await asyncio.sleep(0)
    assert sorted(tmp_path.rglob("*")) == before
    assert found.places.root_dir.kind is Kind.MISSING


POD = """apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: "localhost/busybox:1", command: [sleep, "600"]}
"""


def doctor(*flags: str) -> tuple[int, Mapping[str, Any], str]:
    """Its exit status, its verdicts by name, and what it said to standard error."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "staticlet", "doctor", "-o", "json", *flags],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert time.monotonic() - began < 10, "five seconds, and as much for a busy machine"
    checks = json.loads(done.stdout)["checks"] if done.stdout.startswith("{") else []
    return done.returncode, {each["name"]: each for each in checks}, done.stderr


def level(verdicts: Mapping[str, Any], name: str) -> str:
    return str(verdicts[name]["level"])


@pytest.fixture
def without_network(
    containerd: containerd_of_ours.Containerd,
) -> Iterator[containerd_of_ours.Containerd]:
    """The containerd of the whole run, which for the time being has no network configuration."""
    (conf,) = containerd.layout.cni_conf.glob("*.conflist")
    aside = conf.with_suffix(".aside")
    conf.rename(aside)
    containerd.restart()
    try:
        yield containerd
    finally:
        aside.rename(conf)
        containerd.restart()


async def run_stranger(endpoint: str) -> str:
    """A sandbox of somebody else's, on the host network."""
    config = port.SandboxConfig(
        name="stranger",
        namespace="elsewhere",
        uid="stranger-1",
        attempt=0,
        namespaces=port.Namespaces(network=port.NamespaceMode.NODE),
    )
    async with channel.Connection(endpoint) as connection:
        return await cri.CriRuntime(connection).run_sandbox(config)


async def remove(endpoint: str, sandbox_id: str) -> None:
    async with channel.Connection(endpoint) as connection:
        await cri.CriRuntime(connection).remove_sandbox(sandbox_id)


def test_a_broken_set_up_is_named_in_each_of_its_parts(
    without_network: containerd_of_ours.Containerd,
) -> None:
    broken = without_network
    place = broken.base / "doctor"
    manifests = place / "m"
    manifests.mkdir(parents=True)
    manifests.chmod(0o777)
    manifest = manifests / "web.yaml"
    manifest.write_text(POD.replace("containers:", "containerz:"))
    manifest.chmod(0o666)
    flags = (f"--root-dir={place}/root", f"--pod-manifest-path={manifests}")
    stranger = asyncio.run(run_stranger(broken.endpoint))
    try:
        status, verdicts, _ = doctor(
            f"--container-runtime-endpoint={broken.endpoint}", *flags, "--strict"
        )
    finally:
        asyncio.run(remove(broken.endpoint, stranger))
    assert status == 1
    assert level(verdicts, "runtime") == "ok"
    assert level(verdicts, "sandbox-image") == "ok"
    assert level(verdicts, "network-ready") == "fail"
    assert "cni" in verdicts["network-ready"]["found"]
    assert level(verdicts, "cni-config") == "fail"
    assert str(broken.layout.cni_conf) in verdicts["cni-config"]["found"]
    assert level(verdicts, "manifest-permissions") == "fail"
    named = "\n".join(verdicts["manifest-permissions"]["details"])
    assert f"{manifests} can be written by others than its owner (mode 0777)" in named
    assert f"{manifest} can be written by others than its owner (mode 0666)" in named
    assert level(verdicts, "manifest-findings") == "fail"
    assert "containerz" in "\n".join(verdicts["manifest-findings"]["details"])
    assert level(verdicts, "foreign-sandboxes") == "warn"
    (row,) = [each for each in verdicts["foreign-sandboxes"]["details"] if "stranger" in each]
    assert row == f"elsewhere/stranger ({stranger[:13]})"
    for name, each in verdicts.items():
        assert bool(each["remedy"]) == (each["level"] in ("warn", "fail")), name
    assert not (place / "root").exists()


def test_a_wrong_socket_is_told_with_what_to_give_instead(tmp_path: Path) -> None:
    flags = (f"--root-dir={tmp_path}/root", f"--pod-manifest-path={tmp_path}")
    status, verdicts, _ = doctor(f"--container-runtime-endpoint={tmp_path}/none.sock", *flags)
    assert status == 1
    assert verdicts["runtime-socket"]["found"] == f"there is no socket {tmp_path}/none.sock"
    assert level(verdicts, "runtime") == "skipped"
    assert level(verdicts, "foreign-sandboxes") == "skipped"


def test_names_that_are_no_text_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.yaml")).write_text("kind: Odd\n")
    flags = (f"--root-dir={tmp_path}/root", f"--pod-manifest-path={tmp_path}")
    for output in ("-ojson", "-otext"):
        status, _, said = doctor(*flags, output)
        assert status == 1
        assert "Traceback" not in said


def test_a_socket_of_another_program_is_told(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="doc") as short, socket.socket(socket.AF_UNIX) as made:
        path = f"{short}/s"
        made.bind(path)
        flags = (f"--root-dir={tmp_path}/root", f"--pod-manifest-path={tmp_path}")
        _, verdicts, _ = doctor(f"--container-runtime-endpoint={path}", *flags)
    assert level(verdicts, "runtime-socket") == "ok"
    assert verdicts["runtime"]["found"].startswith(f"nobody listens on {path}")


def test_a_configuration_that_does_not_hold_is_a_verdict_like_others(tmp_path: Path) -> None:
    file = tmp_path / "kubelet.yaml"
    file.write_text("apiVersion: v1\nkind: Odd\n")
    status, verdicts, _ = doctor(f"--config={file}")
    assert status == 1
    assert level(verdicts, "configuration") == "fail"
    assert str(file) in verdicts["configuration"]["details"][0]
    assert level(verdicts, "kernel") in ("ok", "warn")
    assert verdicts["disk-space"]["found"] == "the configuration does not hold"


def test_a_flag_that_is_unknown_is_a_usage_error() -> None:
    status, verdicts, said = doctor("--nonsense")
    assert (status, verdicts) == (2, {})
    assert "--nonsense" in said


def test_a_port_that_somebody_has_is_told_with_who_has_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        (tmp_path / "web.yaml").write_text(
            POD.replace("main, image", f"main, ports: [{{containerPort: {number}}}], image")
        )
        flags = (f"--root-dir={tmp_path}/root", f"--pod-manifest-path={tmp_path}")
        _, verdicts, _ = doctor(*flags, "--hostname-override=n1")
    assert level(verdicts, "host-ports") == "fail"
    (row,) = verdicts["host-ports"]["details"]
    assert row.startswith(f"default/web-n1 wants {number}/TCP, which python")
    assert row.endswith(f"(pid {os.getpid()}) has")


def listens(number: int) -> bool:
    return any(each.port == number for each in listeners.listening())


def test_a_running_agent_is_told_with_its_pid_version_and_pods(
    containerd: containerd_of_ours.Containerd,
) -> None:
    base = containerd.base / "da"
    with agents.running(base, containerd) as agent:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            number = taken.getsockname()[1]
        serving = POD.replace('[sleep, "600"]', f'[httpd, -f, -p, "{number}"]')
        agent.manifests.file("web.yaml").write_text(
            serving.replace("main, image", f"main, ports: [{{containerPort: {number}}}], image")
        )
        agent.until_runs("web")
        until(lambda: listens(number), "httpd listens")
        flags = (
            f"--root-dir={agent.root}",
            f"--pod-manifest-path={agent.manifests.path}",
            f"--container-runtime-endpoint={containerd.endpoint}",
            f"--hostname-override={agents.NODE}",
        )
        _, verdicts, _ = doctor(*flags)
        assert re.fullmatch(
            rf"runs with pid {agent.pid}, version [\w.]+, and has 1 pod",
            verdicts["agent"]["found"],
        )
        for name in ("unwanted-pods", "stale-mounts", "orphan-directories", "stale-socket"):
            assert level(verdicts, name) == "ok", verdicts[name]
        assert not [row for row in verdicts["other-agents"]["details"] if str(agent.root) in row]
        found = verdicts["host-ports"]["found"]
        assert found == f"free, or held by their own pods: {number}/TCP"
        agent.kill()
        _, verdicts, _ = doctor(*flags)
        assert verdicts["agent"]["found"] == "none runs on this root directory"
        assert level(verdicts, "stale-socket") == "warn"
        agent.start()
