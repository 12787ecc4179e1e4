"""Who a static pod is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from staticlet.kube import read
from staticlet.pods import identity
from staticlet.pods.wanted import WantedPod

SEEN = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
TEXT = """
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
  - name: main
    image: nginx:1
"""


def raw(text: str = TEXT) -> dict[str, Any]:
    return read.read(text.encode(), source="test").pods[0].raw


def wanted(text: str = TEXT, **changed: Any) -> WantedPod:
    facts: dict[str, Any] = {
        "node_name": "node1",
        "source": "file",
        "origin": "/etc/kubernetes/manifests/web.yaml",
        "seen": SEEN,
    }
    return identity.wanted(raw(text), **(facts | changed))


def test_the_uid_of_a_known_manifest_is_the_same_on_every_version() -> None:
    # Never change this value: it restarts every pod of every user at an upgrade.
    assert wanted().uid == "e561e4fe56b2c481167fb0a95d20c619"


def test_the_uid_of_known_content_is_the_same_whatever_the_defaults_become() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": {"\u00e4": "\u2603"}},
        "spec": {"containers": [{"name": "main", "image": "nginx:1", "env": []}]},
    }
    facts: dict[str, Any] = {"node_name": "node1", "source": "file", "origin": "/x", "seen": SEEN}
    assert identity.wanted(pod, **facts).uid == "f6039797a2fca069df9a2e32ce3f87d9"


def test_the_name_ends_in_the_node_in_lower_case_and_the_namespace_has_a_default() -> None:
    pod = wanted(node_name="Node-A")
    assert str(pod.key) == "default/web-node-a"
    assert pod.pod.metadata is not None
    assert (pod.pod.metadata.namespace, pod.pod.metadata.name) == ("default", "web-node-a")
    assert pod.pod.spec is not None
    assert pod.pod.spec.nodeName == "Node-A"
    assert pod.pod.status is not None
    assert pod.pod.status.phase == "Pending"


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("image: nginx:1", "image: nginx:1  # a comment"),
        TEXT + "  restartPolicy: Always\n",
        TEXT + "  nodeName: elsewhere\n",
        TEXT + "  noSuchField: 1\n",
        TEXT + "status: {phase: Running}\n",
        TEXT.replace("  name: web\n", "  namespace: default\n  name: web\n"),
        TEXT.replace("  name: web\n", "  creationTimestamp: null\n  name: web\n"),
        """{"kind": "Pod", "spec": {"containers": [{"image": "nginx:1", "name": "main"}]},
            "apiVersion": "v1", "metadata": {"labels": {"app": "web"}, "name": "web"}}""",
    ],
)
def test_another_spelling_of_the_same_content_has_the_same_uid(text: str) -> None:
    assert wanted(text).uid == wanted().uid


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("nginx:1", "nginx:2"),
        TEXT.replace("app: web", "app: other"),
        TEXT.replace("name: web", "name: other"),
        TEXT.replace("  name: web", "  namespace: other\n  name: web"),
        TEXT.replace("  labels", "  annotations: {a: b}\n  labels"),
    ],
)
def test_any_change_of_content_makes_another_uid(text: str) -> None:
    assert wanted(text).uid != wanted().uid


def test_the_path_and_the_source_are_no_part_of_the_uid_but_the_node_is() -> None:
    assert wanted(origin="/elsewhere/x.yaml").uid == wanted().uid
    assert wanted(source="http", origin="http://host/x").uid == wanted().uid
    assert wanted(node_name="node2").uid != wanted().uid


def test_a_uid_that_the_manifest_fixes_is_kept_and_the_revision_tells_the_content() -> None:
    fixed = TEXT.replace("  name: web\n", "  name: web\n  uid: abc-123\n")
    pod, changed = wanted(fixed), wanted(fixed.replace("nginx:1", "nginx:2"))
    assert (pod.uid, changed.uid) == ("abc-123", "abc-123")
    assert pod.revision != changed.revision
    assert pod.revision != pod.uid
    assert wanted().revision == wanted().uid


def test_the_annotations_tell_hash_source_and_when_it_was_seen() -> None:
    text = TEXT.replace(
        "  labels", "  annotations: {a: b, kubernetes.io/config.hash: x}\n  labels"
    )
    pod = wanted(text)
    assert pod.pod.metadata is not None
    assert pod.pod.metadata.annotations == {
        "a": "b",
        "kubernetes.io/config.hash": pod.uid,
        "kubernetes.io/config.source": "file",
        "kubernetes.io/config.seen": "2031-02-03T04:05:06.000789000Z",
    }
    assert pod.pod.metadata.uid == pod.uid


def test_the_time_format_is_of_fixed_width_with_any_zone() -> None:
    whole = SEEN.replace(microsecond=0)
    assert identity.timestamp(whole) == "2031-02-03T04:05:06.000000000Z"
    east = whole.replace(tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert identity.timestamp(east) == "2031-02-03T04:05:06.000000000+05:30"


def tolerations(pod: WantedPod) -> list[dict[str, Any]]:
    assert pod.pod.spec is not None
    return [each.to_dict() for each in pod.pod.spec.tolerations or []]


def test_pods_of_files_tolerate_every_no_execute_taint_and_those_of_urls_do_not() -> None:
    ours = {"operator": "Exists", "effect": "NoExecute"}
    assert tolerations(wanted()) == [ours]
    assert tolerations(wanted(source="http")) == []
    limited = (
        "  tolerations: [{operator: Exists, effect: NoExecute, tolerationSeconds: 5}, {key: a}]"
    )
    assert tolerations(wanted(TEXT + limited))[0] == ours
    assert len(tolerations(wanted(TEXT + limited))) == 2


def test_a_name_that_the_node_makes_too_long_is_refused() -> None:
    refusal = identity.refusal(raw(), node_name="n" * 260)
    assert refusal is not None
    assert "metadata.name" in str(refusal)
    assert identity.refusal(raw(), node_name="node1") is None


def test_a_fixed_uid_that_is_no_file_name_is_refused() -> None:
    bad = {**raw(), "metadata": {"name": "web", "uid": "../../etc"}}
    assert "metadata.uid" in str(identity.refusal(bad, node_name="node1"))
