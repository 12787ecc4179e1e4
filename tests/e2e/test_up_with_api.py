"""`staticlet up` and stock kubectl: static pods are seen there, and what is done there is undone.

Containers are held against containerd's own word: whatever happens to the API server or in it, the
same processes run on.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from staticlet.testing import upprocess
from staticlet.testing.containerd import BUSYBOX_REF, BUSYBOX_TAGGED
from staticlet.testing.scripted import WAIT, pod, shared
from staticlet.testing.until import lasts, until
from staticlet.testing.upprocess import NODE, UpProcess

pytestmark = [
    pytest.mark.containerd,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
]

MIRROR_WITHIN_S = 5.0
"""About 0.1 s where nothing else is at work."""

CONFIG = "kubernetes.io/config."
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def machine() -> Iterator[UpProcess]:
    """A machine for all tests of the module; its API server may be killed, but not kept away."""
    with upprocess.running() as made:
        made.start()
        until(made.kubeconfig_is_there, "the API server has written its kubeconfig")
        yield made


@pytest.fixture
def up(machine: UpProcess) -> Iterator[UpProcess]:
    """The machine, with no manifest before and after the test."""
    yield machine
    machine.manifests.clear()


@pytest.fixture
def name() -> str:
    """A pod's name for the test alone, as it is in the manifest."""
    return f"web{next(_numbers)}"


def put(up: UpProcess, name: str) -> tuple[str, tuple[str, int]]:
    """Write a manifest; the pod's name, and its container's life once it runs."""
    up.manifests.put(f"{name}.yaml", pod(name, WAIT, terminationGracePeriodSeconds=2))
    full = f"{name}-{NODE}"
    return full, up.until_runs(full)


def lives_on(up: UpProcess, pod: str, life: tuple[str, int]) -> None:
    """Assert that the same process is the pod's container, and no other is going to be."""
    lasts(lambda: (up.container(pod), life[1]) == life, f"{pod} runs on", for_s=0.5)
    assert up.tasks()[life[0]] == life[1]


def uid(mirror: dict[str, Any]) -> str:
    return str(mirror["metadata"]["uid"])


def test_a_mirror_is_there_as_soon_as_the_container_runs(up: UpProcess, name: str) -> None:
    up.until_node_is_ready()
    full, _ = put(up, name)
    since = time.monotonic()
    mirror = up.until_seen(full)
    took = time.monotonic() - since
    print(f"mirror seen ready {took:.2f} s after the container's start")  # noqa: T201  -s shows it
    assert took < MIRROR_WITHIN_S
    assert mirror["status"]["phase"] == "Running"
    (row,) = up.kubectl("get", "pods", "-A", "--no-headers").splitlines()
    assert row.split()[:5] == ["default", full, "1/1", "Running", "0"]


def test_a_mirror_says_what_it_is_and_whose(up: UpProcess, name: str) -> None:
    full, _ = put(up, name)
    mirror = up.until_seen(full)
    said = mirror["metadata"]["annotations"]
    assert {f"{CONFIG}{one}" for one in ("hash", "mirror", "seen", "source")} <= set(said)
    assert said[f"{CONFIG}hash"] == said[f"{CONFIG}mirror"]
    assert said[f"{CONFIG}source"] == "file"
    node = up.kubectl.json("get", "node", NODE)
    (owner,) = mirror["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Node", NODE, uid(node))
    assert "kind: Node" in up.kubectl("get", "pod", full, "-o", "yaml")


def test_a_mirror_that_is_deleted_comes_back_and_the_container_does_not_notice(
    up: UpProcess, name: str
) -> None:
    """And kubectl sees it go: it does not wait for the end of what is there again."""
    full, life = put(up, name)
    last = uid(up.until_seen(full))
    for how in ([], ["--now"], ["--force", "--grace-period=0"]):
        up.kubectl("delete", "pod", full, *how)
        last = uid(up.until_seen(full, not_uid=last))
    lives_on(up, full, life)


def test_a_label_of_a_mirror_is_put_back_and_what_others_note_there_stays(
    up: UpProcess, name: str
) -> None:
    full, life = put(up, name)
    before = uid(up.until_seen(full))
    up.kubectl("annotate", "pod", full, "example.com/noted=yes")
    assert up.seen(full)["metadata"]["annotations"]["example.com/noted"] == "yes"
    up.kubectl("label", "pod", full, "app=other")
    after = up.until_seen(full, not_uid=before)
    assert "labels" not in after["metadata"]
    lives_on(up, full, life)


def test_an_image_that_is_edited_in_the_mirror_is_put_back(up: UpProcess, name: str) -> None:
    full, life = put(up, name)
    up.until_seen(full)
    up.kubectl("edit", "pod", full, KUBE_EDITOR=f"sed -i s#{BUSYBOX_TAGGED}#{BUSYBOX_REF}#")

    def image() -> str:
        found = up.seen(full)
        return str(found["spec"]["containers"][0]["image"]) if found else ""

    until(lambda: image() == BUSYBOX_TAGGED, "the image is the manifest's again", story=up.story)
    up.until_seen(full)
    lives_on(up, full, life)


def test_with_the_file_both_the_pod_and_its_mirror_go(up: UpProcess, name: str) -> None:
    full, (container, _) = put(up, name)
    up.until_seen(full)
    up.manifests.remove(f"{name}.yaml")
    until(lambda: not up.seen(full), "the mirror is gone", story=up.story)
    until(lambda: container not in up.tasks(), "the container is gone", story=up.story)


def test_a_pod_made_with_kubectl_runs_and_ends_gracefully(up: UpProcess, tmp_path: Path) -> None:
    up.until_node_is_ready()
    said = tmp_path / "ended"
    made = pod("loose", f"trap 'echo gently > {said}; exit 0' TERM; while true; do sleep 1; done")
    volume, mount = shared(tmp_path, str(tmp_path))
    made["spec"]["volumes"] = [volume]
    made["spec"]["containers"][0]["volumeMounts"] = [mount]
    up.kubectl("apply", "-f", "-", stdin=json.dumps(made))
    assert up.until_seen("loose")["spec"]["nodeName"] == NODE
    container, _ = up.until_runs("loose")
    up.kubectl("delete", "pod", "loose")
    assert said.read_text() == "gently\n"
    assert container not in up.tasks()
    assert not up.seen("loose")


def test_a_pod_that_kubectl_runs_is_gone_when_kubectl_says_so(up: UpProcess, name: str) -> None:
    up.until_node_is_ready()
    up.kubectl("run", name, f"--image={BUSYBOX_TAGGED}", "--command", "--", "sh", "-c", WAIT)
    up.until_seen(name)
    container, _ = up.until_runs(name)
    assert container in up.tasks()
    up.kubectl("delete", "pod", name)
    assert container not in up.tasks()
    assert not up.seen(name)


def test_pods_do_not_notice_that_the_api_server_is_killed_and_it_tells_the_truth_again(
    up: UpProcess, name: str
) -> None:
    stays, life = put(up, f"{name}-stays")
    goes, _ = put(up, f"{name}-goes")
    before = uid(up.until_seen(stays))
    up.until_seen(goes)
    first = up.api_pid()
    os.kill(first, signal.SIGKILL)
    up.manifests.remove(f"{name}-goes.yaml")
    comes, _ = put(up, f"{name}-comes")
    until(lambda: up.api_pid() not in (0, first), "another API server is there", story=up.story)
    up.until_seen(comes)
    until(lambda: not up.seen(goes), "the mirror of what went is gone", story=up.story)
    assert uid(up.until_seen(stays)) == before
    lives_on(up, stays, life)


def test_an_up_that_was_killed_leaves_no_api_server_and_the_next_finds_its_mirrors(
    up: UpProcess, name: str
) -> None:
    full, life = put(up, name)
    before = uid(up.until_seen(full))
    first = up.api_pid()
    up.kill()
    until(lambda: not up.api_pid(), "the API server has ended, too", story=up.story)
    up.start()
    until(lambda: up.api_pid() not in (0, first), "another API server is there", story=up.story)
    assert uid(up.until_seen(full)) == before
    lives_on(up, full, life)


def test_pods_run_where_the_port_of_the_api_server_is_taken_until_it_is_free() -> None:
    with upprocess.running() as up, socket.create_server(("127.0.0.1", up.api_port)) as other:
        up.start()
        full, life = put(up, "alone")
        assert up.log.count("no API server: cannot listen on 127.0.0.1") == 1
        assert up.api_pid() == 0
        other.close()
        until(up.kubeconfig_is_there, "the API server has written its kubeconfig")
        up.until_seen(full)
        lives_on(up, full, life)
