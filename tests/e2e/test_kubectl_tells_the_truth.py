"""What a person at kubectl sees of static pods beside `staticlet up`, and how soon it is true."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator

import pytest

from staticlet.testing import kubectl, upprocess
from staticlet.testing.containerd import BUSYBOX_TAGGED
from staticlet.testing.scripted import WAIT, pod, script
from staticlet.testing.until import pause, until
from staticlet.testing.upprocess import NODE, UpProcess, is_ready

pytestmark = [
    pytest.mark.containerd,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
]

TRUE_WITHIN_S = 5.0
"""How soon after its return the API server must tell how things are."""

HANGS_FOR_S = 14.0
"""Longer than a request may take."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def machine() -> Iterator[UpProcess]:
    """A machine for all tests of the module."""
    with upprocess.running() as made:
        made.start()
        until(made.kubeconfig_is_there, "the API server has written its kubeconfig")
        made.until_node_is_ready()
        yield made


@pytest.fixture
def up(machine: UpProcess) -> Iterator[UpProcess]:
    """The machine, with no manifest after the test."""
    yield machine
    machine.manifests.clear()


@pytest.fixture
def name() -> str:
    """A pod's name for the test alone, as it is in the manifest."""
    return f"seen{next(_numbers)}"


def row(up: UpProcess, full: str) -> dict[str, str]:
    """The pod's line of `kubectl get pods`; empty when there is none."""
    said = up.kubectl.run("get", "pods", "-A")
    return (
        {each["NAME"]: each for each in kubectl.rows(said.out)}.get(full, {}) if said.out else {}
    )


def until_row(up: UpProcess, full: str, *wanted: str) -> None:
    """Wait until READY, STATUS and RESTARTS of a pod are these."""

    def look() -> bool:
        found = row(up, full)
        return [found.get(name, "").split(" ")[0] for name in ("READY", "STATUS", "RESTARTS")] == [
            *wanted
        ]

    until(look, f"kubectl shows {full} as {wanted}", story=up.story)


def test_a_crash_is_seen_in_the_table_in_the_description_and_in_the_logs(
    up: UpProcess, name: str
) -> None:
    says = "echo life; trap 'exit 7' USR1; while true; do sleep 60 & wait $!; done"
    up.manifests.put(f"{name}.yaml", pod(name, says, terminationGracePeriodSeconds=1))
    full = f"{name}-{NODE}"
    _, pid = up.until_runs(full)
    until_row(up, full, "1/1", "Running", "0")
    os.kill(pid, signal.SIGUSR1)
    until_row(up, full, "1/1", "Running", "1")

    def told() -> bool:
        said = up.kubectl("describe", "pod", full)
        events = kubectl.section(said, "Events")
        return "Exit Code:    7" in said and "(x2 over" in events and "Started" in events

    until(told, "kubectl describe tells of it", story=up.story)


def test_a_pod_whose_manifest_is_removed_is_never_shown_as_about_to_start(
    up: UpProcess, name: str
) -> None:
    up.manifests.put(f"{name}.yaml", pod(name, WAIT, terminationGracePeriodSeconds=1))
    full = f"{name}-{NODE}"
    _, pid = up.until_runs(full)
    os.kill(pid, signal.SIGKILL)
    until_row(up, full, "1/1", "Running", "1")
    watch = up.kubectl.start(
        "get", "pods", "-w", "--no-headers", "--field-selector", f"metadata.name={full}"
    )
    try:
        assert watch.stdout is not None
        assert "Running" in watch.stdout.readline()
        up.manifests.remove(f"{name}.yaml")
        until(lambda: not up.seen(full), "the mirror is gone", story=up.story)
    finally:
        watch.terminate()
        shown = watch.communicate(timeout=10)[0]
    assert shown
    for line in shown.splitlines():
        assert "ContainerCreating" not in line
        assert line.split()[3] == "1", "a restart is not taken back"


def test_a_mirror_that_is_refused_is_an_event_of_the_node_and_comes_when_nothing_is_in_its_way(
    up: UpProcess, name: str
) -> None:
    full, namespace = f"{name}-{NODE}", f"ns-{name}"
    manifest = pod(name, WAIT, terminationGracePeriodSeconds=1)
    manifest["metadata"]["namespace"] = namespace
    up.manifests.put(f"{name}.yaml", manifest)
    up.until_runs(full)

    def told() -> bool:
        said = kubectl.section(up.kubectl("describe", "node", NODE), "Events")
        return f'refuses it: namespaces "{namespace}" not found' in said

    until(told, "an event of the node quotes the refusal", story=up.story)
    up.kubectl("create", "namespace", namespace)

    def shown() -> bool:
        said = up.kubectl.run("get", "pod", full, "-n", namespace, "-o", "name")
        return said.status == 0

    until(shown, "the mirror is there", story=up.story)


def test_a_static_pod_takes_its_name_from_a_pod_of_the_api_which_is_told_everywhere(
    up: UpProcess, name: str
) -> None:
    full = f"{name}-{NODE}"
    up.kubectl("run", full, f"--image={BUSYBOX_TAGGED}", "--command", "--", "sh", "-c", WAIT)
    up.until_seen(full)
    up.manifests.put(f"{name}.yaml", pod(name, WAIT, terminationGracePeriodSeconds=1))
    until_row(up, full, "0/1", "UnexpectedAdmissionError", "0")

    def told() -> bool:
        said = kubectl.section(up.kubectl("describe", "node", NODE), "Events")
        return (
            f"static pod default/{full} has no mirror pod: a pod of the API has its name" in said
        )

    until(told, "an event of the node tells of it", story=up.story)
    life = up.until_runs(full)
    up.kubectl("delete", "pod", full)
    up.until_seen(full)
    assert up.seen(full)["metadata"]["ownerReferences"][0]["kind"] == "Node"
    assert (up.container(full), up.tasks()[life[0]]) == life


@pytest.mark.long
def test_while_the_api_server_hangs_pods_live_as_ever_and_soon_after_it_tells_the_truth(
    up: UpProcess, name: str
) -> None:
    names = [f"{name}-{what}" for what in ("crash", "change", "remove", "stay", "add")]
    crash, change, remove, stay, add = (f"{one}-{NODE}" for one in names)
    for one in names[:-1]:
        up.manifests.put(f"{one}.yaml", pod(one, WAIT, terminationGracePeriodSeconds=1))
    lives = {one: up.until_runs(one) for one in (crash, change, remove, stay)}
    for one in lives:
        up.until_seen(one)
    api = up.api_pid()
    os.kill(api, signal.SIGSTOP)
    try:
        began = time.monotonic()
        os.kill(lives[crash][1], signal.SIGKILL)
        changed = pod(names[1], script(env=[{"name": "A", "value": "2"}]))
        up.manifests.put(f"{names[1]}.yaml", changed)
        up.manifests.remove(f"{names[2]}.yaml")
        up.manifests.put(f"{names[4]}.yaml", pod(names[4], WAIT, terminationGracePeriodSeconds=1))
        for one in (crash, change):
            until(lambda one=one: up.container(one) not in ("", lives[one][0]), f"{one} is new")
        until(lambda: remove not in up.pods(), "what was removed is gone")
        up.until_runs(add)
        assert time.monotonic() - began < HANGS_FOR_S, "nothing waited for the API server"
        pause(HANGS_FOR_S - (time.monotonic() - began))
    finally:
        os.kill(api, signal.SIGCONT)
    since = time.monotonic()

    def true() -> bool:
        found = {one["metadata"]["name"]: one for one in up.kubectl.json("get", "pods")["items"]}
        return set(found) == {crash, change, stay, add} and all(
            is_ready(one)
            and one["status"]["containerStatuses"][0]["containerID"].endswith(up.container(full))
            for full, one in found.items()
        )

    until(true, "the API tells the truth", story=up.story)
    took = time.monotonic() - since
    print(f"the API told the truth {took:.1f} s after its return")  # noqa: T201  -s shows it
    assert took < TRUE_WITHIN_S
    assert up.api_pid() == api
    assert (up.container(stay), up.tasks()[lives[stay][0]]) == lives[stay]
    counted = up.seen(crash)["status"]["containerStatuses"][0]["restartCount"]
    assert counted == 1
