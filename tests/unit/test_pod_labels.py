"""What sandboxes and containers carry, and what is read back from them."""

import dataclasses
import json
from pathlib import Path

import pytest

from staticlet.kube import core
from staticlet.pods import labels
from staticlet.runtime import port
from staticlet.testing import wantedpods

ROOT = Path("/var/lib/kubelet")


def sandbox(annotations):
    return port.Sandbox(
        id="s", name="", namespace="", uid="", attempt=0, ready=True, created_at_ns=0,
        annotations=annotations,
    )  # fmt: skip


def container(annotations, attempt=0):
    return port.Container(
        id="c", sandbox_id="s", name="", attempt=attempt, state=port.ContainerState.EXITED,
        created_at_ns=0, annotations=annotations,
    )  # fmt: skip


def test_the_hash_of_a_container_is_the_kubelets():
    known = core.Container(name="test_container", image="foo/image:v1")
    assert labels.container_hash(known) == "8e45cbd0"


def test_the_hash_looks_at_name_and_image_only():
    known = core.Container(name="test_container", image="foo/image:v1", args=["x"], tty=True)
    assert labels.container_hash(known) == "8e45cbd0"
    assert labels.container_hash(core.Container(name="b", image="foo/image:v1")) != "8e45cbd0"


def test_a_sandbox_carries_the_pods_labels_and_who_it_is():
    pod = wantedpods.wanted(labels={"app": "web", "io.kubernetes.pod.uid": "forged"})
    assert labels.sandbox_labels(pod, ROOT) == {
        "app": "web",
        "io.kubernetes.pod.name": "web-n1",
        "io.kubernetes.pod.namespace": "default",
        "io.kubernetes.pod.uid": wantedpods.UID,
        "staticlet.dev/owner": labels.owner(ROOT),
    }


def test_a_container_carries_no_labels_of_the_pods_own():
    pod = wantedpods.wanted(labels={"app": "web"})
    found = labels.container_labels(pod, "c", ROOT)
    assert "app" not in found
    assert found["io.kubernetes.container.name"] == "c"
    assert labels.owner_selector(ROOT).items() <= found.items()


def test_the_owner_is_known_by_sixteen_hex_digits_of_the_root_directory():
    assert labels.owner(ROOT) == "586662b34db37d81"
    assert labels.owner(ROOT) != labels.owner(Path("/var/lib/other"))


def test_a_container_carries_what_the_kubelet_would_read_back():
    raw = wantedpods.container(
        terminationMessagePath="/tmp/bye",
        terminationMessagePolicy="FallbackToLogsOnError",
        ports=[{"containerPort": 80, "name": "http", "protocol": "TCP"}],
        lifecycle={"preStop": {"exec": {"command": ["true"]}}},
    )
    pod = wantedpods.wanted(raw, terminationGracePeriodSeconds=7)
    found = labels.container_annotations(pod, pod.pod.spec.containers[0], restart_count=3)
    assert found == {
        "io.kubernetes.container.hash": labels.container_hash(pod.pod.spec.containers[0]),
        "io.kubernetes.container.restartCount": "3",
        "io.kubernetes.container.terminationMessagePath": "/tmp/bye",
        "io.kubernetes.container.terminationMessagePolicy": "FallbackToLogsOnError",
        "io.kubernetes.pod.terminationGracePeriod": "7",
        "io.kubernetes.container.preStopHandler": '{"exec":{"command":["true"]}}',
        "io.kubernetes.container.ports": ('[{"name":"http","containerPort":80,"protocol":"TCP"}]'),
    }
    assert labels.restart_count_of(container(found)) == 3
    assert labels.grace_period_of(container(found)) == 7


def test_a_container_that_says_nothing_is_read_with_defaults():
    assert labels.restart_count_of(container({}, attempt=4)) == 4
    assert labels.restart_count_of(container({labels.RESTART_COUNT: "-1x"}, attempt=4)) == 4
    assert labels.grace_period_of(container({})) == 30


def test_a_pod_comes_back_from_its_sandbox_as_it_was():
    pod = dataclasses.replace(
        wantedpods.wanted(labels={"app": "wéb"}, annotations={"note": "<&>"}), incarnation=2
    )
    made = sandbox(labels.sandbox_annotations(pod, ROOT))
    assert labels.pod_of(made) == pod.pod
    assert labels.revision_of(made) == pod.revision
    assert labels.incarnation_of(made) == 2
    assert made.annotations["note"] == "<&>"
    assert made.annotations["staticlet.dev/origin"] == pod.origin
    assert json.loads(made.annotations["staticlet.dev/pod"])["spec"]["containers"]


def test_a_pod_that_is_too_large_is_not_kept_on_its_sandbox():
    pod = wantedpods.wanted(annotations={"large": "x" * 65536})
    made = sandbox(labels.sandbox_annotations(pod, ROOT))
    assert "staticlet.dev/pod" not in made.annotations
    assert labels.pod_of(made) is None
    assert labels.revision_of(made) == pod.revision


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"spec": 3}', '{"spec": {}}'])
def test_a_damaged_note_of_a_pod_reads_as_none(damaged):
    assert labels.pod_of(sandbox({labels.POD: damaged})) is None
